#include "server/jaeger/search_params.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "base/try.h"
#include "server/jaeger/as_collected.h"
#include "server/jaeger/go_values.h"

namespace tracestore::server {
namespace {

using net::QueryParams;

constexpr std::uint64_t kDefaultLookbackUs = 48ULL * 3600 * 1'000'000;
constexpr std::int64_t kDefaultDependencyLookbackMs = 24LL * 3600 * 1000;
constexpr std::uint32_t kDefaultLimit = 100;
constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Error UnableToParse(const char* name, const Error& error) {
  return Invalid(std::string("unable to parse param '") + name + "': " + error.message());
}

std::string_view TextOf(const QueryParams& params, const char* name) {
  return params.first(name).value_or("");
}

// A whole number, `fallback` where the parameter is absent or empty.
Result<std::int64_t> NumberOf(const QueryParams& params, const char* name, std::int64_t fallback) {
  const std::string_view text = TextOf(params, name);
  if (text.empty()) return fallback;
  auto value = ParseGoInt(text, 64);
  if (!value.has_value()) return UnableToParse(name, value.error());
  return value;
}

Result<std::int64_t> DurationOf(const QueryParams& params, const char* name) {
  const std::string_view text = TextOf(params, name);
  if (text.empty()) return std::int64_t{0};
  const auto value = ParseGoDuration(text);
  if (!value.has_value()) return UnableToParse(name, value.error());
  return value->count();
}

Result<bool> RawOf(const QueryParams& params) {
  const std::string_view text = TextOf(params, "raw");
  if (text.empty()) return false;
  auto value = ParseGoBool(text);
  if (!value.has_value()) return UnableToParse("raw", value.error());
  return value;
}

// `units` of `ns_each`, cut off at both ends of what 64 bits hold.
std::uint64_t ToNanoseconds(std::int64_t units, std::uint64_t ns_each) {
  if (units <= 0) return 0;
  const auto count = static_cast<std::uint64_t>(units);
  return count > kForever / ns_each ? kForever : count * ns_each;
}

// From the first nanosecond of `begin` to the last of `end`.
TimeRange WholeUnits(std::int64_t begin, std::int64_t end, std::uint64_t ns_each) {
  if (end < 0) return {0, 0};
  const std::uint64_t last = ToNanoseconds(end, ns_each);
  return {ToNanoseconds(begin, ns_each), last > kForever - ns_each ? kForever : last + ns_each};
}

Result<std::map<std::string, std::string>> TagsOf(const QueryParams& params) {
  std::map<std::string, std::string> tags;
  for (const std::string_view tag : params.all("tag")) {
    const auto colon = tag.find(':');
    if (colon == std::string_view::npos) {
      return Invalid("malformed 'tag' parameter, expecting key:value, received: " +
                     std::string(tag));
    }
    tags[std::string(tag.substr(0, colon))] = tag.substr(colon + 1);
  }
  for (const std::string_view json : params.all("tags")) {
    auto more = ParseGoStringMap(json);
    if (!more.has_value()) {
      return Invalid("malformed 'tags' parameter, cannot unmarshal JSON: " +
                     more.error().message());
    }
    for (auto& [key, value] : *more) tags[key] = std::move(value);
  }
  return tags;
}

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

// A tag as Jaeger shows it: an attribute at any level, or the field of the model that the answer
// shows under this key (docs/format/jaeger-json.md).
Expression TagIs(const std::string& key, const std::string& value) {
  Expression attribute = Expression::Attribute(key, CompareOp::kEqual, value);
  const auto or_field = [&](Field field, std::string text) {
    return Expression::Or({std::move(attribute), Is(field, std::move(text))});
  };
  if (key == "error" && value == "true") return or_field(Field::kStatus, "error");
  if (key == "otel.status_code" && value == "ERROR") return or_field(Field::kStatus, "error");
  if (key == "otel.status_code" && value == "OK") return or_field(Field::kStatus, "ok");
  if (value.empty()) return attribute;
  if (key == "span.kind") {
    for (const SpanKind kind : {SpanKind::kInternal, SpanKind::kServer, SpanKind::kClient,
                                SpanKind::kProducer, SpanKind::kConsumer}) {
      if (value == SpanKindName(kind)) return or_field(Field::kKind, value);
    }
  }
  if (key == "otel.status_description") return or_field(Field::kStatusMessage, value);
  if (key == "otel.scope.name") return or_field(Field::kScopeName, value);
  if (key == "event") return or_field(Field::kEventName, value);
  return attribute;
}

Expression ServiceIs(const std::string& service) {
  if (service != kNoServiceName && service != kEmptyServiceName)
    return Is(Field::kService, service);
  return Expression::Or({Is(Field::kService, ""), Is(Field::kService, service)});
}

}  // namespace

Expression OnOneSpan(const SpanConditions& conditions) {
  std::vector<Expression> all;
  if (!conditions.service.empty()) all.push_back(ServiceIs(conditions.service));
  if (!conditions.operation.empty()) all.push_back(Is(Field::kOperation, conditions.operation));
  if (conditions.least_ns > 0) {
    all.push_back(Compare(Field::kDuration, CompareOp::kGreaterEqual,
                          std::to_string(conditions.least_ns)));
  }
  if (conditions.most_ns > 0) {
    all.push_back(
        Compare(Field::kDuration, CompareOp::kLessEqual, std::to_string(conditions.most_ns)));
  }
  for (const auto& [key, value] : conditions.tags) all.push_back(TagIs(key, value));
  return Expression::SomeSpan(Expression::And(std::move(all)));
}

Result<SearchParams> ParseSearch(const QueryParams& params, std::uint64_t now_us) {
  SearchParams out;
  const std::string service(TextOf(params, "service"));
  const std::string operation(TextOf(params, "operation"));
  const auto now = static_cast<std::int64_t>(now_us);
  TS_TRY_ASSIGN(const std::int64_t start,
                NumberOf(params, "start", now - static_cast<std::int64_t>(kDefaultLookbackUs)));
  TS_TRY_ASSIGN(const std::int64_t end, NumberOf(params, "end", now));
  TS_TRY_ASSIGN(const auto tags, TagsOf(params));
  std::int64_t limit = kDefaultLimit;
  if (const std::string_view text = TextOf(params, "limit"); !text.empty()) {
    TS_TRY_ASSIGN(limit, ParseGoInt(text, 32));
  }
  TS_TRY_ASSIGN(const std::int64_t least, DurationOf(params, "minDuration"));
  TS_TRY_ASSIGN(const std::int64_t most, DurationOf(params, "maxDuration"));
  for (const std::string_view id : params.all("traceID")) {
    auto trace_id = ParseJaegerTraceId(id);
    if (!trace_id.has_value())
      return Invalid("cannot parse traceID param: " + trace_id.error().message());
    out.trace_ids.push_back(*trace_id);
  }
  TS_TRY_ASSIGN(out.raw, RawOf(params));
  if (service.empty() && out.trace_ids.empty()) return Invalid("parameter 'service' is required");
  if (least != 0 && most != 0 && most < least)
    return Invalid("'maxDuration' should be greater than 'minDuration'");

  out.query.where = OnOneSpan({service, operation, least, most, tags});
  out.query.span_start = WholeUnits(start, end, 1'000);
  // Jaeger's storages take a limit of 0 or less as none.
  out.query.limit = static_cast<std::uint32_t>(std::max<std::int64_t>(limit, 0));
  out.nothing_matches = most < 0 || out.query.span_start.begin_ns >= out.query.span_start.end_ns;
  return out;
}

Result<bool> ParseGetTrace(const QueryParams& params) {
  TS_TRY(NumberOf(params, "start", 0));
  TS_TRY(NumberOf(params, "end", 0));
  return RawOf(params);
}

Result<TimeRange> ParseDependencies(const QueryParams& params, std::uint64_t now_ms) {
  TS_TRY_ASSIGN(const std::int64_t end,
                NumberOf(params, "endTs", static_cast<std::int64_t>(now_ms)));
  TS_TRY_ASSIGN(const std::int64_t lookback,
                NumberOf(params, "lookback", kDefaultDependencyLookbackMs));
  const std::int64_t begin =
      lookback < 0 || end < 0 ? end : std::max<std::int64_t>(end - lookback, 0);
  return WholeUnits(begin, end, 1'000'000);
}

}  // namespace tracestore::server
