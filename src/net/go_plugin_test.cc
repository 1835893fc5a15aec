// The services of a go-plugin process, over the socket that its host is told of.
#include "net/go_plugin.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <string>

#include "net/unix_listener.h"

namespace tracestore::net {
namespace {

class Folder {
 public:
  Folder() { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string socket() const { return path_ + "/socket"; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "tracestore-test-XXXXXX").string();
};

// A call of any kind with one request; its messages, then how it ends.
class Call {
 public:
  Call(const std::string& socket, const std::string& method, const std::string& request)
      : stub_(grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials())) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    call_ = stub_.PrepareCall(&context_, method, &queue_);
    call_->StartCall(nullptr);
    Wait();
    const grpc::Slice slice(request);
    call_->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    Wait();
  }
  ~Call() {
    context_.TryCancel();
    queue_.Shutdown();
    while (Wait()) continue;
  }
  // The number of messages and the status.
  std::pair<std::size_t, grpc::Status> End() {
    std::size_t messages = 0;
    grpc::ByteBuffer message;
    for (call_->Read(&message, nullptr); Wait(); call_->Read(&message, nullptr)) ++messages;
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Wait();
    return {messages, status};
  }

 private:
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST(GoPlugin, WritesItsOneLine) {
  EXPECT_EQ(HandshakeLine([](const char*) { return std::nullopt; }, 1, "/tmp/s"),
            "1|1|unix|/tmp/s|grpc|\n");
  EXPECT_EQ(HandshakeLine(
                [](const char* name) -> std::optional<std::string> {
                  if (std::string_view(name) == "PLUGIN_MULTIPLEX_GRPC") return "true";
                  return std::nullopt;
                },
                2, "/tmp/s"),
            "1|2|unix|/tmp/s|grpc||false\n");
}

TEST(GoPlugin, ServesItsHost) {
  const Folder folder;
  GoPluginServices host;
  std::promise<void> asked;
  host.on_shutdown = [&] { asked.set_value(); };
  RawGrpcServices methods;
  GrpcServerOptions options;
  options.listen = false;
  host.AddTo(methods, options);
  const auto server = GrpcServer::Start(std::move(options), std::move(methods));
  ASSERT_TRUE(server.has_value()) << server.error().message();
  const auto listener =
      UnixListener::Start(folder.socket(), [&](int fd) { (*server)->Adopt(fd); });
  ASSERT_TRUE(listener.has_value()) << listener.error().message();
  struct stat status {};
  ASSERT_EQ(stat(folder.socket().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);

  Call ping(folder.socket(), "/grpc.health.v1.Health/Check", "\x0a\x06plugin");
  EXPECT_TRUE(ping.End().second.ok());
  Call broker(folder.socket(), "/plugin.GRPCBroker/StartStream", "\x08\x01");
  const auto [messages, ended] = broker.End();
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(messages, 0u);
  Call stdio(folder.socket(), "/plugin.GRPCStdio/StreamStdio", "");
  EXPECT_FALSE(host.shut_down());
  Call shutdown(folder.socket(), "/plugin.GRPCController/Shutdown", "");
  EXPECT_TRUE(shutdown.End().second.ok());
  EXPECT_EQ(asked.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_TRUE(host.shut_down());
  host.End();
  EXPECT_TRUE(stdio.End().second.ok());
  (*listener)->Stop();
  EXPECT_FALSE(std::filesystem::exists(folder.socket()));
}

TEST(UnixListener, SaysWhyItCantListen) {
  const Folder folder;
  const auto first = UnixListener::Start(folder.socket(), [](int) {});
  ASSERT_TRUE(first.has_value()) << first.error().message();
  const auto second = UnixListener::Start(folder.socket(), [](int) {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().message(),
            "cannot listen on " + folder.socket() + ": Address already in use");
  EXPECT_FALSE(UnixListener::Start(folder.socket() + std::string(200, 'x'),
                                   [](int) {}).has_value());
}

}  // namespace
}  // namespace tracestore::net
