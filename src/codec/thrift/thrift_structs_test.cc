#include "codec/thrift/thrift_structs.h"

#include <gtest/gtest.h>
#include <thrift_gen/Agent.h>
#include <thrift_gen/Scribe.h>
#include <thrift_gen/sampling_types.h>

#include <random>
#include <string>

namespace tracestore::codec {
namespace {

using apache::thrift::protocol::TProtocol;
using apache::thrift::protocol::TType;

constexpr ThriftProtocol kBoth[] = {ThriftProtocol::kBinary, ThriftProtocol::kCompact};

// Any struct, written by libthrift: every type, lists and maps of every type, to a depth.
class Writer {
 public:
  Writer(std::uint64_t seed, TProtocol& out) : random_(seed), out_(out) {}

  void Struct(unsigned depth) {
    out_.writeStructBegin("");
    std::int16_t id = 0;
    for (std::uint64_t fields = random_() % 6; fields > 0; --fields) {
      // Mostly ascending by little, as compact likes it; sometimes back, or far.
      id = static_cast<std::int16_t>(random_() % 8 == 0 ? random_() : id + 1 + random_() % 20);
      const TType type = AnyType(depth);
      out_.writeFieldBegin("", type, id);
      Value(type, depth);
      out_.writeFieldEnd();
    }
    out_.writeFieldStop();
    out_.writeStructEnd();
  }

 private:
  TType AnyType(unsigned depth) {
    using namespace apache::thrift::protocol;
    constexpr TType kTypes[] = {T_BOOL,   T_BYTE,   T_DOUBLE, T_I16, T_I32, T_I64,
                                T_STRING, T_STRUCT, T_MAP,    T_SET, T_LIST};
    return kTypes[random_() % (depth == 0 ? 7 : 11)];
  }
  std::int64_t Number() {
    return static_cast<std::int64_t>(random_() >> (random_() % 64)) * (random_() % 2 == 0 ? 1 : -1);
  }
  void Value(TType type, unsigned depth) {
    using namespace apache::thrift::protocol;
    switch (type) {
      case T_BOOL: out_.writeBool(random_() % 2 == 0); break;
      case T_BYTE: out_.writeByte(static_cast<std::int8_t>(random_())); break;
      case T_DOUBLE: out_.writeDouble(static_cast<double>(Number()) / 3); break;
      case T_I16: out_.writeI16(static_cast<std::int16_t>(Number())); break;
      case T_I32: out_.writeI32(static_cast<std::int32_t>(Number())); break;
      case T_I64: out_.writeI64(Number()); break;
      case T_STRING: out_.writeString(std::string(random_() % 200, 'x')); break;
      case T_STRUCT: Struct(depth - 1); break;
      case T_MAP: {
        const TType key = AnyType(0);
        const TType value = AnyType(depth - 1);
        const auto size = static_cast<std::uint32_t>(random_() % 4);
        out_.writeMapBegin(key, value, size);
        for (std::uint32_t i = 0; i < size; ++i) {
          Value(key, 0);
          Value(value, depth - 1);
        }
        break;
      }
      default: {
        const TType element = AnyType(depth - 1);
        const auto size = static_cast<std::uint32_t>(random_() % 20);
        if (type == T_SET)
          out_.writeSetBegin(element, size);
        else
          out_.writeListBegin(element, size);
        for (std::uint32_t i = 0; i < size; ++i) Value(element, depth - 1);
      }
    }
  }

  std::mt19937_64 random_;
  TProtocol& out_;
};

// Both read the struct that bytes begin with, as text; "" where it is none.
std::string DumpOf(ThriftReader& in, ThriftType type) {
  std::string text;
  switch (type) {
    case ThriftType::kBool: return in.BoolElement() ? "true" : "false";
    case ThriftType::kByte: return std::to_string(in.Byte());
    case ThriftType::kDouble: return std::to_string(in.DoubleBits());
    case ThriftType::kI16: return std::to_string(in.I16());
    case ThriftType::kI32: return std::to_string(in.I32());
    case ThriftType::kI64: return std::to_string(in.I64());
    case ThriftType::kString: return "'" + std::string(in.Bytes()) + "'";
    case ThriftType::kStruct:
      for (ThriftField field; in.Next(field);) {
        text += std::to_string(field.id) + "=";
        text += field.type != ThriftType::kBool ? DumpOf(in, field.type)
                : in.Bool(field)                ? "true"
                                                : "false";
        text += ",";
      }
      return "{" + text + "}";
    case ThriftType::kMap: {
      const ThriftMap map = in.Map();
      for (std::uint32_t i = 0; i < map.size && in.ok(); ++i) {
        text += DumpOf(in, map.key) + ":";
        text += DumpOf(in, map.value) + ",";
      }
      return "<" + text + ">";
    }
    case ThriftType::kSet:
    case ThriftType::kList: {
      const ThriftList list = in.List();
      for (std::uint32_t i = 0; i < list.size && in.ok(); ++i)
        text += DumpOf(in, list.element) + ",";
      return "[" + text + "]";
    }
    case ThriftType::kStop: break;
  }
  in.Fail("a value has no type");
  return {};
}

std::string LibraryDump(TProtocol& in, TType type) {
  using namespace apache::thrift::protocol;
  std::string text, name;
  bool flag = false;
  std::int8_t byte = 0;
  std::int16_t i16 = 0;
  std::int32_t i32 = 0;
  std::int64_t i64 = 0;
  double number = 0;
  std::uint32_t size = 0;
  TType key = T_STOP, value = T_STOP;
  switch (type) {
    case T_BOOL: in.readBool(flag); return flag ? "true" : "false";
    case T_BYTE: in.readByte(byte); return std::to_string(byte);
    case T_DOUBLE:
      in.readDouble(number);
      return std::to_string(std::bit_cast<std::uint64_t>(number));
    case T_I16: in.readI16(i16); return std::to_string(i16);
    case T_I32: in.readI32(i32); return std::to_string(i32);
    case T_I64: in.readI64(i64); return std::to_string(i64);
    case T_STRING: in.readString(name); return "'" + name + "'";
    case T_STRUCT:
      in.readStructBegin(name);
      for (;;) {
        in.readFieldBegin(name, type, i16);
        if (type == T_STOP) break;
        const std::string id = std::to_string(i16);
        text += id + "=" + LibraryDump(in, type) + ",";
      }
      in.readStructEnd();
      return "{" + text + "}";
    case T_MAP:
      in.readMapBegin(key, value, size);
      for (; size > 0; --size) {
        text += LibraryDump(in, key) + ":";
        text += LibraryDump(in, value) + ",";
      }
      return "<" + text + ">";
    case T_LIST:
    case T_SET:
      in.readListBegin(value, size);
      for (; size > 0; --size) text += LibraryDump(in, value) + ",";
      return "[" + text + "]";
    default: throw apache::thrift::TException("no type");
  }
}

std::string OursOf(std::string_view bytes, ThriftProtocol protocol) {
  ThriftReader in(bytes, protocol);
  const std::string text = DumpOf(in, ThriftType::kStruct);
  return in.ok() ? text : "";
}

std::string LibrarysOf(std::string_view bytes, ThriftProtocol protocol) {
  try {
    ThriftBuffer buffer(bytes, protocol, {.max_elements = 100'000});
    return LibraryDump(buffer.protocol(), apache::thrift::protocol::T_STRUCT);
  } catch (const std::exception&) {
    return "";
  }
}

std::string ArbitraryStruct(std::uint64_t seed, ThriftProtocol protocol) {
  ThriftBuffer out(protocol);
  Writer(seed, out.protocol()).Struct(4);
  return std::string(out.bytes());
}

TEST(ThriftReaderProperty, ReadsWhatLibthriftWrites) {
  for (const ThriftProtocol protocol : kBoth) {
    for (std::uint64_t seed = 0; seed < 120; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      const std::string bytes = ArbitraryStruct(seed, protocol);
      const std::string expected = LibrarysOf(bytes, protocol);
      ASSERT_NE(expected, "");
      ASSERT_EQ(OursOf(bytes, protocol), expected);
      ThriftReader skipper(bytes, protocol);
      skipper.SkipElement(ThriftType::kStruct);
      ASSERT_TRUE(skipper.ok());
      ASSERT_EQ(skipper.left(), 0U);
      ASSERT_EQ(OursOf(bytes + "more", protocol), expected);
      for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + cut / 50)
        ASSERT_EQ(OursOf(std::string_view(bytes).substr(0, cut), protocol), "") << cut;
    }
  }
}

// What libthrift refuses we refuse; what it takes we take alike, or refuse for a reason of ours.
TEST(ThriftReaderProperty, AgreesWithLibthriftOnDamagedBytes) {
  for (const ThriftProtocol protocol : kBoth) {
    unsigned taken = 0;
    for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      std::string bytes = ArbitraryStruct(seed % 200, protocol);
      std::mt19937_64 random(seed);
      for (std::uint64_t hits = 1 + random() % 3; hits > 0; --hits)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      const std::string expected = LibrarysOf(bytes, protocol);
      const std::string ours = OursOf(bytes, protocol);
      ThriftReader in(bytes, protocol);
      DumpOf(in, ThriftType::kStruct);
      if (!ours.empty()) {
        ASSERT_EQ(ours, expected);
        ++taken;
      } else if (!expected.empty()) {
        ASSERT_NE(in.error().message().find("a type is unknown"), std::string::npos)
            << in.error().message() << "\n"
            << expected;
      }
    }
    EXPECT_GT(taken, 100U);
  }
}

TEST(ThriftStructs, RoundTrip) {
  thrift::agent::Agent_emitBatch_args arguments;
  arguments.batch.process.serviceName = "shop";
  thrift::jaeger::Span span;
  span.traceIdLow = -5;
  span.operationName = "buy";
  span.__set_incomplete(true);
  thrift::jaeger::Tag tag;
  tag.key = "blob";
  tag.vType = thrift::jaeger::TagType::BINARY;
  tag.__set_vBinary(std::string("\0\xFF", 2));
  span.__set_tags({tag});
  arguments.batch.spans = {span, span};
  arguments.batch.__set_seqNo(9);
  for (const ThriftProtocol protocol : kBoth) {
    std::string bytes;
    ASSERT_TRUE(
        WriteThriftMessage({"emitBatch", ThriftMessageType::kOneway, 3}, arguments, protocol, bytes)
            .has_value());
    ThriftReader in(bytes, protocol);
    const ThriftMessage message = in.Message();
    EXPECT_EQ(message.name, "emitBatch");
    EXPECT_EQ(message.type, ThriftMessageType::kOneway);
    EXPECT_EQ(message.sequence, 3);
    thrift::agent::Agent_emitBatch_args back;
    const auto read =
        ReadThriftStruct(std::string_view(bytes).substr(in.position()), protocol, back);
    ASSERT_TRUE(read.has_value()) << read.error().message();
    EXPECT_TRUE(back.batch == arguments.batch);
  }
}

TEST(ThriftStructs, SayWhatIsWrong) {
  using thrift::sampling::ProbabilisticSamplingStrategy;
  const auto error = [](std::string_view bytes, const ThriftLimits& limits = {}) {
    ProbabilisticSamplingStrategy value;
    const auto read = ReadThriftStruct(bytes, ThriftProtocol::kBinary, value, limits);
    return read.has_value() ? "" : read.error().message();
  };
  EXPECT_EQ(error(""), "not Thrift: a struct doesn't end at byte 0");
  EXPECT_NE(error(std::string_view("\0", 1)).find("not Thrift: "), std::string::npos);  // required
  EXPECT_EQ(error("12345", {.max_message_bytes = 4}),
            "a Thrift message of 5 bytes is longer than 4");
  const std::string_view rate("\x04\x00\x01\x3F\xE0\x00\x00\x00\x00\x00\x00\x00", 12);
  EXPECT_EQ(error(rate), "");
}

// Room is made for no more elements than the limit says, however many follow.
TEST(ThriftStructs, BoundListsBeforeTheyAreMade) {
  std::string bytes("\x0F\x00\x01\x0C\x00\x00\x00\x64", 8);
  bytes += std::string(100, '\0') + '\0';
  for (const std::uint32_t most : {99U, 100U}) {
    thrift::scribe::Scribe_Log_args log;
    const auto read = ReadThriftStruct(bytes, ThriftProtocol::kBinary, log, {.max_elements = most});
    EXPECT_EQ(read.has_value(), most == 100);
    EXPECT_EQ(log.messages.size(), most == 100 ? 100U : 0U);
  }
}

}  // namespace
}  // namespace tracestore::codec
