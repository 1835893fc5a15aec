#include "codec/detect/any_format.h"

#include <unordered_map>

#include "base/id_hash.h"
#include "base/try.h"
#include "codec/detect/detect_format.h"
#if defined(TRACESTORE_HAS_JAEGER) || defined(TRACESTORE_HAS_ZIPKIN)
#include "codec/json/json_writer.h"
#endif
#ifdef TRACESTORE_HAS_JAEGER
#include "codec/jaeger/jaeger_json.h"
#include "codec/jaeger/protobuf_decoder.h"
#include "codec/jaeger/protobuf_encoder.h"
#include "codec/jaeger/thrift_decoder.h"
#ifdef TRACESTORE_HAS_THRIFT
#include "codec/jaeger/thrift_encoder.h"
#endif
#endif
#ifdef TRACESTORE_HAS_OTLP
#include "codec/otlp/json_decoder.h"
#include "codec/otlp/json_encoder.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#endif
#ifdef TRACESTORE_HAS_ZIPKIN
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_proto.h"
#include "codec/zipkin/zipkin_v1_json.h"
#include "codec/zipkin/zipkin_v1_thrift.h"
#endif

namespace tracestore::codec {
namespace {

using Traces = std::span<const std::vector<std::uint32_t>>;

Error NoCodec(Format format) {
  return Error(ErrorCode::kUnsupported,
               std::string("this build has no codec for ") + FormatName(format));
}

#if defined(TRACESTORE_HAS_OTLP) || defined(TRACESTORE_HAS_ZIPKIN) || defined(TRACESTORE_HAS_JAEGER)
std::vector<std::uint32_t> AllRows(Traces traces) {
  std::vector<std::uint32_t> rows;
  for (const auto& trace : traces) rows.insert(rows.end(), trace.begin(), trace.end());
  return rows;
}
#endif

#ifdef TRACESTORE_HAS_JAEGER
// Which of the forms that are told as Jaeger's Thrift the content is, by its first byte.
Result<model::DecodeReport> DecodeAnyJaegerThrift(std::string_view content, model::SpanBatch& out,
                                                  const StopWhen* stop) {
  const auto first = static_cast<std::uint8_t>(content.empty() ? '\0' : content[0]);
  const bool compact = first == 0x82 || first == 0x1C;
  const bool call = first == 0x82 || first == 0x80;
  return DecodeJaegerThrift(content, compact ? ThriftProtocol::kCompact : ThriftProtocol::kBinary,
                            call ? JaegerThriftShape::kMessage : JaegerThriftShape::kBatch, out,
                            nullptr, {.max_message_bytes = kMaxContentBytes, .stop = stop});
}

void EncodeJaeger(const model::SpanBatch& batch, Traces traces, std::string& out) {
  JsonWriter writer(out);
  writer.BeginObject();
  writer.Key("data");
  writer.BeginArray();
  for (const auto& rows : traces) WriteJaegerTrace(batch, rows, {}, writer);
  writer.EndArray();
  for (const char* key : {"total", "limit", "offset"}) {
    writer.Key(key);
    writer.Int(0);
  }
  writer.Key("errors");
  writer.Null();
  writer.EndObject();
}
#endif

#ifdef TRACESTORE_HAS_ZIPKIN
void EncodeZipkin(const model::SpanBatch& batch, Traces traces, std::string& out) {
  JsonWriter writer(out);
  writer.BeginArray();
  for (const auto& rows : traces)
    for (const std::uint32_t row : rows) WriteZipkinSpan(batch, row, writer);
  writer.EndArray();
}
#endif

}  // namespace

Result<model::DecodeReport> DecodeAny(std::string_view content, std::optional<Format> format,
                                      [[maybe_unused]] model::SpanBatch& out,
                                      [[maybe_unused]] const StopWhen* stop) {
  if (content.size() > kMaxContentBytes) {
    return Error(ErrorCode::kInvalidArgument,
                 "content of " + std::to_string(content.size()) + " bytes is longer than " +
                     std::to_string(kMaxContentBytes));
  }
  if (!format) {
    TS_TRY_ASSIGN(format, DetectFormat(content));
  }
#ifdef TRACESTORE_HAS_OTLP
  const OtlpLimits otlp{.max_message_bytes = kMaxContentBytes, .stop = stop};
#endif
  switch (*format) {
#ifdef TRACESTORE_HAS_OTLP
    case Format::kOtlpProtobuf: return DecodeOtlpProtobuf(content, out, otlp);
    case Format::kOtlpJson: return DecodeOtlpJson(content, out, otlp);
    case Format::kOtlpJsonLines: return DecodeOtlpJsonLines(content, out, otlp);
#endif
#ifdef TRACESTORE_HAS_JAEGER
    case Format::kJaegerJson: return DecodeJaegerJson(content, out, stop);
    case Format::kJaegerThrift: return DecodeAnyJaegerThrift(content, out, stop);
    case Format::kJaegerProtobuf:
      return DecodeJaegerProtobuf(content, out,
                                  {.max_message_bytes = kMaxContentBytes, .stop = stop});
#endif
#ifdef TRACESTORE_HAS_ZIPKIN
    case Format::kZipkinJson: return DecodeZipkinJson(content, out, {.stop = stop});
    case Format::kZipkinProtobuf: return DecodeZipkinProtobuf(content, out, {.stop = stop});
    case Format::kZipkinV1Json: return DecodeZipkinV1Json(content, out, {.stop = stop});
    case Format::kZipkinV1Thrift: return DecodeZipkinV1Thrift(content, out, {.stop = stop});
#endif
    default: return NoCodec(*format);
  }
}

std::vector<std::vector<std::uint32_t>> GroupByTrace(const model::SpanBatch& batch) {
  std::unordered_map<TraceId, std::size_t, base::TraceIdHash> known;
  std::vector<std::vector<std::uint32_t>> traces;
  for (std::uint32_t row = 0; row < batch.size(); ++row) {
    const auto [it, added] = known.try_emplace(batch.spans[row].trace_id, traces.size());
    if (added) traces.emplace_back();
    traces[it->second].push_back(row);
  }
  return traces;
}

Status EncodeAny([[maybe_unused]] const model::SpanBatch& batch, [[maybe_unused]] Traces traces,
                 Format format, [[maybe_unused]] std::string& out) {
  switch (format) {
#ifdef TRACESTORE_HAS_OTLP
    case Format::kOtlpProtobuf:
      EncodeOtlpProtobuf(batch, AllRows(traces), out);
      return {};
    case Format::kOtlpJson:
      EncodeOtlpJson(batch, AllRows(traces), out);
      return {};
    case Format::kOtlpJsonLines:
      for (const auto& rows : traces) {
        EncodeOtlpJson(batch, rows, out);
        out += '\n';
      }
      return {};
#endif
#ifdef TRACESTORE_HAS_JAEGER
    case Format::kJaegerJson:
      EncodeJaeger(batch, traces, out);
      return {};
    case Format::kJaegerProtobuf:
      EncodeJaegerProtobuf(batch, AllRows(traces), out);
      return {};
#ifdef TRACESTORE_HAS_THRIFT
    case Format::kJaegerThrift:
      return EncodeSubmitBatches(batch, AllRows(traces), ThriftProtocol::kBinary, true, out);
#endif
#endif
#ifdef TRACESTORE_HAS_ZIPKIN
    case Format::kZipkinJson:
      EncodeZipkin(batch, traces, out);
      return {};
    case Format::kZipkinProtobuf:
      EncodeZipkinProtobuf(batch, AllRows(traces), out);
      return {};
    case Format::kZipkinV1Json:
      EncodeZipkinV1Json(batch, AllRows(traces), out);
      return {};
    case Format::kZipkinV1Thrift:
      EncodeZipkinV1Thrift(batch, AllRows(traces), out);
      return {};
#endif
    default: return NoCodec(format);
  }
}

}  // namespace tracestore::codec
