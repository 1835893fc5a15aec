#include "server/tempo/tempo_params.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/try.h"
#include "server/jaeger/go_values.h"
#include "server/tempo/logfmt.h"

namespace tracestore::server {
namespace {

using net::QueryParams;

constexpr std::uint64_t kNsEach = 1'000'000'000;
constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
// Of one request; each becomes a condition.
constexpr std::size_t kMostTags = 100;
// Told of one trace: a page of a search's traces is some MB of text at most. Tempo's own default.
constexpr std::uint64_t kMostSpansPerSet = 100;
constexpr const char* kNoTraceQl =
    "TraceQL is not built yet: search by tags, minDuration and maxDuration, or with q={}";

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }
Error InvalidParam(const char* name, const Error& error) {
  return Invalid("invalid " + std::string(name) + ": " + error.message());
}

std::string_view TextOf(const QueryParams& params, const char* name) {
  return params.first(name).value_or("");
}

// "" is absent.
Result<std::optional<std::uint64_t>> NumberOf(const QueryParams& params, const char* name) {
  const std::string_view text = TextOf(params, name);
  if (text.empty()) return std::optional<std::uint64_t>();
  const auto value = ParseGoUint(text, 32);
  if (!value.has_value()) return InvalidParam(name, value.error());
  return std::optional<std::uint64_t>(*value);
}

Result<std::uint32_t> CountOf(const QueryParams& params, const char* name, std::uint32_t fallback) {
  TS_TRY_ASSIGN(const auto value, NumberOf(params, name));
  if (!value) return fallback;
  if (*value == 0)
    return Invalid("invalid " + std::string(name) + ": must be a positive number");
  return static_cast<std::uint32_t>(*value);
}

Result<std::uint64_t> DurationOf(const QueryParams& params, const char* name) {
  const std::string_view text = TextOf(params, name);
  if (text.empty()) return std::uint64_t{0};
  const auto value = ParseGoDuration(text);
  if (!value.has_value()) return InvalidParam(name, value.error());
  if (value->count() < 0)
    return Invalid("invalid " + std::string(name) + ": must be a positive duration");
  return static_cast<std::uint64_t>(value->count());
}

bool IsEmptyQuery(std::string_view q) {
  std::string bare;
  for (const char c : q) {
    if (static_cast<unsigned char>(c) > ' ') bare += c;
  }
  return bare.empty() || bare == "{}";
}

Error NotBefore(std::uint64_t start, std::uint64_t end) {
  return Invalid("http parameter start must be before end. received start=" +
                 std::to_string(start) + " end=" + std::to_string(end));
}

Status TakeTags(const QueryParams& params, TempoSearch& out) {
  auto tags = ParseLogfmt(TextOf(params, "tags"));
  if (!tags.has_value()) return InvalidParam("tags", tags.error());
  if (tags->size() > kMostTags)
    return Invalid("invalid tags: more than " + std::to_string(kMostTags));
  std::set<std::string_view> seen;
  for (const auto& [key, value] : *tags) {
    if (!seen.insert(key).second)
      return Invalid("invalid tags: tag " + key + " has been set twice");
  }
  out.tags = std::move(tags).value();
  return {};
}

struct Intrinsic {
  std::string_view name;
  TempoIntrinsic is;
};
constexpr Intrinsic kIntrinsics[] = {
    {"duration", TempoIntrinsic::kUncounted},
    {"event:name", TempoIntrinsic::kEventName},
    {"event:timeSinceStart", TempoIntrinsic::kUncounted},
    {"instrumentation:name", TempoIntrinsic::kScopeName},
    {"instrumentation:version", TempoIntrinsic::kScopeVersion},
    {"kind", TempoIntrinsic::kKind},
    {"link:spanID", TempoIntrinsic::kUncounted},
    {"link:traceID", TempoIntrinsic::kUncounted},
    {"name", TempoIntrinsic::kName},
    {"rootName", TempoIntrinsic::kRootName},
    {"rootServiceName", TempoIntrinsic::kRootService},
    {"span:duration", TempoIntrinsic::kUncounted},
    {"span:id", TempoIntrinsic::kUncounted},
    {"span:kind", TempoIntrinsic::kKind},
    {"span:name", TempoIntrinsic::kName},
    {"span:parentID", TempoIntrinsic::kUncounted},
    {"span:status", TempoIntrinsic::kStatus},
    {"span:statusMessage", TempoIntrinsic::kStatusMessage},
    {"status", TempoIntrinsic::kStatus},
    {"statusMessage", TempoIntrinsic::kStatusMessage},
    {"trace:duration", TempoIntrinsic::kUncounted},
    {"trace:id", TempoIntrinsic::kUncounted},
    {"trace:rootName", TempoIntrinsic::kRootName},
    {"trace:rootService", TempoIntrinsic::kRootService},
    {"traceDuration", TempoIntrinsic::kUncounted},
};

Error NoTag(std::string_view text, const std::string& why) {
  return Invalid("please provide a valid tagName: failed to parse identifier " +
                 std::string(text) + ": " + why);
}

// A name, perhaps in double quotes with \" and \\ in it.
Result<std::string> AttributeName(std::string_view whole, std::string_view text) {
  if (text.empty()) return NoTag(whole, "an attribute's name is missing");
  if (text.front() != '"') return std::string(text);
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (i + 1 != text.size() || out.empty()) break;
      return out;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return NoTag(whole, "a quoted name isn't right");
}

}  // namespace

Result<TimeRange> ParseTempoRange(const QueryParams& params) {
  TS_TRY_ASSIGN(const auto start, NumberOf(params, "start"));
  TS_TRY_ASSIGN(const auto end, NumberOf(params, "end"));
  const std::uint64_t first = start.value_or(0);
  const std::uint64_t last = end.value_or(0);
  if (first == 0 && last == 0) return TimeRange();
  if (last <= first) return NotBefore(first, last);
  return TimeRange{first * kNsEach, last * kNsEach + 1};
}

Result<TempoSearch> ParseTempoSearch(const QueryParams& params) {
  TempoSearch out;
  TS_TRY_ASSIGN(out.starts, ParseTempoRange(params));
  const std::string_view q = TextOf(params, "q");
  if (!q.empty() && !TextOf(params, "tags").empty())
    return Invalid("invalid request: can't specify tags and q in the same query");
  if (!IsEmptyQuery(q)) return Error(ErrorCode::kUnsupported, kNoTraceQl);
  out.by_query = !q.empty();
  TS_TRY(TakeTags(params, out));
  TS_TRY_ASSIGN(out.min_duration_ns, DurationOf(params, "minDuration"));
  TS_TRY_ASSIGN(out.max_duration_ns, DurationOf(params, "maxDuration"));
  if (out.max_duration_ns != 0 && out.max_duration_ns < out.min_duration_ns)
    return Invalid("invalid maxDuration: must be greater than minDuration");
  TS_TRY_ASSIGN(out.limit, CountOf(params, "limit", out.limit));
  TS_TRY_ASSIGN(const auto spss, NumberOf(params, "spss"));
  if (spss.value_or(0) > kMostSpansPerSet) {
    return Invalid("spans per span set exceeds " + std::to_string(kMostSpansPerSet) +
                   ". received " + std::to_string(*spss));
  }
  if (spss) out.spans_per_set = static_cast<std::uint32_t>(*spss);
  return out;
}

Status CheckTempoTraceParams(const QueryParams& params) {
  std::int64_t given[2] = {};
  const char* const names[2] = {"start", "end"};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string_view text = TextOf(params, names[i]);
    if (text.empty()) continue;
    const auto value = ParseGoInt(text, 64);
    if (!value.has_value()) return InvalidParam(names[i], value.error());
    given[i] = *value;
  }
  if ((given[0] != 0 || given[1] != 0) && given[1] <= given[0]) {
    return Invalid("http parameter start must be before end. received start=" +
                   std::to_string(given[0]) + " end=" + std::to_string(given[1]));
  }
  if (!IsEmptyQuery(TextOf(params, "q"))) return Error(ErrorCode::kUnsupported, kNoTraceQl);
  return {};
}

Result<TraceId> ParseTempoTraceId(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (TraceId::FromHex(text.substr(i, 1))) continue;
    std::string shown = GoQuote(text.substr(i, 1));
    return Invalid("trace IDs can only contain hex characters: invalid character '" +
                   shown.substr(1, shown.size() - 2) + "' at position " + std::to_string(i + 1));
  }
  if (text.size() > 32) return Invalid("trace IDs can't be larger than 128 bits");
  return TraceId::FromHex(text).value_or(TraceId{});
}

Result<TempoScopes> ParseTempoScope(const QueryParams& params) {
  const std::string_view scope = TextOf(params, "scope");
  if (scope.empty() || scope == "none") return TempoScopes();
  if (scope == "intrinsic") return TempoScopes{0, true};
  for (const TempoLevel& known : kTempoLevels) {
    if (scope == known.name) return TempoScopes{known.level, false};
  }
  return Invalid("invalid scope: " + std::string(scope));
}

Result<TempoTag> ParseTempoTag(std::string_view text) {
  TempoTag tag;
  for (const Intrinsic& known : kIntrinsics) {
    if (text != known.name) continue;
    tag.intrinsic = known.is;
    return tag;
  }
  const std::size_t dot = text.find('.');
  const std::string_view scope = text.substr(0, dot);
  tag.levels = 0;
  if (dot == 0) tag.levels = query::kOnSpan | query::kOnResource;
  for (const TempoLevel& known : kTempoLevels) {
    if (dot != std::string_view::npos && scope == known.name) tag.levels = known.level;
  }
  if (tag.levels == 0)
    return NoTag(text, "parse error at line 1, col 2: unknown identifier: " + std::string(scope));
  TS_TRY_ASSIGN(tag.key, AttributeName(text, text.substr(dot + 1)));
  return tag;
}

Result<std::size_t> ParseTempoNameLimit(const QueryParams& params, bool strict) {
  const auto value = NumberOf(params, "limit");
  if (!value.has_value()) {
    if (strict) return value.error();
    return std::size_t{0};
  }
  return static_cast<std::size_t>(value->value_or(0));
}

const std::vector<std::string>& TempoIntrinsicNames() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const Intrinsic& known : kIntrinsics) names.emplace_back(known.name);
    return names;
  }();
  return kNames;
}

}  // namespace tracestore::server
