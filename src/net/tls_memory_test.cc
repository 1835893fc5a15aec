// What a TLS connection that says nothing takes of OpenSSL. Apart from the room's other tests,
// because OpenSSL's allocator is replaced here.
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/framed_client.h"
#include "net/framed_server.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loopback_test_client.h"
#include "net/testing/test_certificates.h"

namespace tracestore::net {
namespace {

std::atomic<std::size_t> held = 0;  // by OpenSSL, bytes

void* Take(std::size_t bytes, const char*, int) {
  void* const got = std::malloc(bytes);
  if (got != nullptr) held += malloc_usable_size(got);
  return got;
}
void Release(void* at, const char*, int) {
  if (at != nullptr) held -= malloc_usable_size(at);
  std::free(at);
}
void* Retake(void* at, std::size_t bytes, const char* file, int line) {
  if (bytes == 0) {
    Release(at, file, line);
    return nullptr;
  }
  const std::size_t before = at == nullptr ? 0 : malloc_usable_size(at);
  void* const got = std::realloc(at, bytes);
  if (got != nullptr) held += malloc_usable_size(got) - before;
  return got;
}

// Before OpenSSL has taken anything, or it refuses.
const bool counting = CRYPTO_set_mem_functions(Take, Retake, Release) == 1;

constexpr std::size_t kClients = 50;
// One that has a handshake before it takes some 80,000.
constexpr std::size_t kMostBytes = 10'000;
// As a client of OpenSSL begins, and as one that drips does.
constexpr std::string_view kHalfHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);

class TlsMemory : public testing::Test {
 protected:
  TlsServerOptions Server() const { return certs.Server(); }
  TlsClientOptions Client() const { return certs.Client(); }
  // `ask` is answered when the server has met all who came before.
  template <typename Ask>
  void CheckCrowds(std::uint16_t port, const Ask& ask) {
    ASSERT_TRUE(counting);
    for (const std::string_view opening : {std::string_view(), kHalfHello}) {
      ask();
      const std::size_t before = held;
      std::vector<LoopbackClient> crowd;
      for (std::size_t i = 0; i < kClients; ++i) {
        crowd.emplace_back(port);
        crowd.back().Send(opening);
      }
      ask();
      EXPECT_LT(held, before + kClients * kMostBytes) << opening.size() << " bytes said";
    }
  }
  TestCertificates certs;
};

TEST_F(TlsMemory, OfWhoSaysNothingOverHttp) {
  HttpServerOptions options;
  options.tls = Server();
  const auto server =
      HttpServer::Start(options, [](const HttpRequest&) { return HttpResponse::Text(200, "yes"); });
  ASSERT_TRUE(server.has_value()) << server.error().message();
  HttpClientOptions at;
  at.port = (*server)->port();
  at.tls = Client();
  CheckCrowds(at.port, [&at] {
    const auto client = HttpClient::Make(at);
    ASSERT_TRUE(client.has_value()) << client.error().message();
    const auto answer = (*client)->Send({});
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_EQ(answer->body, "yes");
  });
}

TEST_F(TlsMemory, OfWhoSaysNothingInFrames) {
  FramedServerOptions options;
  options.tls = Server();
  const auto server = FramedServer::Start(
      options, [](std::string_view frame, std::string_view) { return std::string(frame); });
  ASSERT_TRUE(server.has_value()) << server.error().message();
  FramedClientOptions at;
  at.port = (*server)->port();
  at.tls = Client();
  FrameClientProtocol protocol;
  protocol.header_bytes = 4;
  protocol.rest = [](std::string_view header) {
    return std::optional<std::size_t>(static_cast<unsigned char>(header[3]));
  };
  CheckCrowds(at.port, [&] {
    const auto client = FramedClient::Make(at, protocol);
    ASSERT_TRUE(client.has_value()) << client.error().message();
    FramedCall call;
    call.bytes = std::string_view("\0\0\0\1x", 5);
    const auto take = [](std::string_view) -> Result<FrameStep> {
      FrameStep step;
      step.last = true;
      return step;
    };
    call.on_frame = take;
    const Status done = (*client)->Call(call);
    ASSERT_TRUE(done.has_value()) << done.error().message();
  });
}

}  // namespace
}  // namespace tracestore::net
