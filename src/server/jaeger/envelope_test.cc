#include "server/jaeger/envelope.h"

#include <gtest/gtest.h>

namespace tracestore::server {
namespace {

TEST(Envelope, HasFiveKeysAlways) {
  const net::HttpResponse good = Success(R"(["a"])", 1, false);
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.content_type, "application/json");
  EXPECT_EQ(good.body, R"({"data":["a"],"total":1,"limit":0,"offset":0,"errors":null})");
}

TEST(Envelope, ErrorsAreJsonWithALineBreak) {
  const net::HttpResponse bad = Failure(404, "trace not found");
  EXPECT_EQ(bad.status, 404);
  EXPECT_EQ(bad.content_type, "application/json");
  EXPECT_EQ(bad.body,
            R"({"data":null,"total":0,"limit":0,"offset":0,)"
            R"("errors":[{"code":404,"msg":"trace not found"}]})"
            "\n");
  EXPECT_EQ(Failure(Error(ErrorCode::kCorruption, "x")).status, 500);
}

TEST(Envelope, MissesOfASearchNameTheirTrace) {
  EXPECT_EQ(EnvelopeTail(0, {{0, "trace not found", "00000000deadbeef"}}),
            R"(,"total":0,"limit":0,"offset":0,)"
            R"("errors":[{"msg":"trace not found","traceID":"00000000deadbeef"}]})");
}

TEST(JsonIndenter, IndentsByFourSpaces) {
  const std::string text = R"({"a":[],"b":{},"c":[1,"x,[\"{"],"d":{"e":null}})";
  const std::string expected =
      "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1,\n        \"x,[\\\"{\"\n    ],\n"
      "    \"d\": {\n        \"e\": null\n    }\n}";
  std::string out;
  JsonIndenter().Feed(text, out);
  EXPECT_EQ(out, expected);
  // Byte by byte it is the same.
  std::string pieces;
  JsonIndenter indenter;
  for (const char c : text) indenter.Feed(std::string(1, c), pieces);
  EXPECT_EQ(pieces, expected);
}

}  // namespace
}  // namespace tracestore::server
