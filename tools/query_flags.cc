#include "query_flags.h"

#include <utility>

#include "human_text.h"

namespace tracestore::tools {
namespace {

constexpr const char* kConditions = "Conditions";

CLI::Option* AddText(CLI::App& app, const char* names, std::string& value, const char* type,
                     const char* description) {
  return app.add_option(names, value, description)->type_name(type)->group(kConditions);
}

Condition Of(Field field, CompareOp op, std::string value) {
  Condition condition;
  condition.field = field;
  condition.op = op;
  condition.value = std::move(value);
  return condition;
}

// "key=value", or "key" alone: the span has it.
Result<Condition> TagCondition(const std::string& text) {
  const auto equals = text.find('=');
  Condition condition;
  condition.key = text.substr(0, equals);
  if (condition.key.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "--tag: '" + text + "' has no key; expected KEY=VALUE, or KEY alone");
  }
  if (equals == std::string::npos) {
    condition.op = CompareOp::kExists;
  } else {
    condition.value = text.substr(equals + 1);
  }
  return condition;
}

}  // namespace

void RangeFlags::AddTo(CLI::App& app) {
  AddText(app, "--start,--since", start_, "TIME",
          "Spans that started at this time or later: 2023-11-14T22:13:20Z, 1700000000, 1h, "
          "'1h ago'");
  AddText(app, "--end,--until", end_, "TIME", "Spans that started before this time");
}

Result<TimeRange> RangeFlags::Build() const {
  TimeRange range;
  const std::uint64_t now_ns = NowNs();
  if (!start_.empty()) {
    auto begin = ParseMoment(start_, now_ns);
    if (!begin) return std::move(begin.error()).WithContext("--start");
    range.begin_ns = *begin;
  }
  if (!end_.empty()) {
    auto end = ParseMoment(end_, now_ns);
    if (!end) return std::move(end.error()).WithContext("--end");
    range.end_ns = *end;
  }
  if (range.begin_ns >= range.end_ns) {
    return Error(ErrorCode::kInvalidArgument,
                 "--start (" + TimeText(range.begin_ns) + ") is not before --end (" +
                     TimeText(range.end_ns) + ")");
  }
  return range;
}

void QueryFlags::AddTo(CLI::App& app) {
  AddText(app, "-s,--service", service_, "NAME", "Spans of this service");
  AddText(app, "--operation,--name", operation_, "NAME", "Spans of this operation (span name)");
  AddText(app, "--kind", kind_, "KIND",
          "Spans of this kind: server, client, producer, consumer, internal, unspecified");
  AddText(app, "--status", status_, "STATUS", "Spans of this status: error, ok, unset");
  app.add_flag("--error,--errors", error_, "Spans with an error: --status error")
      ->group(kConditions);
  app.add_option("-t,--tag", tags_, "Spans with this attribute; KEY alone: with any value. May be "
                                    "given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->group(kConditions);
  AddText(app, "--min-duration", min_duration_, "DURATION",
          "Spans that took at least this long: 100ms, 1.5s");
  AddText(app, "--max-duration", max_duration_, "DURATION", "Spans that took at most this long");
  AddText(app, "--trace-min-duration", trace_min_duration_, "DURATION",
          "Traces that took at least this long as a whole");
  AddText(app, "--trace-max-duration", trace_max_duration_, "DURATION",
          "Traces that took at most this long as a whole");
  AddText(app, "-w,--where,--filter", where_, "FILTER",
          "A filter: 'any(service = cart and duration > 1s) and not status = error' "
          "(docs/filter-language.md)");
  range_.AddTo(app);
}

bool QueryFlags::any() const noexcept {
  return range_.any() || !service_.empty() || !operation_.empty() || !kind_.empty() ||
         !status_.empty() || error_ || !tags_.empty() || !min_duration_.empty() ||
         !max_duration_.empty() || !trace_min_duration_.empty() ||
         !trace_max_duration_.empty() || !where_.empty();
}

Result<Query> QueryFlags::Build() const {
  Query query;
  auto range = range_.Build();
  if (!range) return std::move(range.error());
  query.span_start = *range;
  if (!where_.empty()) {
    auto filter = ParseFilter(where_);
    if (!filter) return std::move(filter.error()).WithContext("--where");
    query.where = std::move(*filter);
  }
  // After the filter: With() adds to what stands there.
  if (Status status = AddConditions(query); !status) return std::move(status.error());
  return query;
}

Status QueryFlags::AddConditions(Query& query) const {
  if (!service_.empty()) query.Service(service_);
  if (!operation_.empty()) query.Operation(operation_);
  if (!kind_.empty()) query.With(Of(Field::kKind, CompareOp::kEqual, kind_));
  if (!status_.empty()) query.With(Of(Field::kStatus, CompareOp::kEqual, status_));
  if (error_) query.ErrorsOnly();
  for (const std::string& tag : tags_) {
    auto condition = TagCondition(tag);
    if (!condition) return std::move(condition.error());
    query.With(std::move(*condition));
  }
  const struct {
    const std::string& text;
    Field field;
    CompareOp op;
    const char* flag;
  } durations[] = {
      {min_duration_, Field::kDuration, CompareOp::kGreaterEqual, "--min-duration"},
      {max_duration_, Field::kDuration, CompareOp::kLessEqual, "--max-duration"},
      {trace_min_duration_, Field::kTraceDuration, CompareOp::kGreaterEqual,
       "--trace-min-duration"},
      {trace_max_duration_, Field::kTraceDuration, CompareOp::kLessEqual,
       "--trace-max-duration"},
  };
  for (const auto& bound : durations) {
    if (bound.text.empty()) continue;
    auto duration = ParseDuration(bound.text);
    if (!duration) return std::move(duration.error()).WithContext(bound.flag);
    if (duration->count() < 0) {
      return Error(ErrorCode::kInvalidArgument,
                   std::string(bound.flag) + ": '" + bound.text + "' is below 0");
    }
    query.With(Of(bound.field, bound.op, std::to_string(duration->count())));
  }
  return {};
}

void MatchEverySpanIfNone(Query& query) {
  std::vector<const Expression*> left = {&query.where};
  while (!left.empty()) {
    const Expression& expression = *left.back();
    left.pop_back();
    if (expression.kind == Expression::Kind::kCondition &&
        !IsTraceField(expression.condition.field)) {
      return;
    }
    for (const Expression& child : expression.children) left.push_back(&child);
  }
  query.With(Of(Field::kSpanId, CompareOp::kNotEqual, SpanId().ToHex()));
}

std::string ConditionsHelp() {
  return "Conditions on a span all hold of one and the same span. A trace is found by any of its\n"
         "spans. Times are UTC; a time without a sign or zone may be a date, a Unix time, or how\n"
         "long ago: 15m, 2h, 7d.\n";
}

}  // namespace tracestore::tools
