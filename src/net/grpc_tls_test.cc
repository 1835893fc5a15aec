// gRPC under TLS: certificates made here, our client against our server, and limits of connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "net/dual_server.h"
#include "net/grpc_client.h"
#include "net/grpc_server.h"
#include "net/http_client.h"
#include "net/loopback_test_client.h"
#include "net/testing/test_certificates.h"

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kEcho[] = "/test.Service/Echo";

class GrpcTls : public testing::Test {
 protected:
  TlsServerOptions Server() const { return certs.Server(); }
  TlsClientOptions Client() const { return certs.Client(); }
  std::unique_ptr<GrpcServer> Start(TlsServerOptions tls, GrpcServerOptions options = {}) {
    options.tls = std::move(tls);
    auto server = GrpcServer::Start(options, {{kEcho, [](const RawRequest& request) {
                                                 return RawReply::Ok(std::string(request.message));
                                               }}});
    EXPECT_TRUE(server.has_value()) << server.error().message();
    return std::move(server).value();
  }
  // The code of a call, by name.
  std::string Ask(const GrpcServer& server, TlsClientOptions tls) {
    GrpcClientOptions options;
    options.port = server.port();
    options.tls = std::move(tls);
    auto client = GrpcClient::Make(options);
    if (!client.has_value()) return client.error().message();
    const RawReply reply = (*client)->Call(kEcho, "x", {});
    return GrpcCodeName(reply.code);
  }
  TestCertificates certs;
};

TEST_F(GrpcTls, ServesClientsThatTrustIt) {
  const auto server = Start(Server());
  EXPECT_EQ(Ask(*server, Client()), "OK");
  TlsClientOptions options = Client();
  options.ca_file = certs.Path("other-ca.crt");
  EXPECT_EQ(Ask(*server, options), "UNAVAILABLE");
  options.skip_verify = true;
  EXPECT_EQ(Ask(*server, options), "OK");
  options = Client();
  options.server_name = "shop.example";
  EXPECT_EQ(Ask(*server, options), "UNAVAILABLE");
  options.server_name = "localhost";
  EXPECT_EQ(Ask(*server, options), "OK");
  EXPECT_EQ(Ask(*server, {}), "UNAVAILABLE");  // in plain
}

TEST_F(GrpcTls, AsksClientsForACertificate) {
  TlsServerOptions mutual = Server();
  mutual.client_ca_file = certs.Path("ca.crt");
  const auto server = Start(mutual);
  EXPECT_EQ(Ask(*server, Client()), "UNAVAILABLE");
  TlsClientOptions known = Client();
  known.cert_file = certs.Path("client.crt");
  known.key_file = certs.Path("client.key");
  EXPECT_EQ(Ask(*server, known), "OK");
  TlsClientOptions stranger = Client();
  stranger.cert_file = certs.Path("stranger.crt");
  stranger.key_file = certs.Path("stranger.key");
  EXPECT_EQ(Ask(*server, stranger), "UNAVAILABLE");
}

TEST_F(GrpcTls, TakesNewFilesWithoutARestart) {
  TlsServerOptions options = Server();
  options.reload_interval = 0ms;
  const auto server = Start(options);
  TlsClientOptions named = Client();
  for (const char* name : {"renewed.example", "again.example"}) {
    named.server_name = name;
    EXPECT_EQ(Ask(*server, named), "UNAVAILABLE");
    const TestIdentity renewed = certs.NewServer(name);
    certs.Write("server.crt", renewed.certificate);
    EXPECT_EQ(Ask(*server, Client()), "OK");  // with the old ones: this key isn't the certificate's
    certs.Write("server.key", renewed.key);
    EXPECT_EQ(Ask(*server, named), "OK");
  }
}

// Whoever connects while files are renewed, at whatever moment, gets a certificate with its key.
TEST_F(GrpcTls, RenewalsFailNoHandshake) {
  TlsServerOptions options = Server();
  options.reload_interval = 0ms;
  const auto server = Start(options);
  std::atomic<bool> done = false;
  auto failures = std::async(std::launch::async, [&] {
    std::vector<std::string> codes;
    while (!done) {
      if (std::string code = Ask(*server, Client()); code != "OK") codes.push_back(code);
    }
    return codes;
  });
  for (int i = 0; i < 30; ++i) {
    const TestIdentity renewed = certs.NewServer("renewed.example");
    certs.Write("server.crt", renewed.certificate);
    certs.Write("server.key", renewed.key);
    EXPECT_EQ(Ask(*server, Client()), "OK");
  }
  done = true;
  EXPECT_THAT(failures.get(), testing::IsEmpty());
}

TEST_F(GrpcTls, ClientsOfANewAuthorityAreLetIn) {
  TlsServerOptions mutual = Server();
  mutual.client_ca_file = certs.Path("clients.crt");
  mutual.reload_interval = 0ms;
  std::filesystem::copy_file(certs.Path("other-ca.crt"), certs.Path("clients.crt"));
  const auto server = Start(mutual);
  TlsClientOptions known = Client();
  known.cert_file = certs.Path("client.crt");
  known.key_file = certs.Path("client.key");
  EXPECT_EQ(Ask(*server, known), "UNAVAILABLE");
  std::filesystem::copy_file(certs.Path("ca.crt"), certs.Path("clients.crt"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(Ask(*server, known), "OK");
}

TEST_F(GrpcTls, FilesThatCannotBeUsedLeaveTheOldOnes) {
  std::atomic<int> told{0};
  TlsServerOptions options = Server();
  options.reload_interval = 0ms;
  options.on_reload = [&told](const std::string& sentence) {
    EXPECT_THAT(sentence, HasSubstr("there is no PEM certificate in it; the files read before"));
    ++told;
  };
  const auto server = Start(options);
  certs.Write("server.crt", "no PEM\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(*server, Client()), "OK");
  EXPECT_EQ(told, 1);
}

// gRPC itself would end the process.
TEST_F(GrpcTls, ACertificateThatGrpcCannotReadLeavesTheOldOne) {
  TestCertificateOptions odd;
  odd.name = "renewed.example";
  odd.address_bytes = 5;
  const std::string why =
      "TLS certificate file " + certs.Path("server.crt") +
      ": gRPC can't read an IP address of 5 bytes in it, which OpenSSL takes: have it issued anew "
      "without";
  std::vector<std::string> told;
  TlsServerOptions options = Server();
  options.reload_interval = 0ms;
  options.on_reload = [&told](const std::string& sentence) { told.push_back(sentence); };
  const auto server = Start(options);
  EXPECT_EQ(Ask(*server, Client()), "OK");
  const auto renew = [&] {
    const TestIdentity renewed = certs.NewServer(odd);
    certs.Write("server.key", renewed.key);
    certs.Write("server.crt", renewed.certificate);
  };
  renew();
  TlsClientOptions named = Client();
  named.server_name = odd.name;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Ask(*server, Client()), "OK");
    EXPECT_EQ(Ask(*server, named), "UNAVAILABLE");
  }
  EXPECT_EQ(std::count(told.begin(), told.end(),
                       why + "; over gRPC the files read before serve on"),
            1);

  GrpcServerOptions anew;
  anew.tls = Server();
  const auto refused = GrpcServer::Start(anew, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(refused.error().message(), why);

  odd.address_bytes = 16;
  renew();
  EXPECT_EQ(Ask(*server, named), "OK");
}

// gRPC itself would end the process, before anybody asks whether the client is to be trusted.
TEST_F(GrpcTls, AClientThatGrpcCannotReadIsRefused) {
  TlsServerOptions mutual = Server();
  mutual.client_ca_file = certs.Path("ca.crt");
  const auto server = Start(mutual);
  TestCertificateOptions names;
  names.name = "client.example";
  TlsClientOptions client = Client();
  client.cert_file = certs.Path("named.crt");
  client.key_file = certs.Path("named.key");
  const auto ask_with = [&](int address_bytes) {
    names.address_bytes = address_bytes;
    const TestIdentity made = certs.NewServer(names);
    certs.Write("named.key", made.key);
    certs.Write("named.crt", made.certificate);
    return Ask(*server, client);
  };
  for (const int bytes : {5, 1, 17}) EXPECT_EQ(ask_with(bytes), "UNAVAILABLE") << bytes;
  for (const int bytes : {0, 4, 16}) EXPECT_EQ(ask_with(bytes), "OK") << bytes;
}

TEST_F(GrpcTls, HoldsALeastVersion) {
  TlsServerOptions strict = Server();
  strict.min_version = "1.3";
  EXPECT_EQ(Ask(*Start(strict), Client()), "OK");
  TlsClientOptions client = Client();
  client.min_version = "1.3";
  EXPECT_THAT(Ask(*Start(strict), client), StartsWith("TLS least version 1.3 of a client can't"));
}

TEST_F(GrpcTls, SaysWhatCannotBe) {
  GrpcServerOptions options;
  options.tls = Server();
  options.tls.cipher_list = "ECDHE-ECDSA-AES128-GCM-SHA256";
  auto server = GrpcServer::Start(options, {});
  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(server.error().message(),
            "TLS cipher list \"ECDHE-ECDSA-AES128-GCM-SHA256\" can't be set for gRPC, which takes TLS "
            "1.2 and 1.3 with ciphers of its own choice");
  options.tls = Server();
  options.tls.key_file = certs.Path("client.key");
  server = GrpcServer::Start(options, {});
  ASSERT_FALSE(server.has_value());
  EXPECT_THAT(server.error().message(), HasSubstr("it is not the key of the certificate in"));
}

// At the cap an idle one goes, under TLS and without it; which, grpc_connections_test.cc tells.
TEST_F(GrpcTls, AtTheCapAnIdleOneGoes) {
  for (const bool tls : {false, true}) {
    GrpcServerOptions options;
    options.max_connections = 2;
    const auto server = Start(tls ? Server() : TlsServerOptions(), options);
    GrpcClientOptions to;
    to.port = server->port();
    to.tls = tls ? Client() : TlsClientOptions();
    auto one = GrpcClient::Make(to).value();
    auto two = GrpcClient::Make(to).value();
    EXPECT_EQ(one->Call(kEcho, "", {}).code, GrpcCode::kOk);
    EXPECT_EQ(two->Call(kEcho, "", {}).code, GrpcCode::kOk);
    EXPECT_EQ(Ask(*server, tls ? Client() : TlsClientOptions()), "OK");
    const auto ready = [&] {
      return (one->state() == ConnectionState::kReady ? 1 : 0) +
             (two->state() == ConnectionState::kReady ? 1 : 0);
    };
    for (int i = 0; i < 1000 && ready() == 2; ++i)
      std::this_thread::sleep_for(10ms);  // polls: the client sees the end of a connection by itself
    EXPECT_EQ(ready(), 1);
    EXPECT_LE(server->connections(), 3u);  // one of them is being closed
  }
}

// A connection with a call is kept, and a new one has no room.
TEST_F(GrpcTls, AtTheCapNoneInUseGoes) {
  std::promise<void> began, go;
  std::shared_future<void> gate = go.get_future().share();
  GrpcServerOptions options;
  options.max_connections = 1;
  auto server = GrpcServer::Start(options, {{kEcho, [&](const RawRequest&) {
                                               began.set_value();
                                               gate.wait();
                                               return RawReply::Ok("kept");
                                             }}});
  ASSERT_TRUE(server.has_value());
  GrpcClientOptions to;
  to.port = (*server)->port();
  auto client = GrpcClient::Make(to).value();
  auto answer = std::async(std::launch::async, [&] {
    GrpcCall call;
    call.timeout = 60s;
    return client->Call(kEcho, "", call).bytes;
  });
  began.get_future().wait();
  EXPECT_EQ(Ask(**server, {}), "UNAVAILABLE");
  go.set_value();
  EXPECT_EQ(answer.get(), "kept");
}

TEST_F(GrpcTls, ManyWhoSayNothingDoNotKeepOthersOut) {
  GrpcServerOptions options;
  options.max_connections = 8;
  const auto server = Start(Server(), options);
  std::vector<LoopbackClient> silent;
  for (int i = 0; i < 50; ++i) {
    silent.emplace_back(server->port());
    if (i % 2 == 0) silent.back().Send("\x16\x03\x01");
  }
  EXPECT_EQ(Ask(*server, Client()), "OK");
}

TEST_F(GrpcTls, SharesAPortWithHttps) {
  DualServerOptions options;
  options.tls = Server();
  const auto server =
      DualServer::Start(
          options,
          [](const HttpRequest& request) { return HttpResponse::Text(200, "http " + request.peer); },
          {{kEcho, [](const RawRequest& request) {
              return RawReply::Ok("grpc " + std::string(request.peer));
            }}})
          .value();
  GrpcClientOptions grpc;
  grpc.port = server->port();
  grpc.tls = Client();
  HttpClientOptions http;
  http.port = server->port();
  http.tls = Client();
  const auto grpc_client = GrpcClient::Make(grpc).value();
  const auto http_client = HttpClient::Make(http).value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(grpc_client->Call(kEcho, "", {}).bytes, StartsWith("grpc 127.0.0.1:"));
    const auto response = http_client->Send({});
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_THAT(response->body, StartsWith("http 127.0.0.1:"));
  }
  EXPECT_EQ(server->connections(), 2u);
}

}  // namespace
}  // namespace tracestore::net
