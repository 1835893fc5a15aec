#include "predicate/batch_binding.h"

#include "predicate/references.h"

namespace tracestore::predicate {
namespace {

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

// Of all at once: one after the other each would wait for the memory that its resource is in.
void BatchBinding::FindServices() {
  services_.assign(batch_->resources.size(), 0);
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const model::Attribute* found =
        model::FindString(*batch_, batch_->resources[i].attributes, "service.name");
    if (found != nullptr) services_[i] = static_cast<model::StringId>(found->bits);
  }
}

model::StringId BatchBinding::ServiceId(std::uint32_t resource) {
  if (services_.empty()) FindServices();
  return services_[resource];
}

bool BatchBinding::MatchesLeaf(std::size_t leaf, std::uint32_t row) {
  const model::SpanRecord& span = batch_->spans[row];
  if (span.firehose()) return false;
  const TimeRange& range = query_->span_start_;
  if (span.has_start() ? !range.Contains(span.start_ns) : !range.all()) return false;
  return Run(query_->leaves_[leaf].program, {&span, span.events, span.references});
}

// Recursion: a group runs a program, which may hold groups of the other kind only.
bool BatchBinding::Run(const Program& program, const View& view) {
  return program.Run([&](std::uint32_t operand) {
    if (operand < CompiledQuery::kGroup) return Test(operand, view);
    return TestGroup(query_->groups_[operand - CompiledQuery::kGroup], view);
  });
}

bool BatchBinding::TestGroup(const CompiledQuery::Group& group, const View& view) {
  View one = view;
  const model::Range all = group.of_events ? view.events : view.references;
  for (std::uint32_t i = 0; i < all.count; ++i) {
    (group.of_events ? one.events : one.references) = {all.begin + i, 1};
    if (Run(group.program, one)) return true;
  }
  return false;
}

bool BatchBinding::Test(std::uint32_t index, const View& view) {
  const CompiledCondition& c = query_->conditions_[index];
  Bound& bound = bound_[index];
  const model::SpanRecord& span = *view.span;
  if (c.source.other)
    return ReferencesCompare(*batch_, {&span, view.events, view.references}, c.source);
  const bool equal = c.source.op == CompareOp::kEqual;
  switch (c.source.field) {
    case Field::kAttribute: return TestAttribute(c, bound, view);
    case Field::kService: return TestText(c, bound, ServiceId(span.resource));
    case Field::kOperation: return TestText(c, bound, span.name);
    case Field::kKind: return (span.kind == c.kind) == equal;
    case Field::kStatus: return (span.status == c.status) == equal;
    case Field::kStatusMessage: return TestText(c, bound, span.status_message);
    case Field::kTraceState: return TestText(c, bound, span.trace_state);
    case Field::kResourceSchemaUrl:
      return TestText(c, bound, batch_->resources[span.resource].schema_url);
    case Field::kScopeName: return TestText(c, bound, batch_->scopes[span.scope].name);
    case Field::kScopeVersion: return TestText(c, bound, batch_->scopes[span.scope].version);
    case Field::kScopeSchemaUrl: return TestText(c, bound, batch_->scopes[span.scope].schema_url);
    case Field::kDuration: return span.has_duration() && c.TestInteger(span.duration_ns);
    case Field::kStart: return span.has_start() && c.TestInteger(span.start_ns);
    case Field::kEnd:
      return span.has_start() && span.has_duration() && c.TestInteger(span.end_ns());
    case Field::kTraceId: return c.TestId(span.trace_id);
    case Field::kSpanId: return c.TestId(span.span_id);
    case Field::kParentId: return c.TestId(span.parent_id);
    case Field::kEventName:
    case Field::kEventTime:
    case Field::kEventOffset: return TestEventField(c, bound, view);
    case Field::kLinkTraceId:
    case Field::kLinkSpanId:
    case Field::kLinkTraceState: return TestLinkField(c, bound, view);
    default: return false;  // of the whole trace: no operand of a leaf
  }
}

bool BatchBinding::TestEventField(const CompiledCondition& c, Bound& bound, const View& view) {
  for (std::uint32_t i = 0; i < view.events.count; ++i) {
    const model::EventRecord& event = batch_->events[view.events.begin + i];
    bool met = false;
    if (c.source.field == Field::kEventName) {
      met = TestText(c, bound, event.name);
    } else if (event.time_ns == 0) {
      continue;
    } else if (c.source.field == Field::kEventTime) {
      met = c.TestInteger(event.time_ns);
    } else {
      met = view.span->has_start() &&
            c.TestOffset(static_cast<std::int64_t>(event.time_ns - view.span->start_ns));
    }
    if (met) return true;
  }
  return false;
}

bool BatchBinding::TestLinkField(const CompiledCondition& c, Bound& bound, const View& view) {
  for (std::uint32_t i = 0; i < view.references.count; ++i) {
    const model::ReferenceRecord& link = batch_->references[view.references.begin + i];
    const bool met = c.source.field == Field::kLinkTraceId  ? c.TestId(link.trace_id)
                     : c.source.field == Field::kLinkSpanId ? c.TestId(link.span_id)
                                                            : TestText(c, bound, link.trace_state);
    if (met) return true;
  }
  return false;
}

bool BatchBinding::TestText(const CompiledCondition& c, Bound& bound, model::StringId id) {
  if (c.source.op == CompareOp::kEqual) return bound.text == id;
  if (c.source.op == CompareOp::kNotEqual) return bound.text != id;
  return bound.texts.Get(id, batch_->strings.size(),
                         [&] { return c.TestText(batch_->text(id)); });
}

bool BatchBinding::TestValue(const CompiledCondition& c, Bound& bound,
                             const model::Attribute& attribute) {
  if (!c.Takes(attribute.type())) return false;
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

bool BatchBinding::TestAttribute(const CompiledCondition& c, Bound& bound, const View& view) {
  if (!bound.key) return false;
  const model::SpanRecord& span = *view.span;
  const auto at = [&](Level level) { return LooksAt(c.source.level, level); };
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
  return TestListed(c, bound, view);
}

bool BatchBinding::TestListed(const CompiledCondition& c, Bound& bound, const View& view) {
  if (LooksAt(c.source.level, Level::kEvent)) {
    for (std::uint32_t i = 0; i < view.events.count; ++i) {
      if (TestAttributes(c, bound, batch_->events[view.events.begin + i].attributes)) return true;
    }
  }
  if (LooksAt(c.source.level, Level::kLink)) {
    for (std::uint32_t i = 0; i < view.references.count; ++i) {
      if (TestAttributes(c, bound, batch_->references[view.references.begin + i].attributes))
        return true;
    }
  }
  return false;
}

}  // namespace tracestore::predicate
