// Raw gRPC methods whose answer is a stream of messages.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <tuple>

#include "net/grpc_server.h"
#include "net/grpc_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using Client = GrpcTestClient;
using StreamCall = GrpcTestStream;

constexpr char kMethod[] = "/test.Service/Stream";

std::unique_ptr<GrpcServer> StartServer(RawHandler handler, GrpcServerOptions options = {}) {
  auto server = GrpcServer::Start(std::move(options), {{kMethod, std::move(handler)}});
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

// Fulfils its promise when it goes: with the stream that holds it.
class Gone {
 public:
  explicit Gone(std::promise<void>& gone) : gone_(gone) {}
  Gone(const Gone&) = delete;
  Gone& operator=(const Gone&) = delete;
  ~Gone() { gone_.set_value(); }

 private:
  std::promise<void>& gone_;
};

// "0", "1", … each with as many bytes as `sizes` says.
RawHandler StreamOf(std::vector<std::size_t> sizes, RawReply end) {
  return [sizes = std::move(sizes), end = std::move(end)](const RawRequest&) {
    return RawReply::Stream([sizes, end, next = std::size_t{0}](
                                std::string& message) mutable -> std::optional<RawReply> {
      EXPECT_EQ(message, "");
      if (next == sizes.size()) return end;
      message.assign(sizes[next], static_cast<char>('0' + next));
      ++next;
      return std::nullopt;
    });
  };
}

TEST(GrpcStream, StreamsMessagesInOrder) {
  const auto server = StartServer(StreamOf({5, 0, 3'000'000, 1}, RawReply::Ok("not sent")));
  Client client(server->port());
  StreamCall call(client, kMethod, "x");
  const auto messages = call.ReadAll();
  EXPECT_TRUE(call.End().ok());
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0], "00000");
  EXPECT_EQ(messages[1], "");
  EXPECT_TRUE(messages[2] == std::string(3'000'000, '2'));
  EXPECT_EQ(messages[3], "3");
}

TEST(GrpcStream, EndsStreamsWithAStatus) {
  const auto server = GrpcServer::Start(
      {},
      {{"/t.S/Empty", StreamOf({}, RawReply::Ok(""))},
       {"/t.S/Late", StreamOf({2, 2}, RawReply::Fail(GrpcCode::kDataLoss, "a page is damaged"))},
       {"/t.S/Early", StreamOf({}, RawReply::Fail(GrpcCode::kNotFound, "trace not found"))},
       {"/t.S/Throws", [](const RawRequest&) {
          return RawReply::Stream(
              [](std::string&) -> std::optional<RawReply> { throw std::runtime_error("oops"); });
        }}});
  ASSERT_TRUE(server.has_value()) << server.error().message();
  Client client((*server)->port());
  const auto run = [&](const char* method) {
    StreamCall call(client, method, "");
    const std::size_t messages = call.ReadAll().size();
    const grpc::Status status = call.End();
    return std::tuple(messages, static_cast<int>(status.error_code()), status.error_message());
  };
  EXPECT_EQ(run("/t.S/Empty"), std::tuple(0u, 0, ""));
  EXPECT_EQ(run("/t.S/Late"), std::tuple(2u, 15, "a page is damaged"));
  EXPECT_EQ(run("/t.S/Early"), std::tuple(0u, 5, "trace not found"));
  EXPECT_EQ(run("/t.S/Throws"), std::tuple(0u, 13, "internal error: oops"));
}

// Each message is sent when the one before was answered.
TEST(GrpcStream, AnswersEachMessageOfACall) {
  const auto server = StartServer([](const RawRequest& request) {
    if (request.message == "bad") return RawReply::Fail(GrpcCode::kInvalidArgument, "no such");
    return RawReply::Again("re: " + std::string(request.message));
  });
  Client client(server->port());
  StreamCall call(client, kMethod);
  for (const char* sent : {"one", "", "three"}) {
    EXPECT_TRUE(call.Write(sent));
    EXPECT_EQ(call.Read(), std::string("re: ") + sent);
  }
  call.EndWriting();
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_TRUE(call.End().ok());
  StreamCall refused(client, kMethod);
  EXPECT_TRUE(refused.Write("good"));
  EXPECT_EQ(refused.Read(), "re: good");
  EXPECT_TRUE(refused.Write("bad"));
  EXPECT_EQ(refused.Read(), std::nullopt);
  EXPECT_EQ(refused.End().error_message(), "no such");
}

TEST(GrpcStream, AClientThatSaysNothingMoreIsCutOff) {
  GrpcServerOptions options;
  options.peer_timeout = 100ms;
  const auto server = StartServer(
      [](const RawRequest& request) { return RawReply::Again(std::string(request.message)); },
      options);
  Client client(server->port());
  StreamCall call(client, kMethod);
  EXPECT_TRUE(call.Write("one"));
  EXPECT_EQ(call.Read(), "one");
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(GrpcStream, MakesNoMessageBeforeTheLastIsTaken) {
  constexpr std::size_t kMessageBytes = 1'000'000;
  GrpcServerOptions options;
  options.peer_timeout = 300ms;  // ends the call, so that the test needn't guess when to count
  std::atomic<std::size_t> made = 0;
  std::promise<void> gone;
  const auto server = StartServer(
      [&](const RawRequest&) {
        return RawReply::Stream([&made, held = std::make_shared<Gone>(gone)](
                                    std::string& message) -> std::optional<RawReply> {
          if (++made == 1'000) return RawReply::Ok("");
          message.assign(kMessageBytes, 'x');
          return std::nullopt;
        });
      },
      options);
  Client client(server->port());
  StreamCall call(client, kMethod, "");
  ASSERT_EQ(gone.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_LT(made, 20u);  // what fits the windows of a client that reads nothing
  call.ReadAll();
  EXPECT_FALSE(call.End().ok());
}

// A stream without an end, that says when it goes and when it was asked to stop.
struct Endless {
  std::promise<void> asked;
  std::promise<void> gone;
  RawReply operator()(const RawRequest& request) {
    using Watch = std::stop_callback<std::function<void()>>;
    auto watch = std::make_shared<Watch>(request.stop, [this] { asked.set_value(); });
    return RawReply::Stream([watch, held = std::make_shared<Gone>(gone)](
                                std::string& message) -> std::optional<RawReply> {
      message = "more";
      return std::nullopt;
    });
  }
  void ExpectEnd() {
    EXPECT_EQ(asked.get_future().wait_for(20s), std::future_status::ready);
    EXPECT_EQ(gone.get_future().wait_for(20s), std::future_status::ready);
  }
};

TEST(GrpcStream, StreamEndsWhenTheClientCancels) {
  Endless endless;
  const auto server = StartServer([&](const RawRequest& request) { return endless(request); });
  Client client(server->port());
  StreamCall call(client, kMethod, "");
  EXPECT_EQ(call.Read(), "more");
  call.context.TryCancel();
  endless.ExpectEnd();
  call.ReadAll();
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(GrpcStream, StreamEndsAtTheClientsDeadline) {
  Endless endless;
  const auto server = StartServer([&](const RawRequest& request) { return endless(request); });
  Client client(server->port());
  client.deadline = 1s;
  StreamCall call(client, kMethod, "");
  call.ReadAll();
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  endless.ExpectEnd();
}

TEST(GrpcStream, StopEndsAStreamAfterTheGrace) {
  Endless endless;
  const auto server = StartServer([&](const RawRequest& request) { return endless(request); });
  Client client(server->port());
  StreamCall call(client, kMethod, "");
  EXPECT_EQ(call.Read(), "more");
  std::jthread stopper([&] { server->Stop(1ms); });
  call.ReadAll();
  EXPECT_FALSE(call.End().ok());
  stopper.join();
  endless.ExpectEnd();
}

TEST(GrpcStream, StreamsAreCallsInFlight) {
  GrpcServerOptions options;
  options.max_calls_in_flight = 1;
  Endless endless;
  const auto server =
      StartServer([&](const RawRequest& request) { return endless(request); }, options);
  Client client(server->port());
  {
    StreamCall call(client, kMethod, "");
    EXPECT_EQ(call.Read(), "more");
    EXPECT_EQ(client.Call(kMethod, "").status.error_message(), "too many calls in flight");
  }
  endless.ExpectEnd();
}

}  // namespace
}  // namespace tracestore::net
