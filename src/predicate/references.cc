#include "predicate/references.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/text.h"
#include "predicate/condition.h"
#include "predicate/text_values.h"

namespace tracestore::predicate {
namespace {

using model::SpanBatch;

// Nanoseconds of either sign, greater than 64 bits hold: whether it isn't negative, then its bits.
using Nanoseconds = std::pair<bool, std::uint64_t>;

Nanoseconds FromSigned(std::int64_t value) {
  return {value >= 0, static_cast<std::uint64_t>(value)};
}

struct Value {
  enum class Kind : std::uint8_t { kText, kDuration, kTime, kAttribute };
  Kind kind = Kind::kText;
  std::string text;  // kText; of an attribute its canonical text
  Nanoseconds ns;
  const model::Attribute* attribute = nullptr;
};

class Collector {
 public:
  Collector(const SpanBatch& batch, const ReferenceView& view) : batch_(batch), view_(view) {}

  std::vector<Value> ValuesOf(const Reference& reference) {
    values_.clear();
    switch (reference.field) {
      case Field::kAttribute: AddAttributes(reference); break;
      case Field::kEventName:
      case Field::kEventTime:
      case Field::kEventOffset: AddEvents(reference.field); break;
      case Field::kLinkTraceId:
      case Field::kLinkSpanId:
      case Field::kLinkTraceState: AddLinks(reference.field); break;
      default: AddOwn(reference.field);
    }
    return std::move(values_);
  }

 private:
  void AddText(std::string_view text) {
    if (!text.empty()) values_.push_back({Value::Kind::kText, std::string(text), {}, nullptr});
  }
  void AddNs(Value::Kind kind, Nanoseconds ns) { values_.push_back({kind, {}, ns, nullptr}); }
  template <typename Id>
  void AddId(Id id) {
    if (!id.empty()) AddText(id.ToHex());
  }

  void AddAttributesOf(model::Range range, const std::string& key) {
    for (const model::Attribute& attribute : model::AttributesOf(batch_, range)) {
      if (batch_.text(attribute.key) != key) continue;
      values_.push_back(
          {Value::Kind::kAttribute, model::CanonicalText(batch_, attribute), {}, &attribute});
    }
  }

  void AddAttributes(const Reference& reference) {
    const auto at = [&](Level level) { return LooksAt(reference.level, level); };
    const model::SpanRecord& span = *view_.span;
    if (at(Level::kSpan)) AddAttributesOf(span.attributes, reference.key);
    if (at(Level::kResource))
      AddAttributesOf(batch_.resources[span.resource].attributes, reference.key);
    if (at(Level::kScope)) AddAttributesOf(batch_.scopes[span.scope].attributes, reference.key);
    for (std::uint32_t i = 0; at(Level::kEvent) && i < view_.events.count; ++i)
      AddAttributesOf(batch_.events[view_.events.begin + i].attributes, reference.key);
    for (std::uint32_t i = 0; at(Level::kLink) && i < view_.references.count; ++i)
      AddAttributesOf(batch_.references[view_.references.begin + i].attributes, reference.key);
  }

  void AddEvents(Field field) {
    for (std::uint32_t i = 0; i < view_.events.count; ++i) {
      const model::EventRecord& event = batch_.events[view_.events.begin + i];
      if (field == Field::kEventName) AddText(batch_.text(event.name));
      if (event.time_ns == 0) continue;
      if (field == Field::kEventTime) AddNs(Value::Kind::kTime, {true, event.time_ns});
      if (field == Field::kEventOffset && view_.span->has_start()) {
        AddNs(Value::Kind::kDuration,
              FromSigned(static_cast<std::int64_t>(event.time_ns - view_.span->start_ns)));
      }
    }
  }

  void AddLinks(Field field) {
    for (std::uint32_t i = 0; i < view_.references.count; ++i) {
      const model::ReferenceRecord& link = batch_.references[view_.references.begin + i];
      if (field == Field::kLinkTraceId) AddId(link.trace_id);
      if (field == Field::kLinkSpanId) AddId(link.span_id);
      if (field == Field::kLinkTraceState) AddText(batch_.text(link.trace_state));
    }
  }

  // What a span has once.
  void AddOwn(Field field) {
    const model::SpanRecord& span = *view_.span;
    switch (field) {
      case Field::kService: return AddText(model::ServiceOf(batch_, span));
      case Field::kOperation: return AddText(batch_.text(span.name));
      case Field::kKind: return AddText(SpanKindName(span.kind));
      case Field::kStatus: return AddText(StatusCodeName(span.status));
      case Field::kStatusMessage: return AddText(batch_.text(span.status_message));
      case Field::kTraceState: return AddText(batch_.text(span.trace_state));
      case Field::kResourceSchemaUrl:
        return AddText(batch_.text(batch_.resources[span.resource].schema_url));
      case Field::kScopeName: return AddText(batch_.text(batch_.scopes[span.scope].name));
      case Field::kScopeVersion: return AddText(batch_.text(batch_.scopes[span.scope].version));
      case Field::kScopeSchemaUrl:
        return AddText(batch_.text(batch_.scopes[span.scope].schema_url));
      case Field::kTraceId: return AddId(span.trace_id);
      case Field::kSpanId: return AddId(span.span_id);
      case Field::kParentId: return AddId(span.parent_id);
      case Field::kDuration:
        if (span.has_duration()) AddNs(Value::Kind::kDuration, {true, span.duration_ns});
        return;
      case Field::kStart:
        if (span.has_start()) AddNs(Value::Kind::kTime, {true, span.start_ns});
        return;
      case Field::kEnd:
        if (span.has_start() && span.has_duration())
          AddNs(Value::Kind::kTime, {true, span.end_ns()});
        return;
      default: return;
    }
  }

  const SpanBatch& batch_;
  const ReferenceView& view_;
  std::vector<Value> values_;
};

template <typename T>
bool Ordered(CompareOp op, const T& left, const T& right) {
  switch (op) {
    case CompareOp::kEqual: return left == right;
    case CompareOp::kLess: return left < right;
    case CompareOp::kLessEqual: return left <= right;
    case CompareOp::kGreater: return left > right;
    case CompareOp::kGreaterEqual: return left >= right;
    default: return false;
  }
}

bool IsNs(const Value& value) {
  return value.kind == Value::Kind::kDuration || value.kind == Value::Kind::kTime;
}

// The value as `kind`, which is a duration or a time.
std::optional<Nanoseconds> NsOf(const Value& value, Value::Kind kind) {
  if (value.kind == kind) return value.ns;
  if (value.attribute == nullptr || value.attribute->type() != ValueType::kString)
    return std::nullopt;
  if (kind == Value::Kind::kTime) {
    const auto time = ParseTime(value.text);
    if (!time) return std::nullopt;
    return Nanoseconds{true, *time};
  }
  const auto duration = ParseDuration(value.text);
  if (!duration.has_value()) return std::nullopt;
  return FromSigned(duration->count());
}

bool IsText(const Value& value) {
  return value.attribute == nullptr || value.attribute->type() == ValueType::kString;
}

bool AttributesOrdered(const SpanBatch& batch, CompareOp op, const model::Attribute& left,
                       const model::Attribute& right, bool& numbers) {
  numbers = true;
  if (left.type() == ValueType::kInt && right.type() == ValueType::kInt) {
    return Ordered(op, static_cast<std::int64_t>(left.bits), static_cast<std::int64_t>(right.bits));
  }
  const auto x = model::AsNumber(batch, left);
  const auto y = model::AsNumber(batch, right);
  if (x && y) return Ordered(op, *x, *y);
  numbers = false;
  return false;
}

bool Compare(const SpanBatch& batch, CompareOp op, const Value& left, const Value& right) {
  if (IsNs(left) || IsNs(right)) {
    const Value::Kind kind = IsNs(left) ? left.kind : right.kind;
    const auto x = NsOf(left, kind);
    const auto y = NsOf(right, kind);
    return x && y && Ordered(op, *x, *y);
  }
  if (op == CompareOp::kEqual) return left.text == right.text;
  if (left.attribute != nullptr && right.attribute != nullptr) {
    bool numbers = false;
    const bool ordered = AttributesOrdered(batch, op, *left.attribute, *right.attribute, numbers);
    if (numbers) return ordered;
  }
  return IsText(left) && IsText(right) && Ordered(op, left.text, right.text);
}

}  // namespace

bool ReferencesCompare(const SpanBatch& batch, const ReferenceView& view,
                       const Condition& condition) {
  Collector collector(batch, view);
  const auto left = collector.ValuesOf(Reference{condition.field, condition.level, condition.key});
  if (left.empty()) return false;
  const auto right = collector.ValuesOf(*condition.other);
  for (const Value& x : left) {
    for (const Value& y : right) {
      if (Compare(batch, condition.op, x, y)) return true;
    }
  }
  return false;
}

}  // namespace tracestore::predicate
