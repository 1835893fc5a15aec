#include "predicate/needs.h"

#include <algorithm>

#include "predicate/condition.h"

namespace tracestore::predicate {
namespace {

void AddAttributeNeeds(const Reference& reference, Needs& needs) {
  const auto at = [&](Level level) { return LooksAt(reference.level, level); };
  needs.span_attributes |= at(Level::kSpan);
  needs.resource_attributes |= at(Level::kResource);
  needs.scope_attributes |= at(Level::kScope);
  needs.event_attributes |= at(Level::kEvent);
  needs.link_attributes |= at(Level::kLink);
  needs.attribute_keys.push_back(reference.key);
}

Needs NeedsOf(const Reference& reference) {
  Needs needs;
  switch (reference.field) {
    case Field::kAttribute: AddAttributeNeeds(reference, needs); break;
    case Field::kService:
      needs.service = true;
      needs.resource_attributes = true;
      needs.attribute_keys.emplace_back("service.name");
      break;
    case Field::kOperation: needs.operation = true; break;
    case Field::kKind: needs.kind = true; break;
    case Field::kStatus: needs.status = true; break;
    case Field::kStatusMessage: needs.status_message = true; break;
    case Field::kDuration: needs.duration = true; break;
    case Field::kSpanId: needs.span_id = true; break;
    case Field::kParentId: needs.parent_id = true; break;
    case Field::kScopeName: needs.scope_name = true; break;
    case Field::kEventName: needs.event_name = true; break;
    case Field::kLinkTraceId: needs.links = true; break;
    case Field::kLinkSpanId: needs.links = true; break;
    case Field::kLinkTraceState: needs.link_trace_state = true; break;
    case Field::kTraceState: needs.trace_state = true; break;
    case Field::kEnd: needs.duration = true; break;
    case Field::kResourceSchemaUrl: needs.resource_schema_url = true; break;
    case Field::kScopeVersion: needs.scope_version = true; break;
    case Field::kScopeSchemaUrl: needs.scope_schema_url = true; break;
    case Field::kEventTime:
    case Field::kEventOffset: needs.events = true; break;
    case Field::kTraceId:
    case Field::kStart:
    case Field::kTraceDuration:
    case Field::kTraceStart:
    case Field::kTraceSpans:
    case Field::kRootService:
    case Field::kRootOperation: break;
  }
  return needs;
}

}  // namespace

Needs NeedsOf(const Condition& condition) {
  Needs needs = NeedsOf(Reference{condition.field, condition.level, condition.key});
  if (condition.other) needs.Add(NeedsOf(*condition.other));
  return needs;
}

void Needs::Add(const Needs& other) {
  span_attributes |= other.span_attributes;
  resource_attributes |= other.resource_attributes;
  scope_attributes |= other.scope_attributes;
  event_attributes |= other.event_attributes;
  link_attributes |= other.link_attributes;
  service |= other.service;
  operation |= other.operation;
  kind |= other.kind;
  status |= other.status;
  status_message |= other.status_message;
  duration |= other.duration;
  span_id |= other.span_id;
  parent_id |= other.parent_id;
  scope_name |= other.scope_name;
  event_name |= other.event_name;
  events |= other.events;
  links |= other.links;
  link_trace_state |= other.link_trace_state;
  trace_state |= other.trace_state;
  resource_schema_url |= other.resource_schema_url;
  scope_version |= other.scope_version;
  scope_schema_url |= other.scope_schema_url;
  attribute_keys.insert(attribute_keys.end(), other.attribute_keys.begin(),
                        other.attribute_keys.end());
  std::sort(attribute_keys.begin(), attribute_keys.end());
  attribute_keys.erase(std::unique(attribute_keys.begin(), attribute_keys.end()),
                       attribute_keys.end());
}

}  // namespace tracestore::predicate
