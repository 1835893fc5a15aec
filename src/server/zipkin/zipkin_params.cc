#include "server/zipkin/zipkin_params.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <utility>

#include "base/try.h"
#include "codec/zipkin/zipkin_text.h"

namespace tracestore::server {
namespace {

using net::QueryParams;

// Zipkin's own bounds of what one request may name.
constexpr std::size_t kMostAnnotations = 100;
constexpr std::size_t kMostTraceIds = 1000;

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

// As Java trims: blanks and control characters.
std::string_view Trim(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// A whole number of Java's; nullopt where the parameter isn't there, or empty.
template <typename Number>
Result<std::optional<Number>> NumberOf(const QueryParams& params, const char* name) {
  const auto given = params.first(name);
  if (!given || given->empty()) return std::optional<Number>();
  std::string_view digits = *given;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  Number value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      digits.size() != given->size() - (given->starts_with('+') ? 1U : 0U) ||
      (given->starts_with('+') && digits.starts_with('-'))) {
    return Invalid("For input string: \"" + std::string(*given) + "\"");
  }
  return std::optional<Number>(value);
}

// An empty number is absent, but where Zipkin's own method takes a primitive of Java's.
Status RefuseEmpty(const QueryParams& params, const char* name) {
  const auto given = params.first(name);
  if (!given || !given->empty()) return {};
  return Invalid(std::string("Cannot set null to primitive type parameter: ") + name);
}

// Milliseconds above 0.
Result<std::uint64_t> MillisecondsOf(const QueryParams& params, const char* name,
                                     std::uint64_t fallback) {
  TS_TRY_ASSIGN(const auto value, NumberOf<std::int64_t>(params, name));
  if (!value) return fallback;
  if (*value <= 0) return Invalid(std::string(name) + " <= 0");
  return static_cast<std::uint64_t>(*value);
}

std::string NameOf(const QueryParams& params, const char* name) {
  return codec::ZipkinLowerCase(params.first(name).value_or(""));
}

// "error and http.method=GET": parts are AND-ed, the last of a key counts, and a bare word never
// takes the place of a key with a value.
std::map<std::string, std::string> AnnotationsOf(std::string_view text) {
  constexpr std::string_view kAnd = " and ";
  std::map<std::string, std::string> out;
  for (std::size_t parts = 1; !text.empty(); ++parts) {
    const std::size_t at = parts < kMostAnnotations ? text.find(kAnd) : std::string_view::npos;
    const std::string_view part = text.substr(0, at);
    text = at == std::string_view::npos ? std::string_view() : text.substr(at + kAnd.size());
    if (const std::size_t equals = part.find('='); equals != std::string_view::npos) {
      out.insert_or_assign(std::string(Trim(part.substr(0, equals))),
                           std::string(Trim(part.substr(equals + 1))));
    } else if (const std::string_view word = Trim(part); !word.empty()) {
      out.emplace(word, "");
    }
  }
  return out;
}

Status TakeDurations(const QueryParams& params, ZipkinSearch& out) {
  TS_TRY_ASSIGN(const auto least, NumberOf<std::int64_t>(params, "minDuration"));
  TS_TRY_ASSIGN(const auto most, NumberOf<std::int64_t>(params, "maxDuration"));
  if (!least) {
    if (most) return Invalid("maxDuration is only valid with minDuration");
    return {};
  }
  if (*least <= 0) return Invalid("minDuration <= 0");
  if (most && *most < *least) return Invalid("maxDuration < minDuration");
  out.min_duration_us = static_cast<std::uint64_t>(*least);
  if (most) out.max_duration_us = static_cast<std::uint64_t>(*most);
  return {};
}

Result<TraceId> IdOf(std::string_view id) {
  if (id.empty()) return Invalid("traceId is empty");
  if (id.size() > 32) return Invalid("traceId.length > 32");
  const bool hex = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (!hex) return Invalid(std::string(id) + " should be lower-hex encoded with no prefix");
  const TraceId parsed = TraceId::FromHex(id).value_or(TraceId{});
  if (parsed.empty()) return Invalid("traceId is all zeros");
  return parsed;
}

}  // namespace

Result<ZipkinSearch> ParseZipkinSearch(const QueryParams& params, std::uint64_t now_ms,
                                       std::uint64_t default_lookback_ms) {
  ZipkinSearch out;
  TS_TRY_ASSIGN(out.end_ms, MillisecondsOf(params, "endTs", now_ms));
  TS_TRY_ASSIGN(const std::uint64_t lookback,
                MillisecondsOf(params, "lookback", default_lookback_ms));
  out.begin_ms = out.end_ms - std::min(lookback, out.end_ms);
  TS_TRY(RefuseEmpty(params, "limit"));
  TS_TRY_ASSIGN(const auto limit, NumberOf<std::int32_t>(params, "limit"));
  if (limit) {
    if (*limit <= 0) return Invalid("limit <= 0");
    out.limit = static_cast<std::uint32_t>(*limit);
  }
  TS_TRY(TakeDurations(params, out));
  out.service = NameOf(params, "serviceName");
  out.remote_service = NameOf(params, "remoteServiceName");
  out.span_name = NameOf(params, "spanName");
  if (out.span_name == "all") out.span_name.clear();
  out.annotations = AnnotationsOf(params.first("annotationQuery").value_or(""));
  return out;
}

Result<ZipkinWindow> ParseZipkinWindow(const QueryParams& params,
                                       std::uint64_t default_lookback_ms) {
  TS_TRY(RequiredZipkinParam(params, "endTs"));
  TS_TRY(RefuseEmpty(params, "endTs"));
  ZipkinWindow out;
  TS_TRY_ASSIGN(out.end_ms, MillisecondsOf(params, "endTs", 0));
  TS_TRY_ASSIGN(const std::uint64_t lookback,
                MillisecondsOf(params, "lookback", default_lookback_ms));
  out.begin_ms = out.end_ms - std::min(lookback, out.end_ms);
  return out;
}

Result<TraceId> ParseZipkinTraceId(std::string_view text) { return IdOf(Trim(text)); }

Result<std::vector<TraceId>> ParseZipkinTraceIds(const QueryParams& params) {
  TS_TRY_ASSIGN(const std::string given, RequiredZipkinParam(params, "traceIds"));
  if (given.empty()) return Invalid("traceIds parameter is empty");
  std::vector<TraceId> ids;
  std::set<TraceId> seen;
  std::string_view rest = given;
  std::size_t at = 0;
  for (std::size_t parts = 1; at != std::string_view::npos; ++parts) {
    at = parts < kMostTraceIds ? rest.find(',') : std::string_view::npos;
    const std::string_view part = rest.substr(0, at);
    if (at != std::string_view::npos) rest.remove_prefix(at + 1);
    TS_TRY_ASSIGN(const TraceId id, IdOf(part));
    if (!seen.insert(id).second) return Invalid("redundant traceId: " + std::string(part));
    ids.push_back(id);
  }
  if (ids.size() == 1)
    return Invalid("Use /api/v2/trace/{traceId} endpoint to retrieve a single trace");
  return ids;
}

Result<std::string> RequiredZipkinParam(const QueryParams& params, const char* name) {
  const auto value = params.first(name);
  if (!value)
    return Invalid(std::string("Mandatory parameter/header/attribute is missing: ") + name);
  return std::string(*value);
}

}  // namespace tracestore::server
