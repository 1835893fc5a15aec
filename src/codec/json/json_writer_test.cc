#include "codec/json/json_writer.h"

#include <gtest/gtest.h>

#include <limits>

namespace tracestore::codec {
namespace {

TEST(JsonWriter, PutsCommasAndColonsWhereTheyBelong) {
  std::string out = "# ";
  JsonWriter json(out);
  json.BeginObject();
  json.Key("a");
  json.BeginArray();
  json.Int(-1);
  json.Uint(18446744073709551615ULL);
  json.BeginArray();
  json.EndArray();
  json.BeginObject();
  json.EndObject();
  json.EndArray();
  json.Key("b\"");
  json.String("line\n");
  json.Key("c");
  json.Null();
  json.Key("d");
  json.Raw("{\"x\":1}");
  json.Key("e");
  json.Bool(true);
  json.EndObject();
  EXPECT_EQ(out,
            "# {\"a\":[-1,18446744073709551615,[],{}],\"b\\\"\":\"line\\n\",\"c\":null,"
            "\"d\":{\"x\":1},\"e\":true}");
  EXPECT_EQ(json.depth(), 0U);
}

TEST(JsonWriter, WritesNumbersThatReadBackTheSame) {
  std::string out;
  JsonWriter json(out);
  json.BeginArray();
  json.Double(72.5);
  json.Double(3.0);
  json.Double(-0.0);
  json.Double(123456789012345670000.0);
  json.Double(std::numeric_limits<double>::quiet_NaN());
  json.Double(-std::numeric_limits<double>::infinity());
  json.IntString(std::numeric_limits<std::int64_t>::min());
  json.UintString(7);
  json.Base64("\xff");
  json.EndArray();
  EXPECT_EQ(out, R"([72.5,3,-0.0,123456789012345667584.0,"NaN","-Infinity",)"
                 R"("-9223372036854775808","7","/w=="])");
}

TEST(JsonWriter, DeepNestingNeedsNoRecursion) {
  std::string out;
  JsonWriter json(out);
  for (int i = 0; i < 100000; ++i) json.BeginArray();
  for (int i = 0; i < 100000; ++i) json.EndArray();
  EXPECT_EQ(out.size(), 200000U);
}

}  // namespace
}  // namespace tracestore::codec
