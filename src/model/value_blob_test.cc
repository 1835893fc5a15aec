#include "model/value_blob.h"

#include <gtest/gtest.h>

namespace tracestore::model {
namespace {

std::string Sample() {
  std::string blob;
  ValueBlobWriter writer(blob);
  writer.Key("a");
  writer.BeginArray();
  writer.Int(-1);
  writer.Double(2.5);
  writer.BeginMap();
  writer.End();
  writer.End();
  writer.Key("a");
  writer.Bytes("xy");
  writer.Key("n");
  writer.Empty();
  writer.Key("s");
  writer.String("q\"");
  writer.Key("t");
  writer.Bool(true);
  return blob;
}

TEST(ValueBlob, PrintsAsJson) {
  EXPECT_EQ(ValueBlobToJson(Sample(), ValueType::kMap),
            R"({"a":[-1,2.5,{}],"a":"eHk=","n":null,"s":"q\"","t":true})");
  EXPECT_EQ(ValueBlobToJson("", ValueType::kArray), "[]");
}

// The examples of docs/format/value-blob.md.
TEST(ValueBlob, HasTheBytesOfItsPage) {
  std::string array;
  ValueBlobWriter items(array);
  items.String("a");
  items.Int(1);
  items.Bool(true);
  EXPECT_EQ(std::string("\x01\x01" "a\x03\x02\x12"), array);
  std::string map;
  ValueBlobWriter entries(map);
  entries.Key("k");
  entries.BeginArray();
  entries.Empty();
  entries.Double(-1.5);
  entries.End();
  entries.Key("k");
  entries.BeginMap();
  entries.End();
  const char expected[] =
      "\x08\x01k\x06\x00\x04\x00\x00\x00\x00\x00\x00\xf8\xbf\x0f\x08\x01k\x07\x0f";
  EXPECT_EQ(std::string(expected, sizeof expected - 1), map);
}

TEST(ValueBlob, TruncationsAndFlipsAreRefusedOrRead) {
  const std::string blob = Sample();
  EXPECT_TRUE(ValidateValueBlob(blob, ValueType::kMap).has_value());
  EXPECT_FALSE(ValidateValueBlob(blob, ValueType::kArray).has_value());
  for (std::size_t cut = 1; cut < 8; ++cut) {
    EXPECT_FALSE(ValidateValueBlob(blob.substr(0, cut), ValueType::kMap).has_value()) << cut;
  }
  for (std::size_t at = 0; at < blob.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = blob;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      (void)ValueBlobToJson(bad, ValueType::kMap);
    }
  }
}

TEST(ValueBlob, DepthIsBounded) {
  std::string blob;
  ValueBlobWriter writer(blob);
  for (unsigned i = 1; i < kMaxValueDepth; ++i) writer.BeginArray();
  for (unsigned i = 1; i < kMaxValueDepth; ++i) writer.End();
  EXPECT_TRUE(ValidateValueBlob(blob, ValueType::kArray).has_value());
  std::string deeper;
  ValueBlobWriter more(deeper);
  for (unsigned i = 0; i < kMaxValueDepth; ++i) more.BeginArray();
  for (unsigned i = 0; i < kMaxValueDepth; ++i) more.End();
  EXPECT_FALSE(ValidateValueBlob(deeper, ValueType::kArray).has_value());
}

}  // namespace
}  // namespace tracestore::model
