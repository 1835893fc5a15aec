#include "net/first_bytes.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>

namespace tracestore::net {
namespace {

// What OpenSSL's client sends first.
std::string HelloOf(const std::string& alpn, int least = 0, int most = 0) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), least);
  SSL_CTX_set_max_proto_version(context.get(), most);
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                      static_cast<unsigned>(alpn.size()));
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  return {data, static_cast<std::size_t>(size)};
}

TEST(FirstBytes, TellsHttp2FromAnythingElse) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (std::size_t cut = 0; cut < preface.size(); ++cut) {
    EXPECT_EQ(ReadFirstBytes(preface.substr(0, cut)).kind, FirstBytesKind::kIncomplete) << cut;
    if (cut == 0) continue;
    EXPECT_EQ(ReadFirstBytes(preface.substr(0, cut) + "?").kind, FirstBytesKind::kOther) << cut;
  }
  EXPECT_EQ(ReadFirstBytes(preface).kind, FirstBytesKind::kHttp2);
  EXPECT_EQ(ReadFirstBytes(preface + "more").kind, FirstBytesKind::kHttp2);
  EXPECT_EQ(ReadFirstBytes("POST /api/v2/spans").kind, FirstBytesKind::kOther);
  EXPECT_EQ(ReadFirstBytes("PUT").kind, FirstBytesKind::kOther);
  EXPECT_EQ(ReadFirstBytes(std::string(1, '\0')).kind, FirstBytesKind::kOther);
}

TEST(FirstBytes, ReadsWhatATlsClientOffers) {
  const FirstBytes both = ReadFirstBytes(HelloOf("\x02h2\x08http/1.1"));
  ASSERT_EQ(both.kind, FirstBytesKind::kTls);
  EXPECT_EQ(both.hello.protocols, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_EQ(both.hello.newest_version, TLS1_3_VERSION);
  EXPECT_FALSE(both.hello.only_http2());
  EXPECT_TRUE(ReadFirstBytes(HelloOf("\x08grpc-exp\x02h2")).hello.only_http2());
  EXPECT_FALSE(ReadFirstBytes(HelloOf("")).hello.only_http2());
  EXPECT_EQ(ReadFirstBytes(HelloOf("", 0, TLS1_2_VERSION)).hello.newest_version, TLS1_2_VERSION);
}

TEST(FirstBytes, WaitsForTheWholeHelloWhateverItsRecords) {
  const std::string hello = HelloOf("\x02h2");
  for (std::size_t cut = 0; cut < hello.size(); ++cut) {
    EXPECT_EQ(ReadFirstBytes(hello.substr(0, cut)).kind, FirstBytesKind::kIncomplete) << cut;
  }
  // The same in records of 7 bytes.
  std::string split;
  for (std::size_t at = 5; at < hello.size(); at += 7) {
    const std::string piece = hello.substr(at, 7);
    split += std::string("\x16\x03\x01\x00", 4) + static_cast<char>(piece.size()) + piece;
  }
  EXPECT_TRUE(ReadFirstBytes(split).hello.only_http2());
}

TEST(FirstBytes, OutlivesDamage) {
  const std::string hello = HelloOf("\x02h2\x08http/1.1");
  for (std::size_t bit = 0; bit < hello.size() * 8; ++bit) {
    std::string flipped = hello;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    (void)ReadFirstBytes(flipped);
  }
  EXPECT_EQ(ReadFirstBytes(std::string("\x16\x03\x01\x00\x05hello", 10)).kind,
            FirstBytesKind::kOther);
  EXPECT_EQ(ReadFirstBytes(std::string("\x16\x02\x01\x00\x05hello", 10)).kind,
            FirstBytesKind::kOther);
  // A hello of 16 MB is announced; empty records forever.
  EXPECT_EQ(ReadFirstBytes(std::string("\x16\x03\x01\x00\x04\x01\xFF\xFF\xFF", 9)).kind,
            FirstBytesKind::kOther);
  EXPECT_EQ(ReadFirstBytes(std::string("\x16\x03\x01\x00\x00", 5)).kind, FirstBytesKind::kOther);
  std::string endless = std::string("\x16\x03\x01\x3F\xFF\x01\x00\x3F\x00", 9);
  endless.resize(kMaxFirstBytes, 'x');
  EXPECT_EQ(ReadFirstBytes(endless).kind, FirstBytesKind::kOther);
}

}  // namespace
}  // namespace tracestore::net
