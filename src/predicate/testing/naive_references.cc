#include "predicate/testing/naive_references.h"

#include <string>
#include <string_view>
#include <vector>

#include "model/text.h"

namespace tracestore::predicate::testing {
namespace {

using model::SpanBatch;
using model::SpanRecord;

std::string HexOf(auto id) { return id.empty() ? "" : id.ToHex(); }

// One value of what a condition with `other` compares. Long doubles hold 64 bits exactly.
struct Operand {
  bool is_time = false;
  bool is_duration = false;
  long double ns = 0;
  std::string text;
  const model::Attribute* attribute = nullptr;
};

std::vector<Operand> OperandsOf(const SpanBatch& batch, const SpanRecord& span,
                                const Reference& r) {
  std::vector<Operand> out;
  const auto text = [&](std::string_view value) {
    if (!value.empty()) out.push_back({false, false, 0, std::string(value), nullptr});
  };
  const auto ns = [&](bool time, long double value) {
    out.push_back({time, !time, value, "", nullptr});
  };
  const auto attributes = [&](Level level, model::Range range) {
    const bool own = level == Level::kSpan || level == Level::kResource;
    if (r.field != Field::kAttribute ||
        (r.level != Level::kAny && r.level != level && !(own && r.level == Level::kSpanOrResource)))
      return;
    for (const model::Attribute& a : model::AttributesOf(batch, range)) {
      if (batch.text(a.key) == r.key)
        out.push_back({false, false, 0, model::CanonicalText(batch, a), &a});
    }
  };
  const model::ResourceRecord& resource = batch.resources[span.resource];
  const model::ScopeRecord& scope = batch.scopes[span.scope];
  attributes(Level::kSpan, span.attributes);
  attributes(Level::kResource, resource.attributes);
  attributes(Level::kScope, scope.attributes);
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const model::EventRecord& event = batch.events[span.events.begin + i];
    attributes(Level::kEvent, event.attributes);
    if (r.field == Field::kEventName) text(batch.text(event.name));
    if (r.field == Field::kEventTime && event.time_ns != 0)
      ns(true, static_cast<long double>(event.time_ns));
    if (r.field == Field::kEventOffset && event.time_ns != 0 && span.has_start())
      ns(false, static_cast<long double>(static_cast<std::int64_t>(event.time_ns - span.start_ns)));
  }
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    const model::ReferenceRecord& link = batch.references[span.references.begin + i];
    attributes(Level::kLink, link.attributes);
    if (r.field == Field::kLinkTraceId) text(HexOf(link.trace_id));
    if (r.field == Field::kLinkSpanId) text(HexOf(link.span_id));
    if (r.field == Field::kLinkTraceState) text(batch.text(link.trace_state));
  }
  if (r.field == Field::kService) text(model::ServiceOf(batch, span));
  if (r.field == Field::kOperation) text(batch.text(span.name));
  if (r.field == Field::kKind) text(SpanKindName(span.kind));
  if (r.field == Field::kStatus) text(StatusCodeName(span.status));
  if (r.field == Field::kStatusMessage) text(batch.text(span.status_message));
  if (r.field == Field::kTraceState) text(batch.text(span.trace_state));
  if (r.field == Field::kResourceSchemaUrl) text(batch.text(resource.schema_url));
  if (r.field == Field::kScopeName) text(batch.text(scope.name));
  if (r.field == Field::kScopeVersion) text(batch.text(scope.version));
  if (r.field == Field::kScopeSchemaUrl) text(batch.text(scope.schema_url));
  if (r.field == Field::kTraceId) text(HexOf(span.trace_id));
  if (r.field == Field::kSpanId) text(HexOf(span.span_id));
  if (r.field == Field::kParentId) text(HexOf(span.parent_id));
  if (r.field == Field::kStart && span.has_start())
    ns(true, static_cast<long double>(span.start_ns));
  if (r.field == Field::kDuration && span.has_duration())
    ns(false, static_cast<long double>(span.duration_ns));
  if (r.field == Field::kEnd && span.has_start() && span.has_duration())
    ns(true, static_cast<long double>(span.end_ns()));
  return out;
}

bool OperandsMatch(const SpanBatch& batch, CompareOp op, const Operand& x, const Operand& y) {
  const auto is_ns = [](const Operand& o) { return o.is_time || o.is_duration; };
  if (is_ns(x) && is_ns(y)) return x.is_time == y.is_time && Ordered(op, x.ns, y.ns);
  // What attributes of the small world hold is no duration and no time.
  if (is_ns(x) || is_ns(y)) return false;
  if (op == CompareOp::kEqual) return x.text == y.text;
  if (x.attribute != nullptr && y.attribute != nullptr) {
    const auto left = model::AsNumber(batch, *x.attribute);
    const auto right = model::AsNumber(batch, *y.attribute);
    if (left && right) return Ordered(op, *left, *right);
  }
  for (const Operand* o : {&x, &y}) {
    if (o->attribute != nullptr && o->attribute->type() != ValueType::kString) return false;
  }
  return Ordered(op, x.text, y.text);
}

}  // namespace

bool NaiveReferencesMatch(const SpanBatch& batch, const SpanRecord& span, const Condition& c) {
  const auto right = OperandsOf(batch, span, *c.other);
  for (const Operand& x : OperandsOf(batch, span, Reference{c.field, c.level, c.key})) {
    for (const Operand& y : right) {
      if (OperandsMatch(batch, c.op, x, y)) return true;
    }
  }
  return false;
}

}  // namespace tracestore::predicate::testing
