#include "server/tempo/tempo_search.h"

#include <algorithm>
#include <utility>

#include "assembly/duplicates.h"
#include "base/try.h"
#include "model/span_batch.h"

namespace tracestore::server {
namespace {

// Summaries asked for at a time: some 100 KB of an answer.
constexpr std::uint32_t kPageTraces = 200;
// Names that a value is in are looked for one by one, up to here; beyond, each span is asked.
constexpr std::size_t kMostNames = 64;

Expression Compare(Field field, CompareOp op, std::string value) {
  Condition condition;
  condition.field = field;
  condition.op = op;
  condition.value = std::move(value);
  return Expression::Of(std::move(condition));
}
Expression Is(Field field, std::string value) {
  return Compare(field, CompareOp::kEqual, std::move(value));
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool Contains(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(), [](char a, char b) {
           return Lower(a) == Lower(b);
         }) != text.end();
}

// Of a field whose names the store knows: `names` are all that there are.
template <typename Names>
Expression NameContains(Field field, const Names& names, const std::string& value) {
  if (value.empty()) return Is(field, "");
  std::vector<Expression> any;
  for (const auto& name : names) {
    if (Contains(name.name, value)) any.push_back(Is(field, name.name));
  }
  if (any.size() > kMostNames) return Compare(field, CompareOp::kRegex, TempoPattern(value));
  return Expression::Or(std::move(any));
}

Expression TextContains(Field field, const std::string& value) {
  return value.empty() ? Is(field, "") : Compare(field, CompareOp::kRegex, TempoPattern(value));
}

Expression HasTag(const std::string& key, const std::string& value) {
  return value.empty() ? Expression::Attribute(key, CompareOp::kEqual, "", Level::kSpanOrResource)
                       : Expression::Attribute(key, CompareOp::kRegex, TempoPattern(value),
                                               Level::kSpanOrResource);
}

Expression StatusIs(const std::string& value) {
  static constexpr std::pair<std::string_view, StatusCode> kNames[] = {
      {"0", StatusCode::kUnset}, {"1", StatusCode::kOk},   {"2", StatusCode::kError},
      {"unset", StatusCode::kUnset}, {"ok", StatusCode::kOk}, {"error", StatusCode::kError}};
  for (const auto& [name, code] : kNames) {
    if (value == name) return Is(Field::kStatus, StatusCodeName(code));
  }
  return Expression::Or({});  // no span has it
}

// What one span, or the trace, has to have for a tag.
Result<Expression> TagCondition(const Snapshot& snapshot, const std::string& key,
                                const std::string& value) {
  if (key == "root.service.name") return TextContains(Field::kRootService, value);
  if (key == "root.name") return TextContains(Field::kRootOperation, value);
  if (key == "service.name") {
    TS_TRY_ASSIGN(const auto services, snapshot.Services());
    return Expression::SomeSpan(NameContains(Field::kService, services, value));
  }
  if (key == "name") {
    TS_TRY_ASSIGN(const auto operations, snapshot.Operations(""));
    return Expression::SomeSpan(NameContains(Field::kOperation, operations, value));
  }
  if (key == "status.code") return Expression::SomeSpan(StatusIs(value));
  if (key == "error" && value == "true") {
    return Expression::SomeSpan(
        Expression::Or({Is(Field::kStatus, "error"), HasTag(key, value)}));
  }
  return Expression::SomeSpan(HasTag(key, value));
}

}  // namespace

std::string TempoPattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) {
      const char lower = Lower(c);
      out += {'[', lower, static_cast<char>(lower - 32), ']'};
      continue;
    }
    const bool plain =
        (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (c == '\0') {
      out += "\\x00";
      continue;
    }
    if (!plain) out += '\\';
    out += c;
  }
  return out;
}

Result<Query> TempoQuery(const Snapshot& snapshot, const TempoSearch& search) {
  std::vector<Expression> all;
  for (const auto& [key, value] : search.tags) {
    TS_TRY_ASSIGN(Expression condition, TagCondition(snapshot, key, value));
    all.push_back(std::move(condition));
  }
  if (search.min_duration_ns != 0) {
    all.push_back(Compare(Field::kTraceDuration, CompareOp::kGreaterEqual,
                          std::to_string(search.min_duration_ns)));
  }
  if (search.max_duration_ns != 0) {
    all.push_back(Compare(Field::kTraceDuration, CompareOp::kLessEqual,
                          std::to_string(search.max_duration_ns)));
  }
  Query query;
  query.where = Expression::And(std::move(all));
  query.span_start = search.starts;
  return query;
}

Status TempoTraces::Begin() {
  begun_ = true;
  left_ = search_.limit;
  TS_TRY_ASSIGN(query_, TempoQuery(snapshot_, search_));
  return {};
}

Result<std::vector<TempoFound>> TempoTraces::Next() {
  if (!begun_) TS_TRY(Begin());
  std::vector<TempoFound> found;
  if (done_) return found;
  query_.limit = std::min(left_, kPageTraces);
  TS_TRY_ASSIGN(SummaryPage page, snapshot_.FindSummaries(query_));
  for (TraceSummary& summary : page.summaries) {
    TS_TRY_ASSIGN(TempoFound told, Tell(std::move(summary)));
    found.push_back(std::move(told));
  }
  left_ -= std::min(left_, static_cast<std::uint32_t>(found.size()));
  query_.cursor = std::move(page.next_cursor);
  done_ = left_ == 0 || query_.cursor.empty();
  return found;
}

Result<TempoFound> TempoTraces::Tell(TraceSummary summary) const {
  TempoFound found;
  found.summary = std::move(summary);
  // Without orphans the root is one, but in a circle of parents.
  if (found.summary.orphan_count == 0 && !search_.by_query) return found;
  TS_TRY_ASSIGN(const SpanList spans, snapshot_.Get(found.summary.trace_id));
  found.has_root = false;
  for (const std::uint32_t row : assembly::FindDistinct(*spans.batch()).rows) {
    const SpanView span = spans[row];
    found.has_root |= span.parent_id().empty();
    const bool there =
        search_.starts.all() || (span.has_start() && search_.starts.Contains(span.start_ns()));
    const bool firehose = (span.flags() & model::kFlagFirehose) != 0;
    if (!search_.by_query || !there || firehose) continue;
    if (++found.matched > search_.spans_per_set) continue;
    found.spans.push_back({span.span_id(), span.start_ns(), span.duration_ns()});
  }
  return found;
}

}  // namespace tracestore::server
