// Sentences are those that programs of Go's standard library print, and v1.76 answered.
#include "server/jaeger/go_values.h"

#include <gtest/gtest.h>

namespace tracestore::server {
namespace {

template <typename T>
std::string ErrorOf(const Result<T>& result) {
  return result.has_value() ? "no error" : result.error().message();
}

TEST(GoValues, Integers) {
  EXPECT_EQ(ParseGoInt("1795376030375022", 64).value(), 1795376030375022);
  EXPECT_EQ(ParseGoInt("-5", 32).value(), -5);
  EXPECT_EQ(ParseGoInt("+5", 32).value(), 5);
  EXPECT_EQ(ErrorOf(ParseGoInt("abc", 32)), R"(strconv.ParseInt: parsing "abc": invalid syntax)");
  EXPECT_EQ(ErrorOf(ParseGoInt("", 64)), R"(strconv.ParseInt: parsing "": invalid syntax)");
  EXPECT_EQ(ErrorOf(ParseGoInt("+-5", 64)), R"(strconv.ParseInt: parsing "+-5": invalid syntax)");
  EXPECT_EQ(ErrorOf(ParseGoInt("1.5", 64)), R"(strconv.ParseInt: parsing "1.5": invalid syntax)");
  EXPECT_EQ(ErrorOf(ParseGoInt("3000000000", 32)),
            R"(strconv.ParseInt: parsing "3000000000": value out of range)");
  EXPECT_EQ(ErrorOf(ParseGoInt("99999999999999999999", 64)),
            R"(strconv.ParseInt: parsing "99999999999999999999": value out of range)");
}

TEST(GoValues, Booleans) {
  EXPECT_TRUE(ParseGoBool("T").value());
  EXPECT_FALSE(ParseGoBool("false").value());
  EXPECT_EQ(ErrorOf(ParseGoBool("maybe")),
            R"(strconv.ParseBool: parsing "maybe": invalid syntax)");
}

TEST(GoValues, Durations) {
  EXPECT_EQ(ParseGoDuration("1h15m30.918s")->count(), 4'530'918'000'000);
  EXPECT_EQ(ParseGoDuration("-1.5ms")->count(), -1'500'000);
  EXPECT_EQ(ParseGoDuration("250µs")->count(), 250'000);
  EXPECT_EQ(ParseGoDuration(".5s")->count(), 500'000'000);
  EXPECT_EQ(ParseGoDuration("0")->count(), 0);
  EXPECT_EQ(ParseGoDuration("0.1000000000000000000000000001s")->count(), 100'000'000);
  EXPECT_EQ(ErrorOf(ParseGoDuration("5")), R"(time: missing unit in duration "5")");
  EXPECT_EQ(ErrorOf(ParseGoDuration("5x")), R"(time: unknown unit "x" in duration "5x")");
  EXPECT_EQ(ErrorOf(ParseGoDuration("abc")), R"(time: invalid duration "abc")");
  EXPECT_EQ(ErrorOf(ParseGoDuration("")), R"(time: invalid duration "")");
  EXPECT_EQ(ErrorOf(ParseGoDuration("-")), R"(time: invalid duration "-")");
  EXPECT_EQ(ErrorOf(ParseGoDuration("9999999h")), R"(time: invalid duration "9999999h")");
}

TEST(GoValues, TraceIds) {
  EXPECT_EQ(ParseJaegerTraceId("deadbeef").value(), (TraceId{0, 0xdeadbeef}));
  EXPECT_EQ(ParseJaegerTraceId("0AF7651916cd43dd8448eb211c80319c").value(),
            (TraceId{0x0af7651916cd43ddULL, 0x8448eb211c80319cULL}));
  EXPECT_EQ(ErrorOf(ParseJaegerTraceId("zzz")),
            R"(strconv.ParseUint: parsing "zzz": invalid syntax)");
  EXPECT_EQ(ErrorOf(ParseJaegerTraceId("x0000000000000001")),
            R"(strconv.ParseUint: parsing "x": invalid syntax)");
  EXPECT_EQ(ErrorOf(ParseJaegerTraceId("1000000000000000g")),
            R"(strconv.ParseUint: parsing "000000000000000g": invalid syntax)");
  EXPECT_EQ(ErrorOf(ParseJaegerTraceId("")), R"(strconv.ParseUint: parsing "": invalid syntax)");
  EXPECT_EQ(ErrorOf(ParseJaegerTraceId(std::string(33, '1'))),
            "TraceID cannot be longer than 32 hex characters: " + std::string(33, '1'));
}

TEST(GoValues, TraceIdsInBase64) {
  const TraceId id{0x0af7651916cd43ddULL, 0x8448eb211c80319cULL};
  EXPECT_EQ(ParseJaegerTraceId("CvdlGRbNQ92ESOshHIAxnA==").value(), id);
  const TraceId all{~0ULL, 0xfbffffffffffffffULL};
  EXPECT_EQ(ParseJaegerTraceId("///////////7/////////w==").value(), all);
  EXPECT_EQ(ParseJaegerTraceId("___________7_________w==").value(), all) << "for urls";
  // Of eight bytes, without padding, and no base64.
  for (const char* text : {"hEjrIRyAMZw=", "CvdlGRbNQ92ESOshHIAxnA", "CvdlGRbN!92ESOshHIAxnA=="})
    EXPECT_FALSE(ParseJaegerTraceId(text).has_value()) << text;
}

TEST(GoValues, StringMaps) {
  EXPECT_EQ(ParseGoStringMap(R"( {"a":"1", "b\n":"\u00e9\ud83d\ude00","a":"2"} )").value(),
            (std::map<std::string, std::string>{{"a", "2"}, {"b\n", "é😀"}}));
  EXPECT_TRUE(ParseGoStringMap("{}")->empty());
  EXPECT_TRUE(ParseGoStringMap("null")->empty());
  EXPECT_EQ(ParseGoStringMap(R"({"a":null})")->at("a"), "");
  EXPECT_EQ(ParseGoStringMap(R"({"a":"\ud800"})")->at("a"), "\xEF\xBF\xBD");
  EXPECT_EQ(ErrorOf(ParseGoStringMap("zz")),
            "invalid character 'z' looking for beginning of value");
  EXPECT_EQ(ErrorOf(ParseGoStringMap("")), "unexpected end of JSON input");
  EXPECT_EQ(ErrorOf(ParseGoStringMap("{")), "unexpected end of JSON input");
  EXPECT_EQ(ErrorOf(ParseGoStringMap(R"({"a":"b)")), "unexpected end of JSON input");
  EXPECT_EQ(ErrorOf(ParseGoStringMap(R"({"a":"b"} x)")),
            "invalid character 'x' after top-level value");
  EXPECT_EQ(ErrorOf(ParseGoStringMap(R"({"a" "b"})")), "invalid character '\"' after object key");
  EXPECT_EQ(ErrorOf(ParseGoStringMap(R"({"a":"b";)")),
            "invalid character ';' after object key:value pair");
  EXPECT_EQ(ErrorOf(ParseGoStringMap(R"({"a":1})")),
            "json: cannot unmarshal number into Go value of type string");
  EXPECT_EQ(ErrorOf(ParseGoStringMap("[]")),
            "json: cannot unmarshal array into Go value of type map[string]string");
  // Every truncation is refused.
  const std::string whole = R"({"k":"v\u00e9\n","l":null})";
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_FALSE(ParseGoStringMap(std::string_view(whole).substr(0, cut)).has_value()) << cut;
}

TEST(GoValues, Quotes) {
  EXPECT_EQ(GoQuote("a\"b\\c\n"), R"("a\"b\\c\n")");
  EXPECT_EQ(GoQuote("é"), "\"é\"");
  EXPECT_EQ(GoQuote(std::string_view("\xff\x00\x01", 3)), R"("\xff\x00\x01")");
}

}  // namespace
}  // namespace tracestore::server
