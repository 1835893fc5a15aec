#include "predicate/testing/naive_search.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <tuple>

#include "model/text.h"
#include "predicate/testing/naive_references.h"

namespace tracestore::predicate::testing {
namespace {

using model::SpanBatch;
using model::SpanRecord;

struct Row {
  const SpanBatch* batch;
  const SpanRecord* span;
};

bool TextMatches(const Condition& c, const std::string& text) {
  switch (c.op) {
    case CompareOp::kEqual: return text == c.value;
    case CompareOp::kNotEqual: return text != c.value;
    case CompareOp::kPrefix: return text.compare(0, c.value.size(), c.value) == 0;
    case CompareOp::kLess: return text < c.value;
    case CompareOp::kLessEqual: return text <= c.value;
    case CompareOp::kGreater: return text > c.value;
    case CompareOp::kGreaterEqual: return text >= c.value;
    case CompareOp::kRegex: {
      // Compiled once a process: tests use few.
      static std::map<std::string, std::unique_ptr<re2::RE2>> known;
      auto& regex = known[c.value];
      if (!regex) regex = std::make_unique<re2::RE2>(c.value, re2::RE2::Quiet);
      return regex->ok() && re2::RE2::PartialMatch(text, *regex);
    }
    default: return false;
  }
}

bool IntegerMatches(const Condition& c, std::uint64_t left) {
  return Ordered<std::uint64_t>(c.op, left, std::stoull(c.value));
}

bool AttributesMatch(const SpanBatch& batch, model::Range range, const Condition& c) {
  for (const model::Attribute& attribute : model::AttributesOf(batch, range)) {
    if (batch.text(attribute.key) != c.key) continue;
    if (c.type != ValueType::kEmpty && c.type != attribute.type()) continue;
    if (c.type == ValueType::kString && c.op != CompareOp::kExists) {
      if (TextMatches(c, model::CanonicalText(batch, attribute))) return true;
      continue;
    }
    if (c.op == CompareOp::kExists) return true;
    if (c.op == CompareOp::kLess || c.op == CompareOp::kLessEqual || c.op == CompareOp::kGreater ||
        c.op == CompareOp::kGreaterEqual) {
      const auto left = model::AsNumber(batch, attribute);
      auto right = model::ParseNumber(c.value);
      if (c.type == ValueType::kDouble && !c.value.empty())
        right = std::strtod(c.value.c_str(), nullptr);  // also beyond all finite ones
      if (left && right && Ordered(c.op, *left, *right)) return true;
    } else if (TextMatches(c, model::CanonicalText(batch, attribute))) {
      return true;
    }
  }
  return false;
}

bool AttributeMatches(const SpanBatch& batch, const SpanRecord& span, const Condition& c) {
  const bool any = c.level == Level::kAny;
  const bool own = c.level == Level::kSpanOrResource;
  if ((any || own || c.level == Level::kSpan) && AttributesMatch(batch, span.attributes, c))
    return true;
  if ((any || own || c.level == Level::kResource) &&
      AttributesMatch(batch, batch.resources[span.resource].attributes, c))
    return true;
  if ((any || c.level == Level::kScope) &&
      AttributesMatch(batch, batch.scopes[span.scope].attributes, c))
    return true;
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    if ((any || c.level == Level::kEvent) &&
        AttributesMatch(batch, batch.events[span.events.begin + i].attributes, c))
      return true;
  }
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    if ((any || c.level == Level::kLink) &&
        AttributesMatch(batch, batch.references[span.references.begin + i].attributes, c))
      return true;
  }
  return false;
}

std::string HexOf(auto id) { return id.empty() ? "" : id.ToHex(); }

// Ids are written with leading zeros or without.
bool IdMatches(const Condition& c, const std::string& hex, std::size_t digits) {
  Condition padded = c;
  if ((c.op == CompareOp::kEqual || c.op == CompareOp::kNotEqual) && !c.value.empty())
    padded.value = std::string(digits - c.value.size(), '0') + c.value;
  return TextMatches(padded, hex);
}

bool EventMatches(const SpanBatch& batch, const SpanRecord& span, const model::EventRecord& event,
                  const Condition& c) {
  if (c.field == Field::kEventName) return TextMatches(c, std::string(batch.text(event.name)));
  if (event.time_ns == 0) return false;
  if (c.field == Field::kEventTime) return IntegerMatches(c, event.time_ns);
  return span.has_start() &&
         Ordered<std::int64_t>(c.op, static_cast<std::int64_t>(event.time_ns - span.start_ns),
                               std::stoll(c.value));
}

bool ListsMatch(const SpanBatch& batch, const SpanRecord& span, const Condition& c) {
  if (c.field == Field::kEventName || c.field == Field::kEventTime ||
      c.field == Field::kEventOffset) {
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      if (EventMatches(batch, span, batch.events[span.events.begin + i], c)) return true;
    }
    return false;
  }
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    const model::ReferenceRecord& link = batch.references[span.references.begin + i];
    const bool match = c.field == Field::kLinkTraceId ? IdMatches(c, HexOf(link.trace_id), 32)
                       : c.field == Field::kLinkSpanId
                           ? IdMatches(c, HexOf(link.span_id), 16)
                           : TextMatches(c, std::string(batch.text(link.trace_state)));
    if (match) return true;
  }
  return false;
}

bool ConditionMatches(const SpanBatch& batch, const SpanRecord& span, const Condition& c) {
  const auto text = [&](std::string_view left) { return TextMatches(c, std::string(left)); };
  if (c.other) return NaiveReferencesMatch(batch, span, c);
  switch (c.field) {
    case Field::kAttribute: return AttributeMatches(batch, span, c);
    case Field::kService: return text(model::ServiceOf(batch, span));
    case Field::kOperation: return text(batch.text(span.name));
    case Field::kKind: return text(SpanKindName(span.kind));
    case Field::kStatus: return text(StatusCodeName(span.status));
    case Field::kStatusMessage: return text(batch.text(span.status_message));
    case Field::kDuration: return span.has_duration() && IntegerMatches(c, span.duration_ns);
    case Field::kStart: return span.has_start() && IntegerMatches(c, span.start_ns);
    case Field::kEnd:
      return span.has_start() && span.has_duration() && IntegerMatches(c, span.end_ns());
    case Field::kTraceId: return IdMatches(c, HexOf(span.trace_id), 32);
    case Field::kSpanId: return IdMatches(c, HexOf(span.span_id), 16);
    case Field::kParentId: return IdMatches(c, HexOf(span.parent_id), 16);
    case Field::kTraceState: return text(batch.text(span.trace_state));
    case Field::kResourceSchemaUrl:
      return text(batch.text(batch.resources[span.resource].schema_url));
    case Field::kScopeName: return text(batch.text(batch.scopes[span.scope].name));
    case Field::kScopeVersion: return text(batch.text(batch.scopes[span.scope].version));
    case Field::kScopeSchemaUrl: return text(batch.text(batch.scopes[span.scope].schema_url));
    case Field::kEventName:
    case Field::kEventTime:
    case Field::kEventOffset:
    case Field::kLinkTraceId:
    case Field::kLinkSpanId:
    case Field::kLinkTraceState: return ListsMatch(batch, span, c);
    default: return false;
  }
}

bool SpanExpression(const SpanBatch& batch, const SpanRecord& span, const Expression& e);

// Whether a copy of the span that has one of the events (references) only is like `e`.
bool SomeElement(const SpanBatch& batch, const SpanRecord& span, const Expression& e,
                 model::Range SpanRecord::*list) {
  SpanRecord one = span;
  for (std::uint32_t i = 0; i < (span.*list).count; ++i) {
    one.*list = {(span.*list).begin + i, 1};
    if (SpanExpression(batch, one, e)) return true;
  }
  return false;
}

bool SpanExpression(const SpanBatch& batch, const SpanRecord& span, const Expression& e) {
  const auto child = [&](const Expression& inner) { return SpanExpression(batch, span, inner); };
  switch (e.kind) {
    case Expression::Kind::kAnd: return std::all_of(e.children.begin(), e.children.end(), child);
    case Expression::Kind::kOr: return std::any_of(e.children.begin(), e.children.end(), child);
    case Expression::Kind::kNot: return !child(e.children[0]);
    case Expression::Kind::kCondition: return ConditionMatches(batch, span, e.condition);
    case Expression::Kind::kSomeEvent:
      return SomeElement(batch, span, e.children[0], &SpanRecord::events);
    case Expression::Kind::kSomeLink:
      return SomeElement(batch, span, e.children[0], &SpanRecord::references);
    case Expression::Kind::kSomeSpan: break;
  }
  return false;
}

struct Trace {
  std::vector<Row> rows;
  NaiveResult result;
  bool has_start = false;
};

bool SomeSpan(const Trace& trace, const Expression& e, const TimeRange& range) {
  return std::any_of(trace.rows.begin(), trace.rows.end(), [&](const Row& row) {
    return NaiveSpanMatches(*row.batch, *row.span, e, range);
  });
}

bool TraceCondition(const Trace& trace, const Condition& c) {
  const NaiveResult& r = trace.result;
  switch (c.field) {
    case Field::kTraceDuration: return trace.has_start && IntegerMatches(c, r.end_ns - r.start_ns);
    case Field::kTraceStart: return trace.has_start && IntegerMatches(c, r.start_ns);
    case Field::kTraceSpans: return IntegerMatches(c, r.span_count);
    case Field::kRootService: return TextMatches(c, r.root_service);
    default: return TextMatches(c, r.root_operation);
  }
}

bool TraceExpression(const Trace& trace, const Expression& e, const TimeRange& range) {
  const auto child = [&](const Expression& inner) { return TraceExpression(trace, inner, range); };
  switch (e.kind) {
    case Expression::Kind::kAnd: return std::all_of(e.children.begin(), e.children.end(), child);
    case Expression::Kind::kOr: return std::any_of(e.children.begin(), e.children.end(), child);
    case Expression::Kind::kNot: return !child(e.children[0]);
    case Expression::Kind::kSomeSpan: return SomeSpan(trace, e.children[0], range);
    case Expression::Kind::kSomeEvent:
    case Expression::Kind::kSomeLink: return SomeSpan(trace, e, range);
    case Expression::Kind::kCondition: break;
  }
  if (IsTraceField(e.condition.field)) return TraceCondition(trace, e.condition);
  return SomeSpan(trace, e, range);
}

void RemoveDuplicates(Trace& trace) {
  std::vector<Row> kept;
  for (const Row& row : trace.rows) {
    const bool again = std::any_of(kept.begin(), kept.end(), [&](const Row& other) {
      return row.span->span_id == other.span->span_id &&
             model::SpansEqual(*row.batch, *row.span, *other.batch, *other.span);
    });
    if (!again) kept.push_back(row);
  }
  trace.rows = std::move(kept);
}

bool HasSpan(const Trace& trace, SpanId id) {
  return std::any_of(trace.rows.begin(), trace.rows.end(),
                     [&](const Row& row) { return row.span->span_id == id; });
}

void Summarise(Trace& trace) {
  NaiveResult& r = trace.result;
  using Rank = std::tuple<int, bool, std::uint64_t, SpanId, std::string, std::string>;
  std::vector<Rank> ranks;
  for (const Row& row : trace.rows) {
    const SpanRecord& span = *row.span;
    if (span.has_start()) {
      const std::uint64_t end = span.end_ns() < span.start_ns ? span.start_ns : span.end_ns();
      r.start_ns = trace.has_start ? std::min(r.start_ns, span.start_ns) : span.start_ns;
      r.end_ns = trace.has_start ? std::max(r.end_ns, end) : end;
      trace.has_start = true;
    }
    const std::string service(model::ServiceOf(*row.batch, span));
    const bool error = span.status == StatusCode::kError;
    const bool orphan = !span.parent_id.empty() && !HasSpan(trace, span.parent_id);
    ++r.span_count;
    r.error_count += error;
    r.orphan_count += orphan;
    ++r.services[service].spans;
    r.services[service].errors += error;
    ranks.emplace_back(span.parent_id.empty() ? 0
                       : orphan               ? 1
                                              : 2,
                       !span.has_start(), span.start_ns, span.span_id, service,
                       std::string(row.batch->text(span.name)));
  }
  const Rank root = *std::min_element(ranks.begin(), ranks.end());
  r.root_service = std::get<4>(root);
  r.root_operation = std::get<5>(root);
}

}  // namespace

bool NaiveSpanMatches(const SpanBatch& batch, const SpanRecord& span, const Expression& expression,
                      const TimeRange& span_start) {
  if ((span.flags & 0x08) != 0) return false;
  if (!span_start.all() && !(span.has_start() && span_start.Contains(span.start_ns))) return false;
  return SpanExpression(batch, span, expression);
}

std::vector<NaiveResult> NaiveSearch(std::span<const SpanBatch* const> batches,
                                     const Query& query) {
  std::map<TraceId, Trace> traces;
  for (const SpanBatch* batch : batches) {
    for (const SpanRecord& span : batch->spans)
      traces[span.trace_id].rows.push_back({batch, &span});
  }
  std::vector<NaiveResult> results;
  for (auto& [id, trace] : traces) {
    RemoveDuplicates(trace);
    Summarise(trace);
    trace.result.trace_id = id;
    trace.result.order_key = query.order == Order::kNewest
                                 ? trace.result.start_ns
                                 : trace.result.end_ns - trace.result.start_ns;
    if (!query.trace_start.all() &&
        !(trace.has_start && query.trace_start.Contains(trace.result.start_ns)))
      continue;
    if (!SomeSpan(trace, Expression{}, query.span_start)) continue;
    if (TraceExpression(trace, query.where, query.span_start)) results.push_back(trace.result);
  }
  std::stable_sort(results.begin(), results.end(),
                   [](const auto& x, const auto& y) { return x.order_key > y.order_key; });
  return results;
}

}  // namespace tracestore::predicate::testing
