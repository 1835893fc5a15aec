// Raw gRPC methods whose answer is a stream of messages.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <semaphore>
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

// The handler of a client's stream: adds up what it gets, and fails at "bad".
struct Adder {
  std::mutex mutex;
  std::condition_variable called;
  std::string got;  // guarded by mutex, as what follows
  int calls = 0;

  RawReply operator()(const RawRequest& request) {
    const std::lock_guard lock(mutex);
    ++calls;
    called.notify_all();
    got += request.message;
    if (request.message.find("bad") != std::string_view::npos)
      return RawReply::Fail(GrpcCode::kInvalidArgument, "no such");
    return RawReply::Ok("calls: " + std::to_string(calls));
  }
  void WaitForCalls(int count) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(called.wait_for(lock, 20s, [&] { return calls >= count; }));
  }
};

GrpcServerOptions ClientStreams() {
  GrpcServerOptions options;
  options.client_streams = {kMethod};
  return options;
}

TEST(GrpcStream, GathersTheMessagesOfAClientsStream) {
  Adder adder;
  const auto server =
      StartServer([&](const RawRequest& request) { return adder(request); }, ClientStreams());
  for (const auto packing : {GRPC_COMPRESS_NONE, GRPC_COMPRESS_GZIP}) {
    adder.got.clear();
    Client client(server->port(), packing);
    StreamCall call(client, kMethod);
    std::string sent;
    for (int i = 0; i < 3'000; ++i) {
      const std::string message(static_cast<std::size_t>(i % 1'000),
                                static_cast<char>('0' + i % 10));
      ASSERT_TRUE(call.Write(message));
      sent += message;
    }
    call.EndWriting();
    const auto answer = call.Read();  // all was handled before it came
    EXPECT_EQ(answer, "calls: " + std::to_string(adder.calls));
    EXPECT_EQ(call.Read(), std::nullopt);
    EXPECT_TRUE(call.End().ok());
    EXPECT_TRUE(adder.got == sent);
  }
}

TEST(GrpcStream, AnswersAClientsStreamWithoutAMessage) {
  Adder adder;
  const auto server =
      StartServer([&](const RawRequest& request) { return adder(request); }, ClientStreams());
  Client client(server->port());
  StreamCall call(client, kMethod);
  call.EndWriting();
  EXPECT_EQ(call.Read(), "calls: 1");
  EXPECT_TRUE(call.End().ok());
}

TEST(GrpcStream, AFailureEndsAClientsStream) {
  Adder adder;
  const auto server =
      StartServer([&](const RawRequest& request) { return adder(request); }, ClientStreams());
  Client client(server->port());
  StreamCall call(client, kMethod);
  EXPECT_TRUE(call.Write("good"));
  EXPECT_TRUE(call.Write("bad"));
  EXPECT_EQ(call.Read(), std::nullopt);
  const grpc::Status status = call.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "no such");
  EXPECT_EQ(adder.got, "goodbad");
}

TEST(GrpcStream, ClientsStreamsMayBeSilentAndAreNoCallsInFlight) {
  Adder adder;
  GrpcServerOptions options = ClientStreams();
  options.peer_timeout = 100ms;
  options.max_calls_in_flight = 1;
  options.max_client_streams = 2;
  const auto server = GrpcServer::Start(
      options,
      {{kMethod, [&](const RawRequest& request) { return adder(request); }},
       {"/test.Service/Again",
        [](const RawRequest& request) { return RawReply::Again(std::string(request.message)); }}});
  ASSERT_TRUE(server.has_value()) << server.error().message();
  Client client((*server)->port());
  StreamCall first(client, kMethod);
  StreamCall second(client, kMethod);
  EXPECT_TRUE(first.Write("a"));
  EXPECT_TRUE(second.Write(""));
  adder.WaitForCalls(2);
  StreamCall cut_off(client, "/test.Service/Again");
  EXPECT_TRUE(cut_off.Write("one"));
  EXPECT_EQ(cut_off.Read(), "one");
  EXPECT_EQ(cut_off.Read(), std::nullopt);  // the patience with silent peers is over
  EXPECT_EQ(cut_off.End().error_code(), grpc::StatusCode::CANCELLED);
  StreamCall third(client, kMethod);
  EXPECT_TRUE(third.Write("c"));
  EXPECT_EQ(third.Read(), std::nullopt);
  EXPECT_EQ(third.End().error_message(), "too many streams");
  EXPECT_TRUE(first.Write("b"));
  first.EndWriting();
  EXPECT_EQ(first.Read(), "calls: 3");
  EXPECT_TRUE(first.End().ok());
  EXPECT_EQ(adder.got, "ab");
}

// Until its first message no handler has asked who it is.
TEST(GrpcStream, AClientsStreamWithoutItsFirstMessageIsCutOff) {
  Adder adder;
  GrpcServerOptions options = ClientStreams();
  options.peer_timeout = 100ms;
  const auto server =
      StartServer([&](const RawRequest& request) { return adder(request); }, options);
  Client client(server->port());
  StreamCall call(client, kMethod);
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(GrpcStream, StreamsWithoutAMessageMakeRoom) {
  Adder adder;
  GrpcServerOptions options = ClientStreams();
  options.peer_timeout = 1h;
  options.max_silent_calls = options.max_client_streams = 2;
  const auto server =
      StartServer([&](const RawRequest& request) { return adder(request); }, options);
  Client client(server->port());
  std::vector<std::unique_ptr<StreamCall>> silent;
  for (int i = 0; i < 10; ++i) silent.push_back(std::make_unique<StreamCall>(client, kMethod));
  adder.WaitForCalls(8);  // in whatever order the server met them, two are left
  StreamCall writer(client, kMethod);
  EXPECT_TRUE(writer.Write("a"));
  writer.EndWriting();
  EXPECT_TRUE(writer.Read().has_value());
  EXPECT_TRUE(writer.End().ok());
}

RawReply Echo(const RawRequest& request) { return RawReply::Ok(std::string(request.message)); }

// Who says nothing has shown no right to say anything: its calls take no place of others'.
TEST(GrpcStream, CallsWithoutTheirMessageMakeRoom) {
  GrpcServerOptions options;
  options.peer_timeout = 1h;
  options.max_calls_in_flight = 1;
  options.max_silent_calls = 2;
  const auto server = StartServer(Echo, options);
  Client client(server->port());
  std::counting_semaphore<10> ended(0);
  std::vector<std::jthread> silent;
  for (int i = 0; i < 10; ++i) {
    silent.emplace_back([&] {
      StreamCall call(client, kMethod);
      EXPECT_EQ(call.Read(), std::nullopt);
      EXPECT_FALSE(call.End().ok());
      ended.release();
    });
  }
  // In whatever order the server met them, two are left.
  for (int i = 0; i < 8; ++i) ended.acquire();
  EXPECT_EQ(client.Call(kMethod, "heard").bytes, "heard");
  server->Stop(0ms);
}

TEST(GrpcStream, ACallWithoutItsMessageIsCutOff) {
  GrpcServerOptions options;
  options.peer_timeout = 100ms;
  const auto server = StartServer(Echo, options);
  Client client(server->port());
  StreamCall call(client, kMethod);
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_EQ(call.End().error_code(), grpc::StatusCode::CANCELLED);
}

// A handler that waits in its first call until it is let go.
struct Held {
  std::promise<void> entered;
  std::promise<void> released;
  std::vector<std::string> got;  // of one stream: one call at a time

  RawReply operator()(const RawRequest& request) {
    got.emplace_back(request.message);
    if (got.size() == 1) {
      entered.set_value();
      released.get_future().wait();
    }
    return RawReply::Ok("");
  }
};

TEST(GrpcStream, GathersNoMoreThanOneMessageMayHave) {
  Held held;
  GrpcServerOptions options = ClientStreams();
  options.max_message_bytes = 1'000;
  const auto server =
      StartServer([&](const RawRequest& request) { return held(request); }, options);
  Client client(server->port());
  StreamCall call(client, kMethod);
  std::string sent = "first";
  EXPECT_TRUE(call.Write(sent));
  ASSERT_EQ(held.entered.get_future().wait_for(20s), std::future_status::ready);
  for (int i = 0; i < 100; ++i) {
    const std::string message(i % 10 == 0 ? 1'000u : 300u, static_cast<char>('0' + i % 10));
    EXPECT_TRUE(call.Write(message));
    sent += message;
  }
  call.EndWriting();
  // Once that is answered most of them are there.
  EXPECT_EQ(client.Call("/test.Service/None", "").status.error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  held.released.set_value();
  EXPECT_EQ(call.Read(), "");
  EXPECT_TRUE(call.End().ok());
  std::string all;
  for (const std::string& one : held.got) {
    EXPECT_LE(one.size(), 1'000u);
    all += one;
  }
  EXPECT_TRUE(all == sent);
}

TEST(GrpcStream, CountsWhatMessagesOfAClientsStreamUnpackTo) {
  Held held;
  GrpcServerOptions options = ClientStreams();
  options.max_message_bytes = options.max_bytes_in_flight = 1'000'000;
  const auto server = GrpcServer::Start(
      options, {{kMethod, [&](const RawRequest& request) { return held(request); }},
                {"/test.Service/One", [](const RawRequest&) { return RawReply::Ok("in"); }}});
  ASSERT_TRUE(server.has_value()) << server.error().message();
  Client packing((*server)->port(), GRPC_COMPRESS_GZIP);
  Client plain((*server)->port());
  StreamCall call(packing, kMethod);
  EXPECT_TRUE(call.Write(std::string(900'000, 'x')));
  ASSERT_EQ(held.entered.get_future().wait_for(20s), std::future_status::ready);
  const std::string large(200'000, 'y');
  EXPECT_EQ(plain.Call("/test.Service/One", large).status.error_message(),
            "too many request bytes in flight");
  held.released.set_value();
  call.EndWriting();
  EXPECT_EQ(call.Read(), "");
  EXPECT_TRUE(call.End().ok());
  EXPECT_EQ(plain.Call("/test.Service/One", large).bytes, "in");
}

// A silent stream would else be waited for as long as the grace is.
TEST(GrpcStream, StopEndsSilentClientsStreamsAtOnce) {
  std::promise<void> handled;
  const auto server = StartServer(
      [&](const RawRequest&) {
        handled.set_value();
        return RawReply::Ok("");
      },
      ClientStreams());
  Client client(server->port());
  StreamCall call(client, kMethod);
  EXPECT_TRUE(call.Write("a"));
  ASSERT_EQ(handled.get_future().wait_for(20s), std::future_status::ready);
  std::jthread stopper([&] { server->Stop(1h); });
  EXPECT_EQ(call.Read(), std::nullopt);
  EXPECT_FALSE(call.End().ok());
}

TEST(GrpcStream, HealthKnowsTheServices) {
  GrpcServerOptions options;
  options.health_names = {"plugin"};
  const auto server = StartServer(StreamOf({}, RawReply::Ok("")), options);
  Client client(server->port());
  const auto check = [&](const std::string& service) {
    const std::string request =
        service.empty() ? "" : "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
    const auto answer = client.Call("/grpc.health.v1.Health/Check", request);
    return answer.status.ok() ? answer.bytes : answer.status.error_message();
  };
  for (const char* service : {"", "plugin", "test.Service"}) EXPECT_EQ(check(service), "\x08\x01");
  EXPECT_NE(check("test.Other"), "\x08\x01");
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
