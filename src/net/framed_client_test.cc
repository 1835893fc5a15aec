// The client of framed messages against our own server, and against servers that mean no good.
#include "net/framed_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "net/framed_server.h"
#include "net/listen.h"
#include "net/testing/test_certificates.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string Framed(std::string_view bytes) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(bytes.size() >> shift));
  return out + std::string(bytes);
}

FrameClientProtocol Lengths() {
  FrameClientProtocol protocol;
  protocol.rest = [](std::string_view header) -> std::optional<std::size_t> {
    std::size_t length = 0;
    for (const char byte : header) length = length << 8 | static_cast<unsigned char>(byte);
    if (length == 0xFFFFFFFF) return std::nullopt;
    return length;
  };
  return protocol;
}

std::unique_ptr<FramedClient> Client(std::uint16_t port,
                                     FrameClientProtocol protocol = Lengths(),
                                     FramedClientOptions options = {}) {
  options.port = port;
  auto client = FramedClient::Make(std::move(options), std::move(protocol));
  EXPECT_TRUE(client.has_value()) << client.error().message();
  return std::move(client).value();
}

// The answer of one frame, or the error's sentence.
std::string Ask(FramedClient& client, std::string_view text,
                std::chrono::milliseconds timeout = 20s, const std::stop_token& stop = {}) {
  const std::string bytes = Framed(text);
  std::string got;
  FramedCall call;
  call.bytes = bytes;
  call.timeout = timeout;
  call.stop = stop;
  call.on_frame = [&got](std::string_view frame) -> Result<FrameStep> {
    got = frame.substr(4);
    FrameStep step;
    step.last = true;
    return step;
  };
  const Status called = client.Call(call);
  return called.has_value() ? got : called.error().message();
}

// Echoes with the peer's address in front, and a greeting "hello" with "welcome".
std::unique_ptr<FramedServer> Echo(FramedServerOptions options = {}) {
  auto server = FramedServer::Start(
      std::move(options),
      [](std::string_view frame, std::string_view peer) -> std::optional<std::string> {
        if (frame == "end") return std::nullopt;
        if (frame == "hello") return "welcome";
        return std::string(peer) + " " + std::string(frame);
      });
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

TEST(FramedClient, KeepsItsConnectionAndGreetsOverEachNewOneOnce) {
  const auto server = Echo();
  std::atomic<int> greetings{0};
  FrameClientProtocol protocol = Lengths();
  protocol.greeting = Framed("hello");
  protocol.greeted = [&greetings](std::string_view frame) -> Result<FrameStep> {
    EXPECT_EQ(frame, Framed("welcome"));
    ++greetings;
    FrameStep step;
    step.last = true;
    return step;
  };
  const auto client = Client(server->port(), protocol);
  const std::string first = Ask(*client, "a");
  EXPECT_THAT(first, testing::EndsWith(" a"));
  EXPECT_EQ(Ask(*client, "a"), first);  // the same peer
  EXPECT_EQ(greetings, 1);
  // One that the server has closed isn't taken for the next call.
  EXPECT_THAT(Ask(*client, "end"), HasSubstr("cannot read the answer"));
  EXPECT_THAT(Ask(*client, "b"), testing::EndsWith(" b"));
  EXPECT_EQ(greetings, 2);
}

TEST(FramedClient, MessagesOfMegabytesAndManyCallsAtATime) {
  const auto server = Echo();
  FramedClientOptions options;
  options.max_frame_bytes = 8 << 20;
  const auto client = Client(server->port(), Lengths(), options);
  const std::string large(4 << 20, 'x');
  EXPECT_THAT(Ask(*client, large), testing::EndsWith(large));
  std::vector<std::jthread> callers;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&client, &good, i] {
      const std::string text = "of " + std::to_string(i);
      for (int n = 0; n < 20; ++n) good += Ask(*client, text).ends_with(text) ? 1 : 0;
    });
  }
  callers.clear();
  EXPECT_EQ(good, 160);
}

TEST(FramedClient, SaysWhatIsWrong) {
  FramedClientOptions nobody;
  EXPECT_FALSE(FramedClient::Make(nobody, Lengths()).has_value());
  std::uint16_t closed = 0;
  {
    auto socket = ListenSocket::Open("127.0.0.1", 0);
    ASSERT_TRUE(socket.has_value());
    closed = socket->port();
  }
  EXPECT_THAT(Ask(*Client(closed), "a"), HasSubstr("cannot connect"));
}

// A server of one thread that takes connections and sends each these bytes, whatever comes.
class Sends {
 public:
  explicit Sends(std::string bytes, bool again = false)
      : socket_(std::move(ListenSocket::Open("127.0.0.1", 0)).value()), port_(socket_.port()) {
    thread_ = std::jthread([this, bytes = std::move(bytes), again](const std::stop_token& stop) {
      const int listening = socket_.Release();
      std::vector<int> open;
      while (!stop.stop_requested()) {
        const int fd = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd >= 0) {
          open.push_back(fd);
          (void)!send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        }
        for (const int one : open) {
          if (again) (void)!send(one, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        }
        std::this_thread::sleep_for(1ms);  // polls sockets that don't block
      }
      for (const int one : open) close(one);
      close(listening);
    });
  }
  std::uint16_t port() const { return port_; }

 private:
  ListenSocket socket_;
  std::uint16_t port_;
  std::jthread thread_;
};

TEST(FramedClient, ServersThatMeanNoGoodEndTheCall) {
  // A gibibyte that is announced.
  const Sends huge(std::string("\x40\0\0\0", 4));
  EXPECT_THAT(Ask(*Client(huge.port()), "a"), HasSubstr("a frame of 1073741824 bytes, more than"));
  const Sends none(std::string("\xFF\xFF\xFF\xFF", 4));
  EXPECT_THAT(Ask(*Client(none.port()), "a"), HasSubstr("what the server sent is no frame"));
  // Frames that never end, none of which is the answer.
  const Sends endless(Framed("") + Framed("x"), true);
  FramedClientOptions options;
  options.max_frames = 50;
  const auto client = Client(endless.port(), Lengths(), options);
  FramedCall call;
  call.bytes = "?";
  call.on_frame = [](std::string_view) -> Result<FrameStep> { return FrameStep{}; };
  EXPECT_THAT(client->Call(call).error().message(), HasSubstr("more than 50 frames"));
  // The reader's own refusal is the call's.
  call.on_frame = [](std::string_view) -> Result<FrameStep> {
    return Error(ErrorCode::kCorruption, "no sense");
  };
  EXPECT_EQ(client->Call(call).error().message(), "no sense");
}

TEST(FramedClient, SilenceAndStop) {
  const Sends silent("");
  const auto client = Client(silent.port());
  EXPECT_EQ(Ask(*client, "a", 20ms), "cannot read the answer in time");
  std::stop_source stop;
  std::jthread stopper([&stop] { stop.request_stop(); });
  EXPECT_EQ(Ask(*client, "a", 60s, stop.get_token()), "cancelled");
}

TEST(FramedClient, OverTls) {
  const TestCertificates certs;
  FramedServerOptions serving;
  serving.tls = certs.Server();
  const auto server = Echo(std::move(serving));
  FramedClientOptions options;
  options.tls = certs.Client();
  EXPECT_THAT(Ask(*Client(server->port(), Lengths(), options), "a"), testing::EndsWith(" a"));
  options.tls.ca_file = certs.Path("other-ca.crt");
  EXPECT_THAT(Ask(*Client(server->port(), Lengths(), options), "a"),
              HasSubstr("the server's certificate is refused"));
}

}  // namespace
}  // namespace tracestore::net
