#include <gtest/gtest.h>

#include <string>

#include "codec/jaeger/thrift_decoder.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using namespace std::string_literals;

// Bytes of the binary protocol, written by hand.
class Bytes {
 public:
  Bytes& Header(std::string_view method, int type = 4) {
    text_ += "\x80\x01\x00"s + static_cast<char>(type);
    return Text(method).Number(0, 4);
  }
  Bytes& Field(int type, int id) {
    text_ += static_cast<char>(type);
    return Number(id, 2);
  }
  Bytes& String(int id, std::string_view text) { return Field(11, id).Text(text); }
  Bytes& I32(int id, std::int64_t value) { return Field(8, id).Number(value, 4); }
  Bytes& I64(int id, std::int64_t value) { return Field(10, id).Number(value, 8); }
  Bytes& List(int id, int element, std::int64_t size) {
    Field(15, id);
    text_ += static_cast<char>(element);
    return Number(size, 4);
  }
  Bytes& Process(std::string_view service) { return Field(12, 1).String(1, service).Stop(); }
  // The required fields of a span but its end.
  Bytes& Span(std::int64_t trace, std::int64_t span, std::int64_t start = 5,
              std::int64_t duration = 7) {
    return I64(1, trace)
        .I64(2, 0)
        .I64(3, span)
        .I64(4, 0)
        .String(5, "op")
        .I32(7, 1)
        .I64(8, start)
        .I64(9, duration);
  }
  Bytes& Stop() {
    text_ += '\0';
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  Bytes& Text(std::string_view text) {
    Number(static_cast<std::int64_t>(text.size()), 4);
    text_ += text;
    return *this;
  }
  Bytes& Number(std::int64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
      text_ += static_cast<char>(value >> shift);
    return *this;
  }
  std::string text_;
};

Result<model::DecodeReport> Decode(const Bytes& bytes, SpanBatch& out,
                                   JaegerThriftShape shape = JaegerThriftShape::kBatch,
                                   std::vector<JaegerBatchInfo>* infos = nullptr) {
  return DecodeJaegerThrift(bytes.text(), ThriftProtocol::kBinary, shape, out, infos);
}

std::string ErrorOf(const Bytes& bytes, JaegerThriftShape shape = JaegerThriftShape::kBatch) {
  SpanBatch out;
  const auto report = Decode(bytes, out, shape);
  EXPECT_TRUE(out.spans.empty());
  return report.has_value() ? "" : report.error().message();
}

TEST(JaegerThrift, TakesAProcessBehindItsSpans) {
  Bytes bytes;
  bytes.List(2, 12, 1).Span(1, 2).Stop().Process("late").Stop();
  SpanBatch out;
  const auto report = Decode(bytes, out);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(ServiceOf(out, out.spans[0]), "late");
  EXPECT_EQ(out.spans[0].start_ns, 5000U);
  EXPECT_EQ(out.spans[0].duration_ns, 7000U);
}

TEST(JaegerThrift, TellsTheClientsCounts) {
  Bytes bytes;
  bytes.Header("emitBatch").Field(12, 1);
  bytes.Field(12, 1).String(1, "shop").List(2, 12, 1);
  bytes.String(1, "client-uuid").I32(2, 0).String(3, "abc").Stop().Stop();
  bytes.List(2, 12, 0).I64(3, 42);
  bytes.Field(12, 4).I64(1, 10).I64(2, 20).I64(3, 30).Stop().Stop().Stop();
  SpanBatch out;
  std::vector<JaegerBatchInfo> infos;
  const auto report = Decode(bytes, out, JaegerThriftShape::kMessage, &infos);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_TRUE(out.empty());
  ASSERT_EQ(infos.size(), 1U);
  EXPECT_EQ(infos[0].client, "abc");
  EXPECT_EQ(infos[0].number, 42);
  ASSERT_TRUE(infos[0].stats.has_value());
  EXPECT_EQ(infos[0].stats->full_queue, 10);
  EXPECT_EQ(infos[0].stats->too_large, 20);
  EXPECT_EQ(infos[0].stats->failed_to_emit, 30);
}

TEST(JaegerThrift, KeepsTheGoodSpansOfABatch) {
  Bytes bytes;
  bytes.Process("shop").List(2, 12, 7);
  bytes.Span(0, 2).Stop();
  bytes.Span(1, 0).Stop();
  bytes.Span(1, 2, -1).Stop();
  bytes.Span(1, 2, 5, INT64_MAX).Stop();
  bytes.Span(1, 2).List(11, 12, 1).I64(1, -9).List(2, 12, 0).Stop().Stop();
  bytes.Span(1, 2).List(6, 12, 1).I32(1, 9).I64(2, 1).I64(3, 0).I64(4, 1).Stop().Stop();
  bytes.Span(1, 2, 0, -7).Stop();  // a negative duration is kept as it was sent
  bytes.Stop();
  SpanBatch out;
  const auto report = Decode(bytes, out);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->accepted, 1U);
  EXPECT_EQ(report->rejected, 6U);
  EXPECT_EQ(report->rejected_roots, 5U);  // one has a reference
  EXPECT_EQ(report->reasons.size(), 6U);
  EXPECT_EQ(report->first_error, "span 1: its trace id is all zeros");
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(static_cast<std::int64_t>(out.spans[0].duration_ns), -7000);
  EXPECT_TRUE(out.events.empty() && out.references.empty());
}

// A parent that no reference names is one in front; any reference to it will do.
TEST(JaegerThrift, TakesTheParentFieldAsJaegerDoes) {
  Bytes bytes;
  bytes.Process("shop").List(2, 12, 3);
  const auto span = [&](std::int64_t parent) {
    bytes.I64(1, 1).I64(2, 0).I64(3, 2).I64(4, parent).String(5, "").I32(7, 0).I64(8, 0).I64(9, 0);
  };
  const auto reference = [&](int type, std::int64_t trace, std::int64_t id) {
    bytes.I32(1, type).I64(2, trace).I64(3, 0).I64(4, id).Stop();
  };
  span(8);
  bytes.List(6, 12, 1);
  reference(1, 1, 9);
  bytes.Stop();
  span(9);
  bytes.List(6, 12, 1);
  reference(1, 1, 9);
  bytes.Stop();
  span(9);
  bytes.List(6, 12, 2);
  reference(0, 7, 9);
  reference(0, 1, 9);
  bytes.Stop().Stop();
  SpanBatch out;
  ASSERT_TRUE(Decode(bytes, out).has_value());
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out.spans[0].parent_id.value, 8U);
  EXPECT_EQ(out.spans[0].parent_position, 0U);
  EXPECT_EQ(out.spans[0].references.count, 1U);
  EXPECT_TRUE(out.spans[1].parent_id.empty());
  EXPECT_EQ(out.references[out.spans[1].references.begin].type, ReferenceType::kFollowsFrom);
  EXPECT_EQ(out.spans[2].parent_id.value, 9U);
  EXPECT_EQ(out.spans[2].parent_position, 1U);
}

TEST(JaegerThrift, KeepsATagOfAnUnknownTypeAsText) {
  Bytes bytes;
  bytes.Process("shop").List(2, 12, 1).Span(1, 2).List(10, 12, 1);
  bytes.String(1, "key").I32(2, 77).String(3, "lost").Stop().Stop().Stop();
  SpanBatch out;
  ASSERT_TRUE(Decode(bytes, out).has_value());
  ASSERT_EQ(out.size(), 1U);
  const auto* tag = FindString(out, out.spans[0].attributes, "key");
  ASSERT_NE(tag, nullptr);
  EXPECT_EQ(out.text(static_cast<model::StringId>(tag->bits)), "Unknown VType: 77");
}

TEST(JaegerThrift, NamesWhatIsWrongWithAMessage) {
  EXPECT_EQ(ErrorOf(Bytes()), "not Thrift: a struct doesn't end at byte 0");
  EXPECT_EQ(ErrorOf(Bytes().Stop()), "not Thrift: a batch lacks its process or spans at byte 1");
  EXPECT_EQ(ErrorOf(Bytes().Field(12, 1).Stop()),
            "not Thrift: a process lacks its service name at byte 4");
  EXPECT_EQ(ErrorOf(Bytes().Process("x").List(2, 12, 1).I64(1, 1).Stop()),
            "not Thrift: a span lacks a required field at byte 32");
  EXPECT_EQ(ErrorOf(Bytes().Process("x").List(2, 12, 1'000'000'000)),
            "not Thrift: a list announces more than is left at byte 20");
  EXPECT_EQ(ErrorOf(Bytes().Header("emitSpans").Stop(), JaegerThriftShape::kMessage),
            "the Thrift message calls neither emitBatch nor submitBatches");
  EXPECT_EQ(ErrorOf(Bytes().Header("emitBatch", 2).Stop(), JaegerThriftShape::kMessage),
            "the Thrift message is no call");
}

TEST(JaegerThrift, TakesMessagesWithoutBatches) {
  EXPECT_EQ(ErrorOf(Bytes().Header("emitBatch").Stop(), JaegerThriftShape::kMessage), "");
  EXPECT_EQ(ErrorOf(Bytes().List(1, 12, 0).Stop(), JaegerThriftShape::kArguments), "");
  EXPECT_EQ(ErrorOf(Bytes().Process("x").List(2, 0, 0).Stop()), "");
}

TEST(JaegerThrift, RefusesWhatIsTooLong) {
  SpanBatch out;
  const auto report =
      DecodeJaegerThrift("12345", ThriftProtocol::kBinary, JaegerThriftShape::kBatch, out, nullptr,
                         {.max_message_bytes = 4});
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().message(), "Jaeger Thrift of 5 bytes is longer than the limit of 4");
}

}  // namespace
}  // namespace tracestore::codec
