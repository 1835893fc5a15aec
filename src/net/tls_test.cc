// TLS of the HTTP server and client, with certificates made here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loopback_test_client.h"
#include "net/testing/test_certificates.h"
#include "net/tls_context.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

class TlsFiles : public testing::Test {
 protected:
  TlsServerOptions Server() const {
    TlsServerOptions options = certs.Server();
    options.reload_interval = 0ms;
    return options;
  }
  TlsClientOptions Client() const { return certs.Client(); }
  std::string Refusal(TlsServerOptions options) const {
    const auto made = TlsContext::ForServer(std::move(options));
    return made.has_value() ? "" : made.error().message();
  }
  TestCertificates certs;
};

TEST_F(TlsFiles, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(Refusal(Server()), "");
  TlsServerOptions options = Server();
  options.cert_file = certs.Path("none.crt");
  EXPECT_EQ(Refusal(options),
            "TLS certificate file " + options.cert_file + ": No such file or directory");
  options = Server();
  options.cert_file = certs.Path("server.key");
  EXPECT_EQ(Refusal(options),
            "TLS certificate file " + options.cert_file + ": there is no PEM certificate in it");
  options = Server();
  options.key_file = certs.Path("server.crt");
  EXPECT_EQ(Refusal(options),
            "TLS key file " + options.key_file + ": there is no PEM private key in it");
  options = Server();
  options.key_file = certs.Path("client.key");
  EXPECT_EQ(Refusal(options), "TLS key file " + options.key_file +
                                  ": it is not the key of the certificate in " + options.cert_file);
  options = Server();
  options.client_ca_file = certs.Path("server.key");
  EXPECT_EQ(Refusal(options),
            "TLS client CA file " + options.client_ca_file + ": there is no PEM certificate in it");
  options = Server();
  options.key_file.clear();
  EXPECT_EQ(Refusal(options), "TLS needs a certificate file and a key file");
}

TEST_F(TlsFiles, RefusesACertificateOutOfItsTime) {
  TestCertificateOptions old;
  old.begins_in_seconds = -7200;
  old.ends_in_seconds = -3600;
  TestIdentity made = MakeTestCertificate(old, nullptr);
  certs.Write("server.crt", made.certificate);
  certs.Write("server.key", made.key);
  EXPECT_THAT(Refusal(Server()), StartsWith("TLS certificate file " + certs.Path("server.crt") +
                                            ": the certificate expired on 20"));
  TestCertificateOptions early;
  early.begins_in_seconds = 1800;
  made = MakeTestCertificate(early, nullptr);
  certs.Write("server.crt", made.certificate);
  certs.Write("server.key", made.key);
  EXPECT_THAT(Refusal(Server()), HasSubstr(": the certificate is not valid before 20"));
}

TEST_F(TlsFiles, KnowsVersionsAndCiphers) {
  TlsServerOptions options = Server();
  options.min_version = "1.4";
  EXPECT_EQ(Refusal(options), "TLS version \"1.4\": only 1.0, 1.1, 1.2 and 1.3 are known");
  options.min_version = "1.3";
  options.max_version = "1.2";
  EXPECT_EQ(Refusal(options), "TLS version: the least, 1.3, is above the greatest, 1.2");
  options = Server();
  options.cipher_list = "ROT13";
  EXPECT_EQ(Refusal(options), "TLS cipher list \"ROT13\": OpenSSL knows none of it");
  options.cipher_list = "ECDHE-ECDSA-AES128-GCM-SHA256";
  EXPECT_EQ(Refusal(options), "");
}

class Https : public TlsFiles {
 protected:
  std::unique_ptr<HttpServer> Start(TlsServerOptions tls, HttpServerOptions options = {}) {
    options.tls = std::move(tls);
    auto server = HttpServer::Start(std::move(options), [](const HttpRequest& request) {
      return HttpResponse::Text(200, request.body + request.peer);
    });
    EXPECT_TRUE(server.has_value()) << server.error().message();
    return std::move(server).value();
  }
  // The body of the answer, or the error.
  std::string Ask(const HttpServer& server, TlsClientOptions tls,
                  std::string_view body = "hello ") {
    HttpClientOptions options;
    options.port = server.port();
    options.tls = std::move(tls);
    auto client = HttpClient::Make(options);
    if (!client.has_value()) return client.error().message();
    HttpClientRequest request;
    request.method = "POST";
    request.body = body;
    std::string answer;
    for (int i = 0; i < 2; ++i) {  // the second over the kept connection
      const auto response = (*client)->Send(request);
      if (!response.has_value()) return response.error().message();
      answer = response->body;
    }
    return answer;
  }
};

TEST_F(Https, CarriesRequestsOfEverySize) {
  const auto server = Start(Server());
  EXPECT_THAT(Ask(*server, Client()), StartsWith("hello 127.0.0.1:"));
  const std::string large(3'000'000, '\xFE');
  EXPECT_TRUE(Ask(*server, Client(), large).starts_with(large));
}

TEST_F(Https, ClientsTrustOnlyWhomTheyWereTold) {
  const auto server = Start(Server());
  TlsClientOptions options = Client();
  options.ca_file = certs.Path("other-ca.crt");
  EXPECT_THAT(Ask(*server, options),
              HasSubstr("the TLS handshake failed, the server's certificate is refused (unable to "
                        "get local issuer certificate)"));
  options.ca_file.clear();  // the system's CAs
  EXPECT_THAT(Ask(*server, options), HasSubstr("the server's certificate is refused ("));
  options.skip_verify = true;
  EXPECT_THAT(Ask(*server, options), StartsWith("hello "));
  options = Client();
  options.server_name = "shop.example";
  EXPECT_THAT(Ask(*server, options), HasSubstr("is refused (hostname mismatch)"));
  options.server_name = "localhost";
  EXPECT_THAT(Ask(*server, options), StartsWith("hello "));
}

TEST_F(Https, AsksClientsForACertificate) {
  TlsServerOptions mutual = Server();
  mutual.client_ca_file = certs.Path("ca.crt");
  const auto server = Start(mutual);
  EXPECT_THAT(Ask(*server, Client()), StartsWith("POST https://127.0.0.1:"));  // an error
  TlsClientOptions known = Client();
  known.cert_file = certs.Path("client.crt");
  known.key_file = certs.Path("client.key");
  EXPECT_THAT(Ask(*server, known), StartsWith("hello "));
  TlsClientOptions stranger = Client();
  stranger.cert_file = certs.Path("stranger.crt");
  stranger.key_file = certs.Path("stranger.key");
  EXPECT_THAT(Ask(*server, stranger), StartsWith("POST https://127.0.0.1:"));
  known.key_file.clear();
  EXPECT_EQ(Ask(*server, known), "TLS: a client's certificate file and key file come together");
}

TEST_F(Https, HoldsTheVersionsItWasTold) {
  TlsServerOptions strict = Server();
  strict.min_version = "1.3";
  EXPECT_THAT(Ask(*Start(strict), Client()), StartsWith("hello "));
  TlsServerOptions old = Server();
  old.max_version = "1.2";
  const auto server = Start(old);
  EXPECT_THAT(Ask(*server, Client()), StartsWith("hello "));
  TlsClientOptions modern = Client();
  modern.min_version = "1.3";
  EXPECT_THAT(Ask(*server, modern), HasSubstr("the TLS handshake failed"));
}

TEST_F(Https, TakesNewFilesWithoutARestart) {
  std::mutex mutex;
  std::vector<std::string> told;
  TlsServerOptions options = Server();
  options.on_reload = [&](const std::string& what) {
    const std::lock_guard lock(mutex);
    told.push_back(what);
  };
  const auto server = Start(options);
  TlsClientOptions named = Client();
  named.server_name = "renewed.example";
  EXPECT_THAT(Ask(*server, named), HasSubstr("hostname mismatch"));

  // Half of the change is there: the old pair serves on.
  const TestIdentity renewed = certs.NewServer("renewed.example");
  certs.Write("server.crt", renewed.certificate);
  EXPECT_THAT(Ask(*server, Client()), StartsWith("hello "));
  certs.Write("server.key", renewed.key);
  EXPECT_THAT(Ask(*server, named), StartsWith("hello "));
  certs.Write("server.crt", "no certificate");
  EXPECT_THAT(Ask(*server, named), StartsWith("hello "));
  ASSERT_EQ(told.size(), 3u);
  EXPECT_THAT(told[0], HasSubstr("it is not the key of the certificate in"));
  EXPECT_THAT(told[0], HasSubstr("; the files read before serve on"));
  EXPECT_EQ(told[1], "TLS files reloaded: " + certs.Path("server.crt"));
  EXPECT_THAT(told[2], HasSubstr("there is no PEM certificate in it; the files read before"));
}

TEST_F(Https, AnswersAPlainRequestInPlainWords) {
  const auto server = Start(Server());
  LoopbackClient plain(server->port());
  plain.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(plain.ReadToEnd(), HasSubstr("Client sent an HTTP request to an HTTPS server."));
  EXPECT_THAT(Ask(*server, Client()), StartsWith("hello "));
}

TEST_F(Https, OutlivesGarbageAndHalfHandshakes) {
  HttpServerOptions options;
  options.read_timeout = 100ms;
  options.max_connections = 20;
  const auto server = Start(Server(), options);
  std::vector<LoopbackClient> half;
  for (int i = 0; i < 60; ++i) {
    half.emplace_back(server->port());
    half.back().Send(i % 3 == 0   ? std::string_view("\x16\x03\x01\x02", 4)
                     : i % 3 == 1 ? std::string_view("\x16\x03\x01\x00\x05hello", 10)
                                  : std::string_view());
  }
  EXPECT_THAT(Ask(*server, Client()), StartsWith("hello "));
  EXPECT_LE(server->connections(), 20u);
  for (auto& one : half) one.ReadToEnd();  // each is closed at last
  EXPECT_THAT(Ask(*server, Client()), StartsWith("hello "));
}

// A client that takes its time after the end of TLS, byte by byte over a connection in plain.
class SlowTlsClient {
 public:
  explicit SlowTlsClient(std::uint16_t port)
      : client_(port),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        ssl_(SSL_new(context_.get()), SSL_free) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
  }
  // Says `words`, then reads to the end of what TLS carries; the connection stays.
  std::string Ask(std::string_view words) {
    while (SSL_write(ssl_.get(), words.data(), static_cast<int>(words.size())) <= 0) {
      if (!Carry()) return {};
    }
    std::string answer;
    for (;;) {
      char piece[1000];
      const int got = SSL_read(ssl_.get(), piece, sizeof(piece));
      if (got > 0) {
        answer.append(piece, static_cast<std::size_t>(got));
      } else if (SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN) {
        return answer;
      } else if (!Carry()) {
        return answer + " and no end";
      }
    }
  }

 private:
  bool Carry() {
    char piece[4096];
    for (int size; (size = BIO_read(SSL_get_wbio(ssl_.get()), piece, sizeof(piece))) > 0;)
      client_.Send({piece, static_cast<std::size_t>(size)});
    const std::string byte = client_.ReadBytes(1);
    BIO_write(SSL_get_rbio(ssl_.get()), byte.data(), static_cast<int>(byte.size()));
    return !byte.empty();
  }

  LoopbackClient client_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

// Its answer was the last: it keeps nobody out while the server waits for its end.
TEST_F(Https, WhoIsAnsweredAndStaysMakesRoom) {
  HttpServerOptions options;
  options.max_connections = 1;
  const auto server = Start(Server(), options);
  SlowTlsClient first(server->port());
  EXPECT_THAT(first.Ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              HasSubstr("127.0.0.1:"));
  EXPECT_THAT(Ask(*server, Client()), StartsWith("hello "));
}

TEST_F(Https, SaysNothingInPlainWhereThereIsNoRoom) {
  HttpServerOptions options;
  options.max_connections = 1;
  options.tls = Server();
  std::promise<void> began, go;
  const auto server = HttpServer::Start(options, [&](const HttpRequest&) {
    began.set_value();
    go.get_future().wait();
    return HttpResponse::Text(200, "at last");
  });
  ASSERT_TRUE(server.has_value()) << server.error().message();
  std::jthread asks([&] {
    HttpClientOptions at;
    at.port = (*server)->port();
    at.tls = Client();
    at.timeout = 60s;
    const auto client = HttpClient::Make(at);
    const auto answer = (*client)->Send({});
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_EQ(answer->body, "at last");
  });
  began.get_future().wait();
  LoopbackClient second((*server)->port());
  EXPECT_EQ(second.ReadToEnd(), "");
  go.set_value();
}

// Also one that is longer than a hello.
TEST_F(Https, AnswersALongPlainRequestInPlainWords) {
  const auto server = Start(Server());
  for (int i = 0; i < 20; ++i) {
    LoopbackClient plain(server->port());
    plain.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n" +
               std::string(8000, 'x'));
    EXPECT_THAT(plain.ReadToEnd(), HasSubstr("Client sent an HTTP request to an HTTPS server."));
  }
}

TEST_F(Https, DoesNotStartWithBadFiles) {
  HttpServerOptions options;
  options.tls = Server();
  options.tls.key_file = certs.Path("client.key");
  const auto server = HttpServer::Start(options, [](const HttpRequest&) { return HttpResponse(); });
  ASSERT_FALSE(server.has_value());
  EXPECT_THAT(server.error().message(), StartsWith("TLS key file "));
}

}  // namespace
}  // namespace tracestore::net
