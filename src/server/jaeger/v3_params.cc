#include "server/jaeger/v3_params.h"

#include <charconv>
#include <chrono>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "base/try.h"
#include "codec/jaeger/filter_tree.h"
#include "server/jaeger/filter_expression.h"
#include "server/jaeger/go_values.h"
#include "server/jaeger/search_params.h"

namespace tracestore::server {
namespace {

using net::QueryParams;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kDefaultTraces = 100;

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Error Malformed(std::string_view name, const std::string& why) {
  return Invalid("malformed parameter " + std::string(name) + ": " + why);
}

std::string CamelCase(std::string_view snake) {
  std::string out;
  bool upper = false;
  for (const char c : snake) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

// `digits` digits at the front of `text`, which are taken off.
std::optional<int> Take(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || text[0] == '-') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}
bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// ".5", up to nine digits that count; nothing there is 0.
std::optional<std::uint64_t> TakeFraction(std::string_view& text) {
  if (!TakeChar(text, '.')) return 0;
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    if (digits++ < 9) value = value * 10 + static_cast<std::uint64_t>(text.front() - '0');
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) value *= 10;
  return value;
}

// Seconds east of Greenwich.
std::optional<std::int64_t> TakeZone(std::string_view& text) {
  if (TakeChar(text, 'Z')) return 0;
  const bool west = !text.empty() && text.front() == '-';
  if (!west && (text.empty() || text.front() != '+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = Take(text, 2);
  const bool colon = TakeChar(text, ':');
  const auto minutes = Take(text, 2);
  if (!hours || !colon || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return west ? -seconds : seconds;
}

std::optional<std::uint64_t> Rfc3339(std::string_view text) {
  const auto year = Take(text, 4);
  if (!year || !TakeChar(text, '-')) return std::nullopt;
  const auto month = Take(text, 2);
  if (!month || !TakeChar(text, '-')) return std::nullopt;
  const auto day = Take(text, 2);
  if (!day || !TakeChar(text, 'T')) return std::nullopt;
  const auto hour = Take(text, 2);
  if (!hour || !TakeChar(text, ':')) return std::nullopt;
  const auto minute = Take(text, 2);
  if (!minute || !TakeChar(text, ':')) return std::nullopt;
  const auto second = Take(text, 2);
  const auto fraction = TakeFraction(text);
  const auto zone = TakeZone(text);
  if (!second || !fraction || !zone || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86'400 + *hour * 3600 + *minute * 60 + *second - *zone;
  constexpr std::int64_t kLastSecond =
      static_cast<std::int64_t>(std::numeric_limits<std::uint64_t>::max() / kSecond) - 1;
  if (seconds < 0 || seconds > kLastSecond) return std::nullopt;
  return static_cast<std::uint64_t>(seconds) * kSecond + *fraction;
}

// nullopt where it is absent.
Result<std::optional<std::uint64_t>> TimeOf(const QueryParams& params, std::string_view name) {
  const std::string_view text = V3Text(params, name);
  if (text.empty()) return std::optional<std::uint64_t>();
  const auto time = ParseRfc3339(text);
  if (!time.has_value()) return Malformed(name, time.error().message());
  return std::optional<std::uint64_t>(*time);
}

Result<bool> RawOf(const QueryParams& params, std::string_view name) {
  const std::string_view text = V3Text(params, name);
  if (text.empty()) return false;
  const auto raw = ParseGoBool(text);
  if (!raw.has_value()) return Malformed(name, raw.error().message());
  return *raw;
}

// Nanoseconds, 0 where it is absent.
Result<std::int64_t> DurationOf(const QueryParams& params, std::string_view name) {
  const std::string_view text = V3Text(params, name);
  if (text.empty()) return std::int64_t{0};
  const auto duration = ParseGoDuration(text);
  if (!duration.has_value()) return Malformed(name, duration.error().message());
  return duration->count();
}

Status TakeTimes(const QueryParams& params, Query& query) {
  TS_TRY_ASSIGN(const auto begin, TimeOf(params, "query.start_time_min"));
  TS_TRY_ASSIGN(const auto end, TimeOf(params, "query.start_time_max"));
  if (!begin || !end)
    return Invalid("query.startTimeMin and query.startTimeMax are required");
  if (*begin >= *end)
    return Invalid("query.startTimeMin must be before query.startTimeMax");
  query.span_start = {*begin, *end + 1};  // both ends count
  return {};
}

Status TakeLimit(const QueryParams& params, Query& query) {
  query.limit = kDefaultTraces;
  for (const std::string_view name : {"query.search_depth", "query.num_traces"}) {
    const std::string_view text = V3Text(params, name);
    if (text.empty()) continue;
    const auto limit = ParseGoInt(text, 32);
    if (!limit.has_value()) return Malformed(name, limit.error().message());
    query.limit = *limit > 0 ? static_cast<std::uint32_t>(*limit) : kDefaultTraces;
  }
  return {};
}

// The legacy conditions that a request has beside its filter, separated by blanks.
std::string BesideFilter(const QueryParams& params) {
  std::string names;
  for (const std::string_view name :
       {"service_name", "operation_name", "duration_min", "duration_max", "attributes"}) {
    if (V3Text(params, "query." + std::string(name)).empty()) continue;
    if (!names.empty()) names += ' ';
    names += name;
  }
  return names;
}

}  // namespace

std::string_view V3Text(const QueryParams& params, std::string_view snake) {
  if (const auto text = params.first(snake)) return *text;
  return params.first(CamelCase(snake)).value_or("");
}

Result<std::uint64_t> ParseRfc3339(std::string_view text) {
  if (const auto time = Rfc3339(text)) return *time;
  return Invalid("parsing time " + GoQuote(text) + " as RFC 3339: it is none, or out of range");
}

Result<TraceId> ParseV3TraceId(std::string_view text) {
  const auto id = ParseJaegerTraceId(text);
  if (!id.has_value()) return Malformed("trace_id", "invalid length for TraceID");
  return *id;
}

Result<bool> ParseV3GetTrace(const QueryParams& params) {
  TS_TRY(TimeOf(params, "start_time"));
  TS_TRY(TimeOf(params, "end_time"));
  return RawOf(params, "raw_traces");
}

Result<V3Search> ParseV3Search(const QueryParams& params) {
  V3Search out;
  TS_TRY(TakeTimes(params, out.query));
  TS_TRY(TakeLimit(params, out.query));
  SpanConditions wanted;
  wanted.service = V3Text(params, "query.service_name");
  wanted.operation = V3Text(params, "query.operation_name");
  TS_TRY_ASSIGN(wanted.least_ns, DurationOf(params, "query.duration_min"));
  TS_TRY_ASSIGN(wanted.most_ns, DurationOf(params, "query.duration_max"));
  if (const std::string_view text = V3Text(params, "query.attributes"); !text.empty()) {
    auto attributes = ParseGoStringMap(text);
    if (!attributes.has_value())
      return Malformed("query.attributes", attributes.error().message());
    wanted.tags = std::move(attributes).value();
  }
  TS_TRY_ASSIGN(out.raw, RawOf(params, "query.raw_traces"));
  if (const std::string_view text = V3Text(params, "query.filter"); !text.empty()) {
    TS_TRY_ASSIGN(out.query.where,
                  FilterExpression(codec::DecodeFilterJson(text), BesideFilter(params)));
  } else {
    out.query.where = OnOneSpan(wanted);
  }
  return out;
}

Result<TimeRange> ParseV3Dependencies(const QueryParams& params) {
  TS_TRY_ASSIGN(const auto begin, TimeOf(params, "start_time"));
  TS_TRY_ASSIGN(const auto end, TimeOf(params, "end_time"));
  if (!begin || !end) return Invalid("start_time and end_time are required");
  return TimeRange{*begin, *end + 1};
}

}  // namespace tracestore::server
