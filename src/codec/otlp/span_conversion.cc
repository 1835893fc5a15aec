#include "codec/otlp/span_conversion.h"

namespace tracestore::codec {
namespace {

bool IsText(const model::SpanBatch& batch, const model::Attribute& attribute,
            std::string_view key) noexcept {
  return attribute.type() == ValueType::kString && !attribute.synthetic() &&
         batch.text(attribute.key) == key;
}

std::string_view ValueOf(const model::SpanBatch& batch,
                         const model::Attribute& attribute) noexcept {
  return batch.text(static_cast<model::StringId>(attribute.bits));
}

}  // namespace

std::string_view RefTypeName(ReferenceType type) noexcept {
  switch (type) {
    case ReferenceType::kChildOf: return "child_of";
    case ReferenceType::kFollowsFrom: return "follows_from";
    case ReferenceType::kLink: return "";
  }
  return "";
}

OtlpSpanView::OtlpSpanView(const model::SpanBatch& batch, const model::SpanRecord& span) noexcept
    : batch_(batch),
      span_(span),
      jaeger_(batch.resources[span.resource].origin == Origin::kJaeger),
      trace_state_(batch.text(span.trace_state)) {
  if (!jaeger_ || !trace_state_.empty()) return;
  for (const model::Attribute& attribute : AttributesOf(batch, span.attributes)) {
    if (!IsText(batch, attribute, "w3c.tracestate")) continue;
    trace_state_ = ValueOf(batch, attribute);
    trace_state_tag_ = &attribute;
    return;
  }
}

bool OtlpSpanView::Hides(const model::Attribute& attribute) const noexcept {
  if (!jaeger_) return false;
  if (&attribute == trace_state_tag_) return true;
  return span_.kind != SpanKind::kUnspecified && IsText(batch_, attribute, "span.kind") &&
         ValueOf(batch_, attribute) == SpanKindName(span_.kind);
}

const model::Attribute* OtlpSpanView::HiddenIn(const model::EventRecord& event) const noexcept {
  if (!jaeger_) return nullptr;
  for (const model::Attribute& attribute : AttributesOf(batch_, event.attributes)) {
    if (IsText(batch_, attribute, "event"))
      return ValueOf(batch_, attribute) == batch_.text(event.name) ? &attribute : nullptr;
  }
  return nullptr;
}

}  // namespace tracestore::codec
