// HTTP/2 under TLS over a port of HTTP and gRPC, of clients that offer h2 alone: those of gRPC and
// others offer the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/dual_server.h"
#include "net/grpc_client.h"
#include "net/http2_test_client.h"
#include "net/http_client.h"
#include "net/loopback_pair.h"
#include "net/testing/test_certificates.h"
#include "net/tls_test_client.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

using Client = BasicHttp2TestClient<TlsTestClient>;

constexpr char kEcho[] = "/test.Service/Echo";

std::size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// False where more stayed open for ten seconds.
bool ComesDownTo(std::size_t descriptors) {
  for (int i = 0; i < 500 && OpenDescriptors() > descriptors; ++i)
    std::this_thread::sleep_for(20ms);  // polls: nothing tells of a descriptor's end
  return OpenDescriptors() <= descriptors;
}

// The hello of a client that offers h2; nothing comes behind it.
std::string Hello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  char* hello = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(out, &hello));
  return {hello, size};
}

class Http2OverTls : public testing::Test {
 protected:
  std::unique_ptr<DualServer> Start(DualServerOptions options = {}, HttpHandler handler = {}) {
    if (!handler) {
      handler = [](const HttpRequest& request) {
        return HttpResponse::Text(200, request.method + " " + request.peer + " " + request.body);
      };
    }
    options.tls.enabled = true;
    options.tls.cert_file = certs.Path("server.crt");
    options.tls.key_file = certs.Path("server.key");
    options.tls.reload_interval = 0ms;
    auto server = DualServer::Start(
        std::move(options), std::move(handler),
        {{kEcho, [](const RawRequest& request) {
            return RawReply::Ok(std::string(request.peer) + " " + std::string(request.message));
          }}});
    EXPECT_TRUE(server.has_value()) << server.error().message();
    return std::move(server).value();
  }
  TlsClientOptions Trusting() const {
    TlsClientOptions options;
    options.enabled = true;
    options.ca_file = certs.Path("ca.crt");
    return options;
  }
  std::unique_ptr<GrpcClient> Grpc(const DualServer& server, TlsClientOptions tls) const {
    GrpcClientOptions options;
    options.port = server.port();
    options.tls = std::move(tls);
    return GrpcClient::Make(options).value();
  }
  // What the echo says behind the client's name, or how the call failed.
  static std::string Echo(GrpcClient& client, const std::string& message) {
    GrpcCall call;
    call.timeout = 20s;
    const RawReply reply = client.Call(kEcho, message, call);
    if (reply.code != GrpcCode::kOk) return GrpcCodeName(reply.code);
    EXPECT_THAT(reply.bytes.substr(0, 10), "127.0.0.1:");
    return reply.bytes.substr(reply.bytes.find(' ') + 1);
  }
  std::string Echo(const DualServer& server, const std::string& message) const {
    return Echo(*Grpc(server, Trusting()), message);
  }
  TestCertificates certs;
};

TEST_F(Http2OverTls, BothAreServedAsInPlain) {
  const auto server = Start();
  Client client(server->port());
  EXPECT_EQ(client.socket().protocol(), "h2");
  const auto grpc = Grpc(*server, Trusting());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.Await(client.Ask("POST", "/x", "hi"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST " + client.socket().name() + " hi");
    EXPECT_EQ(answer.Field("grpc-status"), "");
    EXPECT_EQ(Echo(*grpc, "a"), "a");
  }
  EXPECT_EQ(server->connections(), 2u);
  HttpClientOptions older;
  older.port = server->port();
  older.tls = Trusting();
  EXPECT_THAT(HttpClient::Make(older).value()->Send({})->body, StartsWith("GET 127.0.0.1:"));
}

TEST_F(Http2OverTls, WhoWaitsForTheServersSettingsGetsThem) {
  const auto server = Start();
  Client client(server->port(), true);
  EXPECT_EQ(client.Get("/").status, 200);
}

TEST_F(Http2OverTls, CarriesLongMessagesBothWays) {
  const auto server = Start();
  std::string large(7'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>('a' + i % 23);
  Client client(server->port());
  const auto answer = client.Await(client.Ask("POST", "/", large));
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body == "POST " + client.socket().name() + " " + large);
  EXPECT_TRUE(Echo(*server, large) == large);
}

TEST_F(Http2OverTls, ASlowReaderGetsAllOfItAndHoldsNobodyUp) {
  const std::string large(8'000'000, 'y');
  const auto server = Start({}, [&](const HttpRequest&) { return HttpResponse::Text(200, large); });
  TlsTestOptions narrow;
  narrow.receive_bytes = 64 * 1024;
  Client slow(TlsTestClient(server->port(), narrow), false, 1 << 30);
  const auto asked = slow.Ask("GET", "/");
  Client other(server->port());
  for (int i = 0; i < 20; ++i) {
    slow.ReadFrame();
    EXPECT_EQ(Echo(*server, "quick"), "quick");
  }
  EXPECT_EQ(other.Get("/").body.size(), large.size());
  EXPECT_FALSE(slow.answer(asked).ended);
}

TEST_F(Http2OverTls, AsksClientsForACertificate) {
  DualServerOptions options;
  options.tls.client_ca_file = certs.Path("ca.crt");
  const auto server = Start(options);
  const auto status = [&](const std::string& name) {
    TlsTestOptions shown;
    if (!name.empty()) {
      shown.cert_file = certs.Path(name + ".crt");
      shown.key_file = certs.Path(name + ".key");
    }
    Client client(TlsTestClient(server->port(), shown));
    return client.Get("/").status;
  };
  const auto echo = [&](const std::string& name) {
    TlsClientOptions tls = Trusting();
    if (!name.empty()) {
      tls.cert_file = certs.Path(name + ".crt");
      tls.key_file = certs.Path(name + ".key");
    }
    return Echo(*Grpc(*server, tls), "a");
  };
  EXPECT_EQ(status("client"), 200);
  EXPECT_EQ(echo("client"), "a");
  for (const char* wrong : {"", "stranger"}) {
    EXPECT_EQ(status(wrong), 0);
    EXPECT_EQ(echo(wrong), "UNAVAILABLE");
  }
}

TEST_F(Http2OverTls, TakesCiphersAndVersionsAsTold) {
  DualServerOptions options;
  options.tls.min_version = "1.0";
  options.tls.max_version = "1.2";
  const auto older = Start(options);
  EXPECT_EQ(Echo(*older, "a"), "a");
  TlsTestOptions oldest;
  oldest.most = TLS1_1_VERSION;
  EXPECT_FALSE(TlsTestClient(older->port(), oldest).shaken());
  options.tls.cipher_list = "ECDHE-ECDSA-AES256-GCM-SHA384";
  const auto narrow = Start(options);
  EXPECT_EQ(Echo(*narrow, "a"), "a");
  const TlsTestClient client(narrow->port());
  EXPECT_STREQ(SSL_get_cipher(const_cast<TlsTestClient&>(client).ssl()),
               "ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST_F(Http2OverTls, TakesNewFilesWithoutARestart) {
  const auto server = Start();
  TlsClientOptions named = Trusting();
  named.server_name = "renewed.example";
  EXPECT_EQ(Echo(*Grpc(*server, named), "a"), "UNAVAILABLE");
  const TestIdentity renewed = certs.NewServer("renewed.example");
  certs.Write("server.crt", renewed.certificate);
  certs.Write("server.key", renewed.key);
  EXPECT_EQ(Echo(*Grpc(*server, named), "a"), "a");
}

// At the cap the idle one is told so, and goes.
TEST_F(Http2OverTls, AtTheCapAnIdleConnectionGoes) {
  DualServerOptions options;
  options.http.max_connections = 1;
  options.grpc.max_connections = 1;
  const auto server = Start(options);
  Client one(server->port());
  EXPECT_EQ(one.Get("/").status, 200);
  Client two(server->port());
  EXPECT_EQ(two.Get("/").status, 200);
  EXPECT_EQ(one.AwaitEnd(), 0);
  EXPECT_TRUE(one.socket().ended());
  const auto grpc = Grpc(*server, Trusting());
  EXPECT_EQ(Echo(*grpc, "a"), "a");
  EXPECT_EQ(Echo(*server, "b"), "b");
  EXPECT_EQ(two.Get("/").status, 200);
}

TEST_F(Http2OverTls, StopLetsWhatIsInFlightEnd) {
  std::promise<void> began, go;
  std::shared_future<void> gate = go.get_future().share();
  const std::string large(3'000'000, 'z');
  const auto server = Start({}, [&](const HttpRequest&) {
    began.set_value();
    gate.wait();
    return HttpResponse::Text(200, large);
  });
  Client client(server->port());
  const auto asked = client.Ask("GET", "/");
  began.get_future().wait();
  std::jthread stopper([&] { server->Stop(20s); });
  while (LoopbackClient(server->port()).connected())
    std::this_thread::sleep_for(1ms);  // polls: until it has begun to stop
  go.set_value();
  EXPECT_EQ(client.Await(asked).body.size(), large.size());
  EXPECT_EQ(client.AwaitEnd(), 0);
  EXPECT_TRUE(client.socket().ended());
}

TEST_F(Http2OverTls, WhoSendsNoMoreIsAnswered) {
  std::promise<void> go;
  std::shared_future<void> gate = go.get_future().share();
  const auto server = Start({}, [&](const HttpRequest&) {
    gate.wait();
    return HttpResponse::Text(200, "late");
  });
  Client client(server->port(), true);
  const auto asked = client.Ask("GET", "/");
  client.socket().EndSending();
  go.set_value();
  EXPECT_EQ(client.Await(asked).body, "late");
  client.AwaitEnd();
  EXPECT_TRUE(client.socket().ended());
}

// And gives all that they had back.
TEST_F(Http2OverTls, BearsThoseWhoSayNothingOrGarbageOrLeave) {
  DualServerOptions options;
  options.first_bytes_timeout = 300ms;
  options.http.read_timeout = 300ms;
  options.http.idle_timeout = 300ms;
  options.grpc.idle_timeout = 300ms;
  const auto server = Start(options);
  const std::size_t before = OpenDescriptors();
  {
    TlsTestClient silent(server->port());
    TlsTestClient half(server->port());
    ASSERT_TRUE(half.Send("PRI * HTTP/2"));
    TlsTestClient older(server->port());  // though it said that it speaks h2
    ASSERT_TRUE(older.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_EQ(older.ReadToEnd(), "");
    Client mid(server->port(), true);  // of an upload
    mid.Ask("POST", "/", std::string(100'000, 'x'), {}, false);
    mid.socket().Close();
    LoopbackClient torn(server->port());
    torn.Send("\x16\x03\x01\x02");
    EXPECT_EQ(Echo(*server, "a"), "a");
    EXPECT_EQ(silent.ReadToEnd(), "");
    EXPECT_EQ(half.ReadToEnd(), "");
  }
  Client client(server->port());
  EXPECT_EQ(client.Get("/").status, 200);
  client.AwaitEnd();
  client.socket().Close();
  EXPECT_TRUE(ComesDownTo(before));
}

TEST_F(Http2OverTls, AHandshakeThatDoesNotEndIsClosed) {
  DualServerOptions options;
  options.first_bytes_timeout = 300ms;
  const auto server = Start(options);
  LoopbackClient client(server->port());
  ASSERT_TRUE(client.Send(Hello()));
  EXPECT_THAT(client.ReadToEnd(), StartsWith("\x16\x03"));  // the server's part of the handshake
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(Echo(*server, "a"), "a");
}

// The server's end is gone by then: what it had said waits for the client in vain.
TEST_F(Http2OverTls, WhoTakesNothingIsLetGo) {
  const std::string large(64'000'000, 'y');  // more than both sockets hold
  DualServerOptions options;
  options.http.write_timeout = 300ms;
  options.grpc.peer_timeout = 300ms;
  const auto server =
      Start(options, [&](const HttpRequest&) { return HttpResponse::Text(200, large); });
  const std::size_t before = OpenDescriptors();
  TlsTestOptions narrow;
  narrow.receive_bytes = 64 * 1024;
  Client client(TlsTestClient(server->port(), narrow), false, 1 << 30);
  client.Ask("GET", "/");
  EXPECT_TRUE(client.ReadFrame());
  EXPECT_TRUE(ComesDownTo(before + 1));  // the client's own
  EXPECT_EQ(Echo(*server, "a"), "a");
}

TEST_F(Http2OverTls, ManyHandshakesThatNeverEndKeepNobodyOut) {
  DualServerOptions options;
  options.max_waiting = 8;
  const auto server = Start(options);
  const std::string hello = Hello();
  std::vector<LoopbackClient> crowd;
  for (int i = 0; i < 50; ++i) {
    crowd.emplace_back(server->port());
    ASSERT_TRUE(crowd.back().Send(hello));
    crowd.back().ReadBytes(1);  // it has been looked at
  }
  EXPECT_EQ(Echo(*server, "a"), "a");
  Client client(server->port());
  EXPECT_EQ(client.Get("/").status, 200);
}

// Each asks for an answer of TLS itself.
TEST_F(Http2OverTls, AFloodOfNewKeysIsBorne) {
  const auto server = Start();
  Client client(server->port());
  EXPECT_EQ(client.Get("/").status, 200);
  SSL* const ssl = client.socket().ssl();
  for (int i = 0; i < 4'000; ++i) {
    ASSERT_EQ(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    if (SSL_do_handshake(ssl) != 1) break;
    if (i % 1'000 == 0) {
      EXPECT_EQ(Echo(*server, "a"), "a");
    }
  }
  EXPECT_EQ(client.Get("/").status, 200);
  EXPECT_EQ(Echo(*server, "a"), "a");
}

TEST(LoopbackPair, IsAConnectionOfTheLoopback) {
  auto pair = MakeLoopbackPair();
  ASSERT_TRUE(pair.has_value());
  ASSERT_EQ(send(pair->near.get(), "there", 5, 0), 5);
  ASSERT_EQ(send(pair->far.get(), "back", 4, 0), 4);
  std::string piece(16, '\0');
  EXPECT_EQ(recv(pair->far.get(), piece.data(), piece.size(), 0), 5);
  EXPECT_EQ(recv(pair->near.get(), piece.data(), piece.size(), 0), 4);
  EXPECT_EQ(recv(pair->near.get(), piece.data(), piece.size(), 0), -1);  // and doesn't block
}

}  // namespace
}  // namespace tracestore::net
