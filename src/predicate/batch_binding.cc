#include "predicate/batch_binding.h"

namespace tracestore::predicate {
namespace {

constexpr model::StringId kUnknown = 0xFFFFFFFF;

bool IsEquality(CompareOp op) noexcept {
  return op == CompareOp::kEqual || op == CompareOp::kNotEqual;
}

}  // namespace

BatchBinding::BatchBinding(const CompiledQuery& query, const model::SpanBatch& batch)
    : query_(&query), batch_(&batch), bound_(query.conditions_.size()) {
  for (std::size_t i = 0; i < bound_.size(); ++i) {
    const CompiledCondition& condition = query.conditions_[i];
    Bound& bound = bound_[i];
    if (condition.source.field == Field::kAttribute)
      bound.key = batch.strings.Find(condition.source.key);
    if (!IsEquality(condition.source.op)) continue;
    bound.text = batch.strings.Find(condition.source.value);
    if (condition.as_bytes) bound.bytes = batch.strings.Find(*condition.as_bytes);
  }
}

model::StringId BatchBinding::ServiceId(std::uint32_t resource) {
  if (services_.empty()) services_.assign(batch_->resources.size(), kUnknown);
  model::StringId& service = services_[resource];
  if (service == kUnknown) {
    const model::Attribute* found = model::FindString(
        *batch_, batch_->resources[resource].attributes, "service.name");
    service = found == nullptr ? 0 : static_cast<model::StringId>(found->bits);
  }
  return service;
}

bool BatchBinding::MatchesLeaf(std::size_t leaf, std::uint32_t row) {
  const model::SpanRecord& span = batch_->spans[row];
  if (span.firehose()) return false;
  const TimeRange& range = query_->span_start_;
  if (span.has_start() ? !range.Contains(span.start_ns) : !range.all()) return false;
  return query_->leaves_[leaf].program.Run(
      [&](std::uint32_t condition) { return Test(condition, span); });
}

bool BatchBinding::Test(std::uint32_t index, const model::SpanRecord& span) {
  const CompiledCondition& c = query_->conditions_[index];
  Bound& bound = bound_[index];
  const bool equal = c.source.op == CompareOp::kEqual;
  switch (c.source.field) {
    case Field::kAttribute: return TestAttribute(c, bound, span);
    case Field::kService: return TestText(c, bound, ServiceId(span.resource));
    case Field::kOperation: return TestText(c, bound, span.name);
    case Field::kKind: return (span.kind == c.kind) == equal;
    case Field::kStatus: return (span.status == c.status) == equal;
    case Field::kStatusMessage: return TestText(c, bound, span.status_message);
    case Field::kDuration: return span.has_duration() && c.TestInteger(span.duration_ns);
    case Field::kStart: return span.has_start() && c.TestInteger(span.start_ns);
    case Field::kSpanId: return (span.span_id == c.span_id) == equal;
    case Field::kParentId: return (span.parent_id == c.span_id) == equal;
    case Field::kScopeName: return TestText(c, bound, batch_->scopes[span.scope].name);
    case Field::kEventName: {
      for (std::uint32_t i = 0; i < span.events.count; ++i) {
        if (TestText(c, bound, batch_->events[span.events.begin + i].name)) return true;
      }
      return false;
    }
    case Field::kLinkTraceId: {
      for (std::uint32_t i = 0; i < span.references.count; ++i) {
        if (batch_->references[span.references.begin + i].trace_id == c.trace_id) return true;
      }
      return false;
    }
    default: return false;  // of the whole trace: no operand of a leaf
  }
}

bool BatchBinding::TestText(const CompiledCondition& c, Bound& bound, model::StringId id) {
  if (c.source.op == CompareOp::kEqual) return bound.text == id;
  if (c.source.op == CompareOp::kNotEqual) return bound.text != id;
  return bound.texts.Get(id, batch_->strings.size(),
                         [&] { return c.TestText(batch_->text(id)); });
}

bool BatchBinding::TestValue(const CompiledCondition& c, Bound& bound,
                             const model::Attribute& attribute) {
  if (c.source.op == CompareOp::kExists) return true;
  const auto id = static_cast<model::StringId>(attribute.bits);
  switch (attribute.type()) {
    case ValueType::kString: return TestText(c, bound, id);
    case ValueType::kBytes:
      if (c.source.op == CompareOp::kEqual) return bound.bytes == id;
      if (c.source.op == CompareOp::kNotEqual) return bound.bytes != id;
      [[fallthrough]];
    case ValueType::kArray:
    case ValueType::kMap: {
      const auto which =
          static_cast<std::size_t>(attribute.type()) - static_cast<std::size_t>(ValueType::kBytes);
      return bound.blobs[which].Get(id, batch_->strings.size(),
                                    [&] { return c.TestValue(*batch_, attribute); });
    }
    default: return c.TestScalar(attribute);
  }
}

bool BatchBinding::TestAttributes(const CompiledCondition& c, Bound& bound, model::Range range) {
  const model::StringId key = *bound.key;
  for (const model::Attribute& attribute : model::AttributesOf(*batch_, range)) {
    if (attribute.key == key && TestValue(c, bound, attribute)) return true;
  }
  return false;
}

bool BatchBinding::TestAttribute(const CompiledCondition& c, Bound& bound,
                                 const model::SpanRecord& span) {
  if (!bound.key) return false;
  const auto at = [&](Level level) {
    return c.source.level == Level::kAny || c.source.level == level;
  };
  if (at(Level::kSpan) && TestAttributes(c, bound, span.attributes)) return true;
  if (at(Level::kResource) &&
      bound.resources.Get(span.resource, batch_->resources.size(), [&] {
        return TestAttributes(c, bound, batch_->resources[span.resource].attributes);
      })) {
    return true;
  }
  if (at(Level::kScope) && bound.scopes.Get(span.scope, batch_->scopes.size(), [&] {
        return TestAttributes(c, bound, batch_->scopes[span.scope].attributes);
      })) {
    return true;
  }
  return TestEvents(c, bound, span);
}

bool BatchBinding::TestEvents(const CompiledCondition& c, Bound& bound,
                              const model::SpanRecord& span) {
  const Level level = c.source.level;
  if (level == Level::kAny || level == Level::kEvent) {
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      if (TestAttributes(c, bound, batch_->events[span.events.begin + i].attributes)) return true;
    }
  }
  if (level == Level::kAny || level == Level::kLink) {
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      if (TestAttributes(c, bound, batch_->references[span.references.begin + i].attributes))
        return true;
    }
  }
  return false;
}

}  // namespace tracestore::predicate
