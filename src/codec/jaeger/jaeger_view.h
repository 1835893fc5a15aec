// A span as Jaeger tells it, whatever format it came in: the conversions of Jaeger v1.76 in one
// place, for the encoders of JSON, Thrift and protobuf (docs/format/jaeger-json.md, "Conversion").
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/span_batch.h"
#include "model/text.h"

namespace tracestore::codec {

// What Jaeger calls a service without a name that came over OTLP or Zipkin.
inline constexpr std::string_view kNoServiceName = "OTLPResourceNoServiceName";

// Key and value of one of Jaeger's five types; `text` is of the batch or lives for the call only.
struct JaegerTag {
  std::string_view key;
  ValueType type = ValueType::kString;  // kString, kBool, kInt, kDouble, kBytes
  std::uint64_t bits = 0;               // kBool, kInt, kDouble (IEEE 754)
  std::string_view text;                // kString, kBytes
};

// Window on the spans of a batch. The batch must outlive it and not change. Threads: any.
class JaegerView {
 public:
  explicit JaegerView(const model::SpanBatch& batch) noexcept : batch_(batch) {}

  Origin OriginOf(const model::SpanRecord& span) const noexcept {
    return batch_.resources[span.resource].origin;
  }
  // OTLP's flags are W3C's: their bits beyond "sampled" mean other things than Jaeger's.
  std::uint32_t Flags(const model::SpanRecord& span) const noexcept {
    return OriginOf(span) == Origin::kOtlp ? 0 : span.flags;
  }
  std::uint64_t StartNs(const model::SpanRecord& span) const noexcept {
    return span.has_start() ? span.start_ns : 0;
  }
  // Negative only where a Jaeger client sent it so.
  std::int64_t DurationNs(const model::SpanRecord& span) const noexcept {
    const auto duration = span.has_duration() ? static_cast<std::int64_t>(span.duration_ns) : 0;
    return OriginOf(span) == Origin::kJaeger ? duration : std::max<std::int64_t>(duration, 0);
  }

  // What a process is called; "" for one of Jaeger's own without a name.
  std::string_view ServiceName(const model::ResourceRecord& resource) const noexcept;

  // emit(JaegerTag) for each tag, in order.
  template <typename Emit>
  void ProcessTags(const model::ResourceRecord& resource, Emit&& emit) const;
  template <typename Emit>
  void SpanTags(const model::SpanRecord& span, Emit&& emit) const;
  // The fields of a log; the first is `event` where the event's name is no field of its own.
  template <typename Emit>
  void LogFields(const model::SpanRecord& span, const model::EventRecord& event, Emit&& emit) const;
  // emit(std::string_view) for each warning that came with the span.
  template <typename Emit>
  void Warnings(const model::SpanRecord& span, Emit&& emit) const;
  // emit(bool child_of, TraceId, SpanId) for each reference, the parent in its place.
  template <typename Emit>
  void References(const model::SpanRecord& span, Emit&& emit) const;

  // Whether LogFields puts the event's name in front.
  bool NamesEvent(const model::SpanRecord& span, const model::EventRecord& event) const noexcept;

 private:
  template <typename Emit>
  void EmitAttribute(const model::Attribute& attribute, Emit& emit) const;
  template <typename Emit>
  void ConvertedTags(const model::SpanRecord& span, Origin origin, Emit& emit) const;
  const model::Attribute* ServiceAttribute(const model::ResourceRecord& resource) const noexcept;
  bool IsChildOf(const model::ReferenceRecord& reference) const noexcept;
  std::string_view Text(model::StringId id) const noexcept { return batch_.text(id); }

  const model::SpanBatch& batch_;
};

// An array or map is told as the JSON that equality compares, an empty value as "".
template <typename Emit>
void JaegerView::EmitAttribute(const model::Attribute& attribute, Emit& emit) const {
  const std::string_view key = Text(attribute.key);
  switch (attribute.type()) {
    case ValueType::kEmpty: return emit(JaegerTag{key, ValueType::kString, 0, ""});
    case ValueType::kBool:
    case ValueType::kInt:
    case ValueType::kDouble: return emit(JaegerTag{key, attribute.type(), attribute.bits, ""});
    case ValueType::kString:
    case ValueType::kBytes:
      return emit(
          JaegerTag{key, attribute.type(), 0, Text(static_cast<model::StringId>(attribute.bits))});
    case ValueType::kArray:
    case ValueType::kMap:
      return emit(JaegerTag{key, ValueType::kString, 0, model::CanonicalText(batch_, attribute)});
  }
}

template <typename Emit>
void JaegerView::ProcessTags(const model::ResourceRecord& resource, Emit&& emit) const {
  const model::Attribute* const service = ServiceAttribute(resource);
  for (const model::Attribute& attribute : AttributesOf(batch_, resource.attributes)) {
    // Zipkin's endpoint address stands among the tags of the span, as in Jaeger.
    const bool endpoint = resource.origin == Origin::kZipkin && attribute.synthetic();
    if (&attribute != service && !endpoint) EmitAttribute(attribute, emit);
  }
}

// What OTLP and Zipkin keep outside the attributes, as the tags Jaeger makes of it.
template <typename Emit>
void JaegerView::ConvertedTags(const model::SpanRecord& span, Origin origin, Emit& emit) const {
  const auto text = [&](std::string_view key, std::string_view value) {
    emit(JaegerTag{key, ValueType::kString, 0, value});
  };
  const auto& scope = batch_.scopes[span.scope];
  if (scope.name != 0) text("otel.scope.name", Text(scope.name));
  if (scope.version != 0) text("otel.scope.version", Text(scope.version));
  if (origin == Origin::kZipkin) {
    for (const model::Attribute& attribute :
         AttributesOf(batch_, batch_.resources[span.resource].attributes)) {
      const std::string_view key = Text(attribute.key);
      if (key == "net.host.ip" || key == "net.host.port") EmitAttribute(attribute, emit);
    }
  }
  if (span.kind != SpanKind::kUnspecified) text("span.kind", SpanKindName(span.kind));
  if (span.status != StatusCode::kUnset)
    text("otel.status_code", span.status == StatusCode::kOk ? "OK" : "ERROR");
  if (span.status == StatusCode::kError) emit(JaegerTag{"error", ValueType::kBool, 1, ""});
  // Zipkin's message is the text of its own `error` tag, which is there already.
  if (span.status_message != 0 && origin == Origin::kOtlp)
    text("otel.status_description", Text(span.status_message));
  if (span.trace_state != 0) text("w3c.tracestate", Text(span.trace_state));
}

template <typename Emit>
void JaegerView::SpanTags(const model::SpanRecord& span, Emit&& emit) const {
  for (const model::Attribute& attribute : AttributesOf(batch_, span.attributes)) {
    const std::string_view key = Text(attribute.key);
    const bool left_out =
        attribute.synthetic() && (key == "jaeger.warning" || key == "zipkin.debug");
    if (!left_out) EmitAttribute(attribute, emit);
  }
  const Origin origin = OriginOf(span);
  if (origin != Origin::kJaeger) ConvertedTags(span, origin, emit);
}

template <typename Emit>
void JaegerView::LogFields(const model::SpanRecord& span, const model::EventRecord& event,
                           Emit&& emit) const {
  if (NamesEvent(span, event)) emit(JaegerTag{"event", ValueType::kString, 0, Text(event.name)});
  for (const model::Attribute& attribute : AttributesOf(batch_, event.attributes))
    EmitAttribute(attribute, emit);
}

template <typename Emit>
void JaegerView::Warnings(const model::SpanRecord& span, Emit&& emit) const {
  for (const model::Attribute& attribute : AttributesOf(batch_, span.attributes)) {
    if (attribute.synthetic() && Text(attribute.key) == "jaeger.warning")
      emit(Text(static_cast<model::StringId>(attribute.bits)));
  }
}

template <typename Emit>
void JaegerView::References(const model::SpanRecord& span, Emit&& emit) const {
  const bool has_parent = !span.parent_id.empty();
  const std::uint32_t parent_at = std::min(span.parent_position, span.references.count);
  for (std::uint32_t i = 0; i <= span.references.count; ++i) {
    if (has_parent && i == parent_at) emit(true, span.trace_id, span.parent_id);
    if (i == span.references.count) break;
    const auto& reference = batch_.references[span.references.begin + i];
    emit(IsChildOf(reference), reference.trace_id, reference.span_id);
  }
}

}  // namespace tracestore::codec
