#include "codec/thrift/thrift_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tracestore::codec {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

constexpr ThriftProtocol kBoth[] = {ThriftProtocol::kBinary, ThriftProtocol::kCompact};

std::string ProblemOf(const ThriftReader& reader) {
  return reader.ok() ? "" : reader.error().message();
}

TEST(ThriftReader, ReadsEveryFormOfAMessagesHeader) {
  struct Case {
    const char* what;
    ThriftProtocol protocol;
    std::string bytes;
    ThriftMessageType type;
    std::int32_t sequence;
  };
  const Case cases[] = {
      {"binary, strict, oneway", ThriftProtocol::kBinary,
       "\x80\x01\x00\x04\x00\x00\x00\x04ping\x00\x00\x00\x07"s, ThriftMessageType::kOneway, 7},
      {"binary, strict, call", ThriftProtocol::kBinary,
       "\x80\x01\x00\x01\x00\x00\x00\x04ping\xFF\xFF\xFF\xFE"s, ThriftMessageType::kCall, -2},
      {"binary, old", ThriftProtocol::kBinary, "\x00\x00\x00\x04ping\x01\x00\x00\x00\x07"s,
       ThriftMessageType::kCall, 7},
      {"compact, oneway", ThriftProtocol::kCompact, "\x82\x81\x07\x04ping"s,
       ThriftMessageType::kOneway, 7},
      {"compact, call, long sequence", ThriftProtocol::kCompact,
       "\x82\x21\xFF\xFF\xFF\xFF\x0F\x04ping"s, ThriftMessageType::kCall, -1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    ThriftReader in(c.bytes, c.protocol);
    const ThriftMessage message = in.Message();
    EXPECT_EQ(ProblemOf(in), "");
    EXPECT_EQ(message.name, "ping");
    EXPECT_EQ(message.type, c.type);
    EXPECT_EQ(message.sequence, c.sequence);
    EXPECT_EQ(in.left(), 0U);
    for (std::size_t cut = 0; cut < c.bytes.size(); ++cut) {
      ThriftReader part(std::string_view(c.bytes).substr(0, cut), c.protocol);
      part.Message();
      EXPECT_FALSE(part.ok()) << "cut at " << cut;
    }
  }
}

TEST(ThriftReader, RefusesHeadersThatAreNone) {
  const std::pair<std::string, const char*> binary[] = {
      {"\x80\x02\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"s,
       "not Thrift: the binary protocol's version is not 1 at byte 4"},
      {"\x80\x01\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00"s,
       "not Thrift: the type of the message is unknown at byte 12"},
      {"\x82\x21\x00\x00"s, "not Thrift: the binary protocol's version is not 1 at byte 4"},
      {"\x7F\xFF\xFF\xFF"s, "not Thrift: a string runs past the end at byte 4"},
  };
  for (const auto& [bytes, problem] : binary) {
    ThriftReader in(bytes, ThriftProtocol::kBinary);
    in.Message();
    EXPECT_EQ(ProblemOf(in), problem);
  }
  const std::pair<std::string, const char*> compact[] = {
      {"\x80\x01\x00\x01"s, "not Thrift: no message of the compact protocol begins at byte 1"},
      {"\x82\x22\x00\x00"s, "not Thrift: the compact protocol's version is not 1 at byte 2"},
      {"\x82\x01\x00\x00"s, "not Thrift: the type of the message is unknown at byte 4"},
  };
  for (const auto& [bytes, problem] : compact) {
    ThriftReader in(bytes, ThriftProtocol::kCompact);
    in.Message();
    EXPECT_EQ(ProblemOf(in), problem);
  }
}

TEST(ThriftReader, NumbersFieldsByDifferenceOrInFull) {
  // 1: byte, 3: i16, 300: i32, 2: i64 (a smaller number stands in full), then true and false
  const std::string bytes = "\x13\x05\x24\x05\x05\xD8\x04\x07\x06\x04\x01\x11\x12\x00"s;
  ThriftReader in(bytes, ThriftProtocol::kCompact);
  ThriftField field;
  ASSERT_TRUE(in.Next(field));
  EXPECT_EQ(field.tag(), ThriftTag(1, ThriftType::kByte));
  EXPECT_EQ(in.Byte(), 5);
  ASSERT_TRUE(in.Next(field));
  EXPECT_EQ(field.tag(), ThriftTag(3, ThriftType::kI16));
  EXPECT_EQ(in.I16(), -3);
  ASSERT_TRUE(in.Next(field));
  EXPECT_EQ(field.tag(), ThriftTag(300, ThriftType::kI32));
  EXPECT_EQ(in.I32(), -4);
  ASSERT_TRUE(in.Next(field));
  EXPECT_EQ(field.tag(), ThriftTag(2, ThriftType::kI64));
  EXPECT_EQ(in.I64(), -1);
  ASSERT_TRUE(in.Next(field));
  EXPECT_EQ(field.tag(), ThriftTag(3, ThriftType::kBool));
  EXPECT_TRUE(in.Bool(field));
  ASSERT_TRUE(in.Next(field));
  EXPECT_EQ(field.tag(), ThriftTag(4, ThriftType::kBool));
  EXPECT_FALSE(in.Bool(field));
  EXPECT_FALSE(in.Next(field));
  EXPECT_EQ(ProblemOf(in), "");
  EXPECT_EQ(in.left(), 0U);
}

TEST(ThriftReader, BelievesNoCountBeyondWhatIsLeft) {
  const std::pair<ThriftProtocol, std::string> lists[] = {
      {ThriftProtocol::kBinary, "\x0C\x7F\xFF\xFF\xFF\x00\x00"s},
      {ThriftProtocol::kCompact, "\xFC\xFF\xFF\xFF\xFF\x07\x00\x00"s},
  };
  for (const auto& [protocol, bytes] : lists) {
    ThriftReader in(bytes, protocol);
    EXPECT_EQ(in.List().size, 0U);
    EXPECT_NE(ProblemOf(in).find("a list announces more than is left"), std::string::npos);
    ThriftReader skipped(bytes, protocol);
    skipped.SkipElement(ThriftType::kList);
    EXPECT_FALSE(skipped.ok());
  }
  ThriftReader negative("\x0C\xFF\xFF\xFF\xFF"sv, ThriftProtocol::kBinary);
  EXPECT_EQ(negative.List().size, 0U);
  EXPECT_EQ(ProblemOf(negative), "not Thrift: a list has a negative length at byte 5");
  // 100 doubles take 800 bytes: not a step is taken for them where 100 bytes are left.
  const std::string doubles = "\x04\x00\x00\x00\x64"s + std::string(100, 'x');
  ThriftReader short_of(doubles, ThriftProtocol::kBinary);
  short_of.SkipElement(ThriftType::kList);
  EXPECT_EQ(ProblemOf(short_of), "not Thrift: a list announces more than is left at byte 5");
}

TEST(ThriftReader, TakesEmptyListsOfAnyElement) {
  for (const char type : {'\0', '\x02', '\x0C'}) {
    const std::string binary = {type, 0, 0, 0, 0};
    ThriftReader in(binary, ThriftProtocol::kBinary);
    EXPECT_EQ(in.List().size, 0U);
    EXPECT_EQ(ProblemOf(in), "");
  }
  ThriftReader in("\x0C"sv, ThriftProtocol::kCompact);
  EXPECT_EQ(in.List().size, 0U);
  EXPECT_EQ(ProblemOf(in), "");
  ThriftReader map("\x00"sv, ThriftProtocol::kCompact);  // an empty map names no types
  EXPECT_EQ(map.Map().size, 0U);
  EXPECT_EQ(ProblemOf(map), "");
}

// Structs in structs: what is skipped has an end, and no depth of the sender's choice.
TEST(ThriftReader, SkipsNestedValuesToItsLimit) {
  for (const ThriftProtocol protocol : kBoth) {
    const std::string open = protocol == ThriftProtocol::kBinary ? "\x0C\x00\x01"s : "\x1C"s;
    for (const unsigned depth : {1U, ThriftReader::kMaxDepth, ThriftReader::kMaxDepth + 1}) {
      std::string bytes;
      for (unsigned i = 1; i < depth; ++i) bytes += open;
      bytes.append(depth, '\0');
      ThriftReader in(bytes, protocol);
      in.SkipElement(ThriftType::kStruct);
      EXPECT_EQ(in.ok(), depth <= ThriftReader::kMaxDepth) << depth;
      if (in.ok()) {
        EXPECT_EQ(in.left(), 0U);
      }
    }
    std::string deep;
    for (unsigned i = 0; i < 1'000'000; ++i) deep += open;
    ThriftReader in(deep, protocol);
    in.SkipElement(ThriftType::kStruct);
    EXPECT_NE(ProblemOf(in).find("values are nested too deep"), std::string::npos);
  }
}

TEST(ThriftReader, StaysAtItsFirstProblem) {
  ThriftReader in("\x0B\x00\x01\x00\x00\x00\x09short"sv, ThriftProtocol::kBinary);
  ThriftField field;
  ASSERT_TRUE(in.Next(field));
  EXPECT_EQ(in.Bytes(), "");
  const std::string problem = "not Thrift: a string runs past the end at byte 7";
  EXPECT_EQ(ProblemOf(in), problem);
  EXPECT_FALSE(in.Next(field));
  EXPECT_EQ(in.I64(), 0);
  EXPECT_EQ(in.List().size, 0U);
  in.SkipElement(ThriftType::kStruct);
  EXPECT_EQ(ProblemOf(in), problem);
}

}  // namespace
}  // namespace tracestore::codec
