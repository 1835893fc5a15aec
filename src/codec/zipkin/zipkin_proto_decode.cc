#include <string>
#include <utility>

#include "base/stop.h"
#include "codec/wire/wire_reader.h"
#include "codec/zipkin/zipkin_proto.h"
#include "codec/zipkin/zipkin_proto_fields.h"
#include "codec/zipkin/zipkin_span.h"

namespace tracestore::codec {
namespace {

namespace field = zipkin_field;
using model::SpanBatch;

constexpr std::string_view kReading = " reading List<Span> from proto3";

// Whether to go on. kRefuse: this span breaks a rule, told in refusal_. kMalformed: the message
// can't be read on, told in problem_.
enum class Step : std::uint8_t { kGoOn, kRefuse, kMalformed };

// Big-endian bytes, up to 16 of them.
TraceId IdOf(std::string_view bytes) {
  TraceId id;
  for (const char byte : bytes) {
    id.high = id.high << 8 | id.low >> 56;
    id.low = id.low << 8 | static_cast<std::uint8_t>(byte);
  }
  return id;
}

class Decoder {
 public:
  Decoder(std::string_view message, SpanBatch& out, const ZipkinProtoOptions& options)
      : message_(message), appender_(out), strict_(options.strict), stop_(options.stop) {}

  Result<model::DecodeReport> Run();

 private:
  Step Malformed(const WireReader& reader) {
    problem_ = reader.problem();
    problem_at_ = reader.problem_at();
    return Step::kMalformed;
  }
  Step Done(const WireReader& reader) { return reader.ok() ? Step::kGoOn : Malformed(reader); }
  Step Refuse(std::string reason, std::string sentence, std::string zipkin) {
    refusal_ = {std::move(reason), std::move(sentence), std::move(zipkin)};
    return Step::kRefuse;
  }

  Step ReadSpan(std::string_view message);
  Step ReadField(WireReader& reader);
  // An endpoint as it stands in its fields.
  struct RawEndpoint {
    std::string_view service, ipv4, ipv6;
    std::int32_t port = 0;
  };
  Step ReadEndpoint(std::string_view message, RawEndpoint& out);
  Step ReadAnnotation(std::string_view message);
  Step ReadTag(std::string_view message);
  Step CheckSpan();
  Step CheckIds();
  Step CheckId(std::string_view bytes, const char* what, const char* name, std::size_t most,
               TraceId& out);
  Step CheckTime(std::uint64_t value, const char* what, std::uint64_t& out);
  Step CheckEndpoint(const RawEndpoint& in, ZipkinEndpoint& out);

  std::string_view message_;
  ZipkinAppender appender_;
  bool strict_;
  ZipkinSpan span_;
  // Of the span: what is checked once all is read, because of a field told twice the last counts.
  struct Raw {
    std::string_view trace_id, parent_id, id;
    std::uint64_t timestamp = 0, duration = 0;
    RawEndpoint local, remote;
  } raw_;
  std::uint64_t index_ = 0;
  StopCheck stop_;
  model::DecodeReport report_;
  ZipkinRefusal refusal_;
  const char* problem_ = nullptr;
  const char* problem_at_ = nullptr;
};

Step Decoder::CheckId(std::string_view bytes, const char* what, const char* name, std::size_t most,
                      TraceId& out) {
  if (bytes.size() <= most) {
    out = IdOf(bytes);
    return Step::kGoOn;
  }
  const std::string reason =
      std::string(what) + " is longer than " + std::to_string(most) + " bytes";
  return Refuse(reason, reason, std::string(name) + ".length > " + std::to_string(most * 2));
}

// Signed on the wire: what is negative is absent.
Step Decoder::CheckTime(std::uint64_t value, const char* what, std::uint64_t& out) {
  if (static_cast<std::int64_t>(value) < 0) value = 0;
  out = value;
  if (value <= kMaxZipkinMicros) return Step::kGoOn;
  const std::string text = std::to_string(value);
  return Refuse(std::string(what) + " is no number of microseconds",
                std::string(what) + " '" + text + "' is no number of microseconds",
                "For input string: \"" + text + "\"");
}

Step Decoder::CheckEndpoint(const RawEndpoint& in, ZipkinEndpoint& out) {
  if (in.port > 0xFFFF) {
    const std::string text = std::to_string(in.port);
    return Refuse("port is no number up to 65535", "port '" + text + "' is no number up to 65535",
                  "invalid port " + text);
  }
  out.SetService(in.service);
  out.SetAddressBytes(in.ipv4);
  out.SetAddressBytes(in.ipv6);
  out.port = static_cast<std::uint16_t>(in.port < 0 ? 0 : in.port);
  return Step::kGoOn;
}

// Of an endpoint in several parts each adds to the one before.
Step Decoder::ReadEndpoint(std::string_view message, RawEndpoint& out) {
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kEndpointServiceName, kWireBytes): out.service = reader.Bytes(); break;
      case WireTag(field::kEndpointIpv4, kWireBytes): out.ipv4 = reader.Bytes(); break;
      case WireTag(field::kEndpointIpv6, kWireBytes): out.ipv6 = reader.Bytes(); break;
      case WireTag(field::kEndpointPort, kWireVarint):
        out.port = static_cast<std::int32_t>(reader.Varint());
        break;
      default: reader.Skip();
    }
  }
  return Done(reader);
}

Step Decoder::ReadAnnotation(std::string_view message) {
  ZipkinAnnotation annotation;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kAnnotationTimestamp, kWireFixed64):
        annotation.timestamp_us = reader.Fixed64();
        break;
      case WireTag(field::kAnnotationValue, kWireBytes): annotation.value = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  if (!reader.ok()) return Malformed(reader);
  const Step step =
      CheckTime(annotation.timestamp_us, "annotation timestamp", annotation.timestamp_us);
  if (step == Step::kGoOn) span_.annotations.push_back(annotation);
  return step;
}

Step Decoder::ReadTag(std::string_view message) {
  ZipkinTag tag;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kTagKey, kWireBytes): tag.key = reader.Bytes(); break;
      case WireTag(field::kTagValue, kWireBytes): tag.value = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  span_.tags.push_back(tag);
  return Done(reader);
}

SpanKind KindOf(std::uint64_t kind) {
  switch (kind) {
    case field::kKindClient: return SpanKind::kClient;
    case field::kKindServer: return SpanKind::kServer;
    case field::kKindProducer: return SpanKind::kProducer;
    case field::kKindConsumer: return SpanKind::kConsumer;
    default: return SpanKind::kUnspecified;
  }
}

// The field that the reader has just met.
Step Decoder::ReadField(WireReader& reader) {
  switch (reader.tag()) {
    case WireTag(field::kSpanTraceId, kWireBytes): raw_.trace_id = reader.Bytes(); break;
    case WireTag(field::kSpanParentId, kWireBytes): raw_.parent_id = reader.Bytes(); break;
    case WireTag(field::kSpanId, kWireBytes): raw_.id = reader.Bytes(); break;
    case WireTag(field::kSpanKind, kWireVarint): span_.kind = KindOf(reader.Varint()); break;
    case WireTag(field::kSpanName, kWireBytes): span_.name = reader.Bytes(); break;
    case WireTag(field::kSpanTimestamp, kWireFixed64): raw_.timestamp = reader.Fixed64(); break;
    case WireTag(field::kSpanDuration, kWireVarint): raw_.duration = reader.Varint(); break;
    case WireTag(field::kSpanLocalEndpoint, kWireBytes):
      return ReadEndpoint(reader.Bytes(), raw_.local);
    case WireTag(field::kSpanRemoteEndpoint, kWireBytes):
      return ReadEndpoint(reader.Bytes(), raw_.remote);
    case WireTag(field::kSpanAnnotations, kWireBytes): return ReadAnnotation(reader.Bytes());
    case WireTag(field::kSpanTags, kWireBytes): return ReadTag(reader.Bytes());
    case WireTag(field::kSpanDebug, kWireVarint): span_.debug = reader.Varint() != 0; break;
    case WireTag(field::kSpanShared, kWireVarint): span_.shared = reader.Varint() != 0; break;
    default: reader.Skip();
  }
  return Step::kGoOn;
}

Step Decoder::CheckIds() {
  if (raw_.trace_id.empty() || raw_.id.empty()) {
    const std::string missing =
        std::string(raw_.trace_id.empty() ? " traceId" : "") + (raw_.id.empty() ? " id" : "");
    // Zipkin takes a field that is there and empty for a null.
    const bool null_trace_id = raw_.trace_id.empty() && raw_.trace_id.data() != nullptr;
    const bool null_id = raw_.id.empty() && raw_.id.data() != nullptr;
    return Refuse("span without" + missing, "it is without" + missing,
                  null_trace_id ? "traceId == null"
                  : null_id     ? "id == null"
                                : "Missing :" + missing);
  }
  TraceId id;
  Step step = CheckId(raw_.trace_id, "trace id", "traceId", 16, span_.trace_id);
  if (step == Step::kGoOn) step = CheckId(raw_.parent_id, "parent id", "parentId", 8, id);
  span_.parent_id = {id.low};
  if (step == Step::kGoOn) step = CheckId(raw_.id, "span id", "id", 8, id);
  span_.id = {id.low};
  if (step != Step::kGoOn) return step;
  if (span_.trace_id.empty())
    return Refuse("trace id is all zeros", "its trace id is all zeros", "traceId is all zeros");
  if (span_.id.empty())
    return Refuse("span id is all zeros", "its span id is all zeros", "id is all zeros");
  return Step::kGoOn;
}

Step Decoder::CheckSpan() {
  Step step = CheckIds();
  if (step == Step::kGoOn) step = CheckTime(raw_.timestamp, "timestamp", span_.timestamp_us);
  if (step == Step::kGoOn) step = CheckTime(raw_.duration, "duration", span_.duration_us);
  if (step == Step::kGoOn) step = CheckEndpoint(raw_.local, span_.local);
  if (step == Step::kGoOn) step = CheckEndpoint(raw_.remote, span_.remote);
  return step;
}

// The whole span is scanned even where it is refused: bytes that are no protobuf refuse the
// message.
Step Decoder::ReadSpan(std::string_view message) {
  span_.Clear();
  raw_ = {};
  Step outcome = Step::kGoOn;
  ZipkinRefusal first;
  WireReader reader(message);
  while (reader.Next()) {
    const Step step = ReadField(reader);
    if (step == Step::kMalformed) return step;
    if (step == Step::kRefuse && outcome == Step::kGoOn) {
      outcome = step;
      first = refusal_;
    }
  }
  if (!reader.ok()) return Malformed(reader);
  const Step checked = CheckSpan();
  if (checked == Step::kRefuse || outcome == Step::kGoOn) return checked;
  refusal_ = std::move(first);
  return outcome;
}

Result<model::DecodeReport> Decoder::Run() {
  WireReader reader(message_);
  while (problem_ == nullptr && reader.Next()) {
    if (stop_.Step()) return stop_.status().error();
    if (reader.tag() != WireTag(field::kListSpans, kWireBytes)) {
      reader.Skip();
      continue;
    }
    const std::string_view message = reader.Bytes();
    if (!reader.ok()) break;
    if (message.empty() && strict_) continue;  // Zipkin passes over it
    const Step step = ReadSpan(message);
    if (step == Step::kGoOn) {
      appender_.Append(span_);
      ++report_.accepted;
    } else if (step == Step::kRefuse) {
      if (strict_)
        return Error(ErrorCode::kInvalidArgument, refusal_.zipkin + std::string(kReading));
      report_.Reject(refusal_.reason, NameZipkinSpan(index_, span_.trace_id, refusal_.sentence));
    }
    ++index_;
  }
  if (!reader.ok()) Malformed(reader);
  if (problem_ == nullptr) return std::move(report_);
  if (strict_) return Error(ErrorCode::kInvalidArgument, "Malformed" + std::string(kReading));
  return Error(ErrorCode::kInvalidArgument, "Zipkin message is malformed at byte " +
                                                std::to_string(problem_at_ - message_.data()) +
                                                " of " + std::to_string(message_.size()) + ": " +
                                                problem_);
}

}  // namespace

Result<model::DecodeReport> DecodeZipkinProtobuf(std::string_view message, SpanBatch& out,
                                                 const ZipkinProtoOptions& options) {
  if (message.size() > options.max_message_bytes) {
    return Error(ErrorCode::kInvalidArgument, "Zipkin message of " +
                                                  std::to_string(message.size()) +
                                                  " bytes is longer than the limit of " +
                                                  std::to_string(options.max_message_bytes));
  }
  const auto mark = out.mark();
  auto result = Decoder(message, out, options).Run();
  if (!result.has_value()) out.Rollback(mark);
  return result;
}

}  // namespace tracestore::codec
