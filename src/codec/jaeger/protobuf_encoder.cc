#include "codec/jaeger/protobuf_encoder.h"

#include "base/bytes.h"
#include "codec/jaeger/jaeger_fields.h"
#include "codec/jaeger/jaeger_view.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

namespace field = jaeger_field;
using model::SpanBatch;
using model::SpanRecord;

constexpr std::int64_t kNanos = 1'000'000'000;

class Encoder {
 public:
  Encoder(const SpanBatch& batch, std::string& out) : batch_(batch), view_(batch), wire_(out) {}

  void Run(std::span<const std::uint32_t> rows) {
    const std::size_t begin = wire_.Begin(field::kRequestBatch);
    if (!rows.empty()) {
      const std::uint32_t common = batch_.spans[rows[0]].resource;
      for (const std::uint32_t row : rows) WriteSpan(batch_.spans[row], common);
      WriteProcess(field::kBatchProcess, batch_.resources[common]);
    }
    wire_.End(begin);
  }

 private:
  void WriteId(std::uint32_t number, TraceId id) {
    char bytes[16];
    base::StoreLe(bytes, __builtin_bswap64(id.high));
    base::StoreLe(bytes + 8, __builtin_bswap64(id.low));
    wire_.BytesAlways(number, {bytes, sizeof bytes});
  }
  void WriteId(std::uint32_t number, SpanId id) {
    char bytes[8];
    base::StoreLe(bytes, __builtin_bswap64(id.value));
    wire_.BytesAlways(number, {bytes, sizeof bytes});
  }
  // A Timestamp or Duration; both parts have the sign of the whole.
  void WriteTime(std::uint32_t number, std::int64_t seconds, std::int64_t nanos) {
    const std::size_t begin = wire_.Begin(number);
    wire_.Uint(field::kTimeSeconds, static_cast<std::uint64_t>(seconds));
    wire_.Uint(field::kTimeNanos, static_cast<std::uint64_t>(nanos));
    wire_.End(begin);
  }
  void WriteTimestamp(std::uint32_t number, std::uint64_t ns) {
    WriteTime(number, static_cast<std::int64_t>(ns / kNanos),
              static_cast<std::int64_t>(ns % kNanos));
  }

  void WriteTag(std::uint32_t number, const JaegerTag& tag) {
    const std::size_t begin = wire_.Begin(number);
    wire_.Bytes(field::kTagKey, tag.key);
    switch (tag.type) {
      case ValueType::kBool:
        wire_.Uint(field::kTagType, field::kBool);
        wire_.Uint(field::kTagBool, tag.bits);
        break;
      case ValueType::kInt:
        wire_.Uint(field::kTagType, field::kInt64);
        wire_.Uint(field::kTagInt, tag.bits);
        break;
      case ValueType::kDouble:
        wire_.Uint(field::kTagType, field::kFloat64);
        wire_.Fixed64(field::kTagDouble, tag.bits);
        break;
      case ValueType::kBytes:
        wire_.Uint(field::kTagType, field::kBinary);
        wire_.Bytes(field::kTagBinary, tag.text);
        break;
      default: wire_.Bytes(field::kTagString, tag.text);
    }
    wire_.End(begin);
  }

  void WriteProcess(std::uint32_t number, const model::ResourceRecord& resource) {
    const std::size_t begin = wire_.Begin(number);
    wire_.Bytes(field::kProcessServiceName, view_.ServiceName(resource));
    view_.ProcessTags(resource, [&](const JaegerTag& tag) { WriteTag(field::kProcessTags, tag); });
    wire_.End(begin);
  }

  void WriteSpan(const SpanRecord& span, std::uint32_t common) {
    const std::size_t begin = wire_.Begin(field::kBatchSpans);
    WriteId(field::kSpanTraceId, span.trace_id);
    WriteId(field::kSpanSpanId, span.span_id);
    wire_.Bytes(field::kSpanOperationName, batch_.text(span.name));
    view_.References(span, [&](bool child_of, TraceId trace_id, SpanId span_id) {
      const std::size_t reference = wire_.Begin(field::kSpanReferences);
      WriteId(field::kRefTraceId, trace_id);
      WriteId(field::kRefSpanId, span_id);
      wire_.Uint(field::kRefType, child_of ? 0 : 1);
      wire_.End(reference);
    });
    wire_.Uint(field::kSpanFlags, view_.Flags(span));
    WriteTimestamp(field::kSpanStartTime, view_.StartNs(span));
    const std::int64_t duration = view_.DurationNs(span);
    WriteTime(field::kSpanDuration, duration / kNanos, duration % kNanos);
    view_.SpanTags(span, [&](const JaegerTag& tag) { WriteTag(field::kSpanTags, tag); });
    for (std::uint32_t i = 0; i < span.events.count; ++i)
      WriteLog(span, batch_.events[span.events.begin + i]);
    if (span.resource != common) WriteProcess(field::kSpanProcess, batch_.resources[span.resource]);
    view_.Warnings(span,
                   [&](std::string_view text) { wire_.BytesAlways(field::kSpanWarnings, text); });
    wire_.End(begin);
  }

  void WriteLog(const SpanRecord& span, const model::EventRecord& event) {
    const std::size_t begin = wire_.Begin(field::kSpanLogs);
    WriteTimestamp(field::kLogTimestamp, event.time_ns);
    view_.LogFields(span, event, [&](const JaegerTag& tag) { WriteTag(field::kLogFields, tag); });
    wire_.End(begin);
  }

  const SpanBatch& batch_;
  const JaegerView view_;
  WireWriter wire_;
};

}  // namespace

void EncodeJaegerProtobuf(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                          std::string& out) {
  Encoder(batch, out).Run(rows);
}

}  // namespace tracestore::codec
