// What of a client's stream is handed to its handler together.
#include "net/grpc_gathered.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "net/grpc_plumbing.h"
#include "net/grpc_server.h"
#include "net/grpc_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;

constexpr char kMethod[] = "/test.Service/Stream";

grpc::ByteBuffer Message(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string Joined(const std::vector<grpc::ByteBuffer>& messages) {
  std::string out;
  for (const grpc::ByteBuffer& message : messages) out += Flattened(message).view();
  return out;
}

TEST(GrpcGathered, TheFirstIsEnoughByItself) {
  GatheredMessages messages;
  EXPECT_FALSE(messages.IsEnough()) << "there is none";
  messages.Add(Message("who"));
  EXPECT_TRUE(messages.IsEnough());
  EXPECT_EQ(Joined(messages.Take()), "who");
  messages.Add(Message("what"));
  EXPECT_FALSE(messages.IsEnough()) << "others may come";
  messages.TakeAtOnce();
  EXPECT_TRUE(messages.IsEnough());
  EXPECT_EQ(messages.bytes(), 4u);
  EXPECT_EQ(Joined(messages.Take()), "what");
  EXPECT_TRUE(messages.empty());
  EXPECT_EQ(messages.bytes(), 0u);
  messages.Add(Message("more"));
  EXPECT_FALSE(messages.IsEnough()) << "said of what waited then";
}

TEST(GrpcGathered, ManyOrLargeOnesAreEnough) {
  GatheredMessages messages;
  messages.Take();
  std::string sent;
  for (std::size_t i = 1; i < GatheredMessages::kCallMessages; ++i) {
    sent += std::to_string(i);
    messages.Add(Message(std::to_string(i)));
    ASSERT_FALSE(messages.IsEnough()) << i;
  }
  messages.Add(Message("last"));
  EXPECT_TRUE(messages.IsEnough());
  EXPECT_EQ(Joined(messages.Take()), sent + "last") << "in their order";
  messages.Add(Message(std::string(GatheredMessages::kCallBytes - 1, 'x')));
  EXPECT_FALSE(messages.IsEnough());
  messages.Add(Message("y"));
  EXPECT_TRUE(messages.IsEnough());
}

// Whatever is enough for a call, or a stream that isn't read any more would wait for nothing.
TEST(GrpcGathered, WhatHasNoRoomIsEnough) {
  GatheredMessages messages;
  messages.Take();
  for (std::size_t i = 0; messages.HasRoom(); ++i) {
    ASSERT_LT(i, GatheredMessages::kMostMessages);
    messages.Add(Message("x"));
  }
  EXPECT_TRUE(messages.IsEnough());
  messages.Take();
  messages.Add(Message(std::string(GatheredMessages::kMostBytes - 1, 'x')));
  EXPECT_TRUE(messages.HasRoom());
  messages.Add(Message("y"));
  EXPECT_FALSE(messages.HasRoom());
  EXPECT_TRUE(messages.IsEnough());
}

// A stream's handler.
struct Handler {
  std::mutex mutex;
  std::condition_variable called;
  std::vector<std::string> got;  // guarded by mutex

  RawReply operator()(const RawRequest& request) {
    const std::lock_guard lock(mutex);
    got.emplace_back(request.message);
    called.notify_all();
    return RawReply::Ok("");
  }
  void WaitFor(const std::string& all) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(called.wait_for(lock, 20s, [&] { return All() == all; })) << All();
  }
  std::string All() const {
    std::string out;
    for (const std::string& one : got) out += one;
    return out;
  }
};

std::unique_ptr<GrpcServer> StartServer(Handler& handler) {
  GrpcServerOptions options;
  options.client_streams = {kMethod};
  auto server = GrpcServer::Start(
      options, {{kMethod, [&](const RawRequest& request) { return handler(request); }}});
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

// Nothing that came waits for the next, or for the end.
TEST(GrpcGathered, AStreamThatPausesIsHandled) {
  Handler handler;
  const auto server = StartServer(handler);
  GrpcTestClient client(server->port());
  GrpcTestStream call(client, kMethod);
  std::string all;
  for (const char* message : {"a", "b", "", "c"}) {
    EXPECT_TRUE(call.Write(message));
    handler.WaitFor(all += message);
  }
  call.EndWriting();
  EXPECT_TRUE(call.Read().has_value());
  EXPECT_TRUE(call.End().ok());
}

// A client that goes away while something waits leaves nothing behind: what came is handled.
TEST(GrpcGathered, AStreamThatIsGivenUpIsHandledToItsEnd) {
  Handler handler;
  const auto server = StartServer(handler);
  GrpcTestClient client(server->port());
  for (int i = 0; i < 50; ++i) {
    GrpcTestStream call(client, kMethod);
    EXPECT_TRUE(call.Write("a"));
    handler.WaitFor(std::string(static_cast<std::size_t>(i) + 1, 'a'));
    EXPECT_TRUE(call.Write(""));  // its alarm may be out when the call is cancelled
  }
}

// However the messages come in: a call of the handler for kCallMessages, or for what came in kWait.
TEST(GrpcGathered, AHandlerIsCalledSeldom) {
  constexpr std::size_t kMessages = 2'000;
  Handler handler;
  const auto server = StartServer(handler);
  GrpcTestClient client(server->port());
  GrpcTestStream call(client, kMethod);
  const auto begin = std::chrono::steady_clock::now();
  std::string sent;
  for (std::size_t i = 0; i < kMessages; ++i) {
    const std::string message = std::to_string(i) + ",";
    ASSERT_TRUE(call.Write(message));
    sent += message;
  }
  call.EndWriting();
  EXPECT_TRUE(call.Read().has_value());
  EXPECT_TRUE(call.End().ok());
  const auto waits = static_cast<std::size_t>((std::chrono::steady_clock::now() - begin) /
                                              GatheredMessages::kWait);
  EXPECT_TRUE(handler.All() == sent);
  // The first and the last beside them.
  EXPECT_LE(handler.got.size(), kMessages / GatheredMessages::kCallMessages + waits + 2);
}

}  // namespace
}  // namespace tracestore::net
