// gRPC calls of which no message comes: whose are ended where too many wait.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "net/grpc_server.h"
#include "net/grpc_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using Client = GrpcTestClient;
using StreamCall = GrpcTestStream;

constexpr char kMethod[] = "/test.Service/Upload";
constexpr std::size_t kMost = 8, kBegun = 40;

RawReply Echo(const RawRequest& request) { return RawReply::Ok(std::string(request.message)); }

std::unique_ptr<GrpcServer> Start(GrpcServerOptions options) {
  options.peer_timeout = 1h;
  options.max_silent_calls = kMost;
  auto server = GrpcServer::Start(std::move(options), {{kMethod, Echo}});
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

// Begins many calls on one connection, says nothing, and waits until all but `left` are ended.
class Beginner {
 public:
  Beginner(std::uint16_t port, std::size_t left) : client_(port) {
    for (std::size_t i = 0; i < kBegun; ++i)
      calls_.push_back(std::make_unique<StreamCall>(client_, kMethod));
    // Which of them the server met last is not told: those that are left wait for their deadline.
    for (auto& call : calls_) {
      readers_.emplace_back([this, &call] {
        EXPECT_EQ(call->Read(), std::nullopt);
        ended_.release();
      });
    }
    for (std::size_t i = left; i < kBegun; ++i) ended_.acquire();
  }
  ~Beginner() {
    for (auto& call : calls_) call->context.TryCancel();
  }

 private:
  Client client_;
  std::vector<std::unique_ptr<StreamCall>> calls_;
  std::counting_semaphore<kBegun> ended_{0};
  std::vector<std::jthread> readers_;  // last: they use the rest
};

// Its connection stands before the others come, and the server has seen its call.
std::unique_ptr<StreamCall> BeginUpload(Client& client) {
  auto upload = std::make_unique<StreamCall>(client, kMethod);
  EXPECT_EQ(client.Call(kMethod, "another").bytes, "another");
  return upload;
}

// An upload whose message takes its time keeps its place, however many calls others begin.
void AnUploadIsKept(const GrpcServerOptions& options) {
  const auto server = Start(options);
  Client client(server->port());
  const auto upload = BeginUpload(client);
  {
    const Beginner many(server->port(), kMost - 1);
    EXPECT_TRUE(upload->Write("late"));
    upload->EndWriting();
    EXPECT_TRUE(upload->Read().has_value());
    EXPECT_TRUE(upload->End().ok());
    EXPECT_EQ(client.Call(kMethod, "next").bytes, "next");
  }
  server->Stop(0ms);
}

TEST(GrpcSilent, WhoBeginsManyCallsLosesItsOwn) { AnUploadIsKept({}); }

TEST(GrpcSilent, WhoBeginsManyStreamsLosesItsOwn) {
  GrpcServerOptions options;
  options.client_streams = {kMethod};
  options.max_client_streams = kMost;
  AnUploadIsKept(options);
}

// Of two that begin many the one with more loses: what is left is shared.
TEST(GrpcSilent, ConnectionsShareThePlaces) {
  const auto server = Start({});
  Client client(server->port());
  const auto upload = BeginUpload(client);
  const Beginner first(server->port(), kMost - 1);
  const Beginner second(server->port(), (kMost - 1) / 2 + 1);
  EXPECT_TRUE(upload->Write("late"));
  EXPECT_TRUE(upload->Read().has_value());
}

}  // namespace
}  // namespace tracestore::net
