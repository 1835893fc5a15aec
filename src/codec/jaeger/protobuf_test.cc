#include <gtest/gtest.h>

#include <string>

#include "codec/jaeger/jaeger_fields.h"
#include "codec/jaeger/protobuf_decoder.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

namespace field = jaeger_field;
using model::SpanBatch;

constexpr std::string_view kTrace = "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20";
constexpr std::string_view kSpan = "abcdefgh";

std::string Span(std::string_view trace, std::string_view span, std::string_view rest = "") {
  std::string out;
  WireWriter wire(out);
  wire.Bytes(field::kSpanTraceId, trace);
  wire.Bytes(field::kSpanSpanId, span);
  wire.Raw(rest);
  return out;
}

std::string Process(std::string_view service) {
  std::string out;
  WireWriter(out).Bytes(field::kProcessServiceName, service);
  return out;
}

std::string Time(std::uint32_t number, std::uint64_t seconds, std::uint64_t nanos) {
  std::string out;
  WireWriter wire(out);
  const auto begin = wire.Begin(number);
  wire.Uint(field::kTimeSeconds, seconds);
  wire.Uint(field::kTimeNanos, nanos);
  wire.End(begin);
  return out;
}

std::string Request(const std::vector<std::string>& spans, std::string_view process) {
  std::string out;
  WireWriter wire(out);
  const auto begin = wire.Begin(field::kRequestBatch);
  for (const std::string& span : spans) wire.BytesAlways(field::kBatchSpans, span);
  wire.Bytes(field::kBatchProcess, process);
  wire.End(begin);
  return out;
}

std::string InField(std::uint32_t number, std::string_view message) {
  std::string out;
  WireWriter(out).BytesAlways(number, message);
  return out;
}

TEST(JaegerProtobuf, ASpansOwnProcessCountsBeforeTheBatchs) {
  SpanBatch out;
  const auto report = DecodeJaegerProtobuf(
      Request(
          {Span(kTrace, kSpan), Span(kTrace, kSpan, InField(field::kSpanProcess, Process("own"))),
           Span(kTrace, kSpan, InField(field::kSpanProcess, Process("own"))),
           Span(kTrace, kSpan, InField(field::kSpanProcess, ""))},
          Process("common")),
      out);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  ASSERT_EQ(out.size(), 4U);
  EXPECT_EQ(ServiceOf(out, out.spans[0]), "common");
  EXPECT_EQ(ServiceOf(out, out.spans[1]), "own");
  EXPECT_EQ(out.spans[1].resource, out.spans[2].resource);
  EXPECT_EQ(ServiceOf(out, out.spans[3]), "");
}

TEST(JaegerProtobuf, KeepsTheGoodSpansOfABatch) {
  constexpr auto kMinus = ~std::uint64_t{0};
  std::string bad_reference;
  WireWriter(bad_reference).Bytes(field::kRefTraceId, "short");
  std::string bad_type;
  WireWriter(bad_type).Uint(field::kRefType, 2);
  const std::string log = InField(field::kSpanLogs, Time(field::kLogTimestamp, kMinus, 0));
  SpanBatch out;
  const auto report = DecodeJaegerProtobuf(
      Request({Span("", kSpan), Span("short", kSpan), Span(kTrace, ""), Span(kTrace, "short"),
               Span(kTrace, kSpan, Time(field::kSpanStartTime, kMinus, 0)),
               Span(kTrace, kSpan, Time(field::kSpanDuration, 10'000'000'000, 0)),
               Span(kTrace, kSpan, log),
               Span(kTrace, kSpan, InField(field::kSpanReferences, bad_reference)),
               Span(kTrace, kSpan, InField(field::kSpanReferences, bad_type)),
               Span(kTrace, kSpan, Time(field::kSpanDuration, kMinus, kMinus))},
              Process("shop")),
      out);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->accepted, 1U);
  EXPECT_EQ(report->rejected, 9U);
  EXPECT_EQ(report->rejected_roots, 7U);  // two have a reference
  EXPECT_EQ(report->reasons.size(), 9U);
  EXPECT_EQ(report->first_error, "span 1: its trace id is all zeros");
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(static_cast<std::int64_t>(out.spans[0].duration_ns), -1'000'000'001);
}

// Messages of a stream, one behind the other.
TEST(JaegerProtobuf, ReadsSpansWithoutARequest) {
  std::string process;
  WireWriter(process).Bytes(field::kSpanProcess, Process("shop"));
  std::string message;
  WireWriter wire(message);
  wire.Bytes(field::kChunkSpans, Span(kTrace, kSpan, process));
  wire.Bytes(2, "not a process here");
  wire.Bytes(field::kChunkSpans, Span("short", kSpan));
  wire.Bytes(field::kChunkSpans, Span(kTrace, kSpan, process));
  SpanBatch batch;
  const auto report = DecodeJaegerSpans(message, batch);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->accepted, 2u);
  EXPECT_EQ(report->rejected, 1u);
  EXPECT_EQ(report->first_error, "span 2: trace id is 5 bytes long, not 16");
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(model::ServiceOf(batch, batch.resources[batch.spans[1].resource]), "shop");
  message.pop_back();
  EXPECT_FALSE(DecodeJaegerSpans(message, batch).has_value());
  EXPECT_EQ(batch.size(), 2u);
  EXPECT_EQ(DecodeJaegerSpans("", batch)->accepted, 0u);
}

// Each span brings its own: equal ones are one resource, however many others stand between.
TEST(JaegerProtobuf, SpansShareEqualProcesses) {
  constexpr std::size_t kProcesses = 300, kTurns = 3;
  std::string message;
  WireWriter wire(message);
  for (std::size_t i = 0; i < kProcesses * kTurns; ++i) {
    std::string process;
    const std::string service = "shop-" + std::to_string(i % kProcesses);
    WireWriter(process).Bytes(field::kSpanProcess, Process(service));
    // A span that is refused leaves its process known.
    wire.Bytes(field::kChunkSpans, Span(i % 7 == 6 ? "short" : kTrace, kSpan, process));
  }
  SpanBatch batch;
  const auto report = DecodeJaegerSpans(message, batch);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->accepted + report->rejected, kProcesses * kTurns);
  EXPECT_EQ(report->rejected, kProcesses * kTurns / 7);
  EXPECT_EQ(batch.resources.size(), kProcesses + 1) << "and that of spans without one";
  std::size_t row = 0;
  for (std::size_t i = 0; i < kProcesses * kTurns; ++i) {
    if (i % 7 == 6) continue;
    ASSERT_LT(row, batch.size());
    EXPECT_EQ(model::ServiceOf(batch, batch.resources[batch.spans[row++].resource]),
              "shop-" + std::to_string(i % kProcesses));
  }
  EXPECT_EQ(row, batch.size());
}

TEST(JaegerProtobuf, NamesTheByteOfABreach) {
  SpanBatch out;
  const auto report = DecodeJaegerProtobuf("\x0A\x05\x0A\x03\x0A\x09x", out);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(
      report.error().message(),
      "Jaeger protobuf is malformed at byte 6 of 7: a field runs past the end of its message");
  EXPECT_TRUE(out.resources.empty());
}

TEST(JaegerProtobuf, TakesAnEmptyRequest) {
  SpanBatch out;
  for (const std::string_view message : {std::string_view(), std::string_view("\x0A\x00", 2)}) {
    const auto report = DecodeJaegerProtobuf(message, out);
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->accepted, 0U);
    EXPECT_TRUE(out.resources.empty() && out.scopes.empty());
  }
}

TEST(JaegerProtobuf, RefusesWhatIsTooLong) {
  SpanBatch out;
  const auto report = DecodeJaegerProtobuf("12345", out, {.max_message_bytes = 4});
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().message(), "Jaeger protobuf of 5 bytes is longer than the limit of 4");
}

}  // namespace
}  // namespace tracestore::codec
