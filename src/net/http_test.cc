// The parts of HTTP that need no socket: targets, parameters, routes, codings.
#include "net/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <random>

#include "net/compression.h"
#include "net/http_router.h"

namespace tracestore::net {
namespace {

using testing::ElementsAre;
using Outcome = Decompressed::Outcome;

HttpRequest Request(std::string method, std::string_view target) {
  HttpRequest request;
  request.method = std::move(method);
  EXPECT_TRUE(request.SetTarget(target).has_value()) << target;
  return request;
}

TEST(HttpRequest, DecodesPathAndQuery) {
  const auto request = Request("GET", "/api/a%2Fb%20c?x=1&y=a+b%26&x=2&&flag#frag");
  EXPECT_EQ(request.path, "/api/a/b c");
  EXPECT_EQ(request.raw_path, "/api/a%2Fb%20c");
  EXPECT_THAT(request.query.all("x"), ElementsAre("1", "2"));
  EXPECT_EQ(request.query.first("y"), "a b&");
  EXPECT_TRUE(request.query.has("flag"));
  EXPECT_EQ(request.query.first("flag"), "");
  EXPECT_FALSE(request.query.has("X"));
  EXPECT_EQ(request.query.entries().size(), 4u);
}

TEST(HttpRequest, TakesEveryFormOfTarget) {
  EXPECT_EQ(Request("GET", "http://h:1/p?q=1").path, "/p");
  EXPECT_EQ(Request("GET", "http://h:1").path, "/");
  EXPECT_EQ(Request("GET", "http://h?q=1").query.first("q"), "1");
  EXPECT_EQ(Request("OPTIONS", "*").path, "*");
  for (const char* bad : {"", "x", "/%", "/%4", "/%zz", "/?a=%2", "/?%=1"}) {
    HttpRequest request;
    EXPECT_FALSE(request.SetTarget(bad).has_value()) << bad;
  }
}

TEST(HttpRequest, FindsHeadersInAnyCase) {
  HttpRequest request;
  request.headers = {{"Content-Type", "a"}, {"content-type", "b"}};
  EXPECT_EQ(request.header("CONTENT-TYPE"), "a");
  EXPECT_FALSE(request.has_header("Content"));
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (const char* pattern : {"/", "/api/traces", "/api/traces/{id}", "/api/traces/archived",
                                "/api/services/{service}/operations", "/static/{path*}"}) {
      router_.Add("GET", pattern, Echo(std::string("GET ") + pattern));
    }
    router_.Add("POST", "/api/traces", Echo("POST /api/traces"));
  }
  static RouteHandler Echo(const std::string& name) {
    return [name](const HttpRequest&, const PathParams& params) {
      std::string text = name;
      for (const auto& [key, value] : params.entries()) text += " " + key + "=" + value;
      return HttpResponse::Text(200, text);
    };
  }
  std::string Ask(std::string method, std::string_view target) {
    const auto response = router_.Handle(Request(std::move(method), target));
    return std::to_string(response.status) + " " + response.body;
  }
  HttpRouter router_;
};

TEST_F(RouterTest, MatchesLiteralsBeforeParameters) {
  EXPECT_EQ(Ask("GET", "/"), "200 GET /");
  EXPECT_EQ(Ask("GET", "/api/traces?limit=1"), "200 GET /api/traces");
  EXPECT_EQ(Ask("GET", "/api/traces/archived"), "200 GET /api/traces/archived");
  EXPECT_EQ(Ask("GET", "/api/traces/ab"), "200 GET /api/traces/{id} id=ab");
  EXPECT_EQ(Ask("GET", "/api/services/a%2Fb%20c/operations"),
            "200 GET /api/services/{service}/operations service=a/b c");
  EXPECT_EQ(Ask("GET", "/static/js/app.js"), "200 GET /static/{path*} path=js/app.js");
  EXPECT_EQ(Ask("GET", "/static/"), "200 GET /static/{path*} path=");
  EXPECT_EQ(Ask("HEAD", "/api/traces"), "200 GET /api/traces");
}

TEST_F(RouterTest, SaysWhichPatternAnswered) {
  EXPECT_EQ(router_.Handle(Request("GET", "/api/traces/ab")).route, "/api/traces/{id}");
  EXPECT_EQ(router_.Handle(Request("HEAD", "/static/a/b")).route, "/static/{path*}");
  EXPECT_EQ(router_.Handle(Request("GET", "/nowhere")).route, "");
  EXPECT_EQ(router_.Handle(Request("PUT", "/api/traces")).route, "");
}

TEST_F(RouterTest, TellsUnknownPathsFromUnknownMethods) {
  EXPECT_EQ(Ask("GET", "/api/traces/"), "404 no such path: /api/traces/\n");
  EXPECT_EQ(Ask("GET", "/nowhere"), "404 no such path: /nowhere\n");
  const auto response = router_.Handle(Request("PUT", "/api/traces"));
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, ElementsAre(std::pair("Allow", "GET, HEAD, POST")));
  router_.SetNotFound([](const HttpRequest&) { return HttpResponse::Json(404, "{}"); });
  router_.SetMethodNotAllowed([](const HttpRequest&) { return HttpResponse::Json(405, "[]"); });
  EXPECT_EQ(Ask("GET", "/nowhere"), "404 {}");
  EXPECT_EQ(Ask("POST", "/"), "405 []");
}

// ---- codings ----

std::string Deflated(std::string_view bytes, int window_bits) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  return out;
}

std::string Zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

std::string RandomText(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(random() % 300'000, '\0');
  const auto letters = 1 + random() % 255;
  for (char& c : text) c = static_cast<char>(random() % letters);
  return text;
}

struct Packed {
  Coding coding;
  std::string bytes;
};

std::vector<Packed> EveryCoding(std::string_view text) {
  return {{Coding::kGzip, Deflated(text, 15 + 16)},
          {Coding::kGzip, *CompressGzip(text)},
          {Coding::kDeflate, Deflated(text, 15)},
          {Coding::kDeflate, Deflated(text, -15)},
          {Coding::kZstd, Zstd(text)},
          {Coding::kIdentity, std::string(text)}};
}

TEST(Compression, RoundTripsUpToTheLimitAndNotBeyond) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::string text = RandomText(seed);
    for (const auto& [coding, bytes] : EveryCoding(text)) {
      SCOPED_TRACE("coding " + std::to_string(static_cast<int>(coding)));
      const auto whole = Decompress(coding, bytes, text.size());
      EXPECT_EQ(whole.outcome, Outcome::kOk) << whole.message;
      EXPECT_TRUE(whole.bytes == text);
      if (text.empty()) continue;
      const auto over = Decompress(coding, bytes, text.size() - 1);
      EXPECT_EQ(over.outcome, Outcome::kTooLarge);
      EXPECT_TRUE(over.bytes.empty());
    }
  }
}

TEST(Compression, RejectsEveryTruncationAndSurvivesBitFlips) {
  std::string text = RandomText(3).substr(0, 400);
  for (const auto& [coding, bytes] : EveryCoding(text)) {
    if (coding == Coding::kIdentity) continue;
    SCOPED_TRACE("coding " + std::to_string(static_cast<int>(coding)));
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      EXPECT_EQ(Decompress(coding, std::string_view(bytes).substr(0, cut), 1 << 20).outcome,
                Outcome::kCorrupt)
          << cut;
    }
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string damaged = bytes;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_LE(Decompress(coding, damaged, 1000).bytes.size(), 1000u);
    }
  }
}

TEST(Compression, StopsBombsEarly) {
  const std::string zeros(std::size_t{16} << 20, '\0');
  for (const auto& [coding, bytes] : EveryCoding(zeros)) {
    const auto bomb = Decompress(coding, bytes, 1'000'000);
    EXPECT_EQ(bomb.outcome, Outcome::kTooLarge);
    EXPECT_EQ(bomb.message,
              "the decompressed body is larger than the limit of 1000000 bytes");
    EXPECT_LE(bomb.bytes.capacity(), 1'000'001u);
  }
}

TEST(Compression, TakesSeveralMembersAsOneBody) {
  EXPECT_EQ(Decompress(Coding::kGzip, *CompressGzip("ab") + *CompressGzip("cd"), 10).bytes, "abcd");
  EXPECT_EQ(Decompress(Coding::kZstd, Zstd("ab") + Zstd("cd"), 10).bytes, "abcd");
  EXPECT_EQ(Decompress(Coding::kGzip, *CompressGzip("ab") + "xx", 10).outcome, Outcome::kCorrupt);
  EXPECT_EQ(Decompress(Coding::kDeflate, Deflated("ab", 15) + "xx", 10).outcome, Outcome::kCorrupt);
}

TEST(Compression, RefusesAZstdWindowThatTheSenderMadeHuge) {
  // Magic, no single segment and no content size, a window of 2^(10+16) bytes; then an empty block.
  const std::string frame("\x28\xB5\x2F\xFD\x00\x80\x01\x00\x00", 9);
  EXPECT_EQ(Decompress(Coding::kZstd, frame, 1 << 20).outcome, Outcome::kCorrupt);
}

TEST(Compression, ReadsAcceptEncoding) {
  for (const char* yes : {"gzip", "deflate, GZIP;q=0.5", "*", "x-gzip", "br;q=1.0, *;q=0.1"}) {
    EXPECT_TRUE(AcceptsGzip(yes)) << yes;
  }
  for (const char* no : {"", "identity", "gzip;q=0", "*;q=0", "*, gzip; q=0.000", "br, deflate"}) {
    EXPECT_FALSE(AcceptsGzip(no)) << no;
  }
  EXPECT_EQ(ParseCoding(" GZip "), Coding::kGzip);
  EXPECT_EQ(ParseCoding("gzip, gzip"), std::nullopt);
  EXPECT_EQ(ParseCoding("br"), std::nullopt);
}

}  // namespace
}  // namespace tracestore::net
