#include "server/jaeger/analytics_api.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <stop_token>
#include <string>
#include <utility>

#include "assembly/trace_graph.h"
#include "base/try.h"
#include "codec/detect/any_format.h"
#include "model/span_batch.h"
#include "query/call_paths.h"
#include "query/trace_quality.h"
#include "server/jaeger/analytics_json.h"
#include "server/jaeger/as_collected.h"
#include "server/jaeger/envelope.h"
#include "server/jaeger/go_values.h"
#include "server/jaeger/search_params.h"
#include "server/jaeger/trace_scan.h"

namespace tracestore::server {
namespace {

using assembly::TraceGraph;
using net::HttpRequest;
using net::HttpResponse;

constexpr std::int64_t kDefaultWindowUs = 24LL * 3600 * 1'000'000;
constexpr std::int64_t kDefaultHours = 48;
constexpr std::int64_t kMostHours = 24 * 366 * 100;

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Result<std::int64_t> NumberOf(const net::QueryParams& params, const char* name,
                              std::int64_t fallback) {
  const std::string_view text = params.first(name).value_or("");
  if (text.empty()) return fallback;
  const auto value = ParseGoInt(text, 64);
  if (!value.has_value())
    return Invalid("unable to parse param '" + std::string(name) + "': " + value.error().message());
  return *value;
}

std::uint64_t Scaled(std::int64_t value, std::uint64_t unit) {
  const auto number = static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  return number > std::numeric_limits<std::uint64_t>::max() / unit
             ? std::numeric_limits<std::uint64_t>::max()
             : number * unit;
}

// Both ends, in microseconds; an end counts as a whole one.
Result<TimeRange> RangeOf(const net::QueryParams& params, std::int64_t now_us) {
  TS_TRY_ASSIGN(std::int64_t end, NumberOf(params, "end", 0));
  TS_TRY_ASSIGN(std::int64_t start, NumberOf(params, "start", 0));
  if (end <= 0) end = now_us;
  if (start <= 0) start = std::max<std::int64_t>(end - kDefaultWindowUs, 0);
  if (start > end) return Invalid("'end' should be greater than 'start'");
  TimeRange range;
  range.begin_ns = Scaled(start, 1'000);
  range.end_ns = Scaled(end, 1'000);
  if (range.end_ns < std::numeric_limits<std::uint64_t>::max() - 1'000) range.end_ns += 1'000;
  return range;
}

// A service by the name that Jaeger shows it under.
std::string StoredName(std::string_view shown) {
  return shown == kNoServiceName || shown == kEmptyServiceName ? "" : std::string(shown);
}

void VisitEach(const SpanList& spans, const std::function<void(const TraceGraph&)>& visit) {
  if (spans.size() == 0) return;
  const model::SpanBatch& batch = *spans.batch();
  for (const auto& rows : codec::GroupByTrace(batch)) {
    model::SpanBatch trace;
    model::BatchAppender appender(trace);
    appender.SetSource(batch);
    for (const std::uint32_t row : rows) appender.Append(row);
    visit(TraceGraph::Build(trace));
  }
}

// Newest first, a trace at a time, up to TraceScan's bounds. Ends with the request.
Status Scan(const JaegerQuerySource& source, const HttpRequest& request, Query query,
            SpanParts parts, const std::function<void(const TraceGraph&)>& visit) {
  std::atomic<bool> cancel = false;
  const std::stop_callback on_stop(request.stop, [&cancel] { cancel = true; });
  TS_TRY_ASSIGN(const Snapshot snapshot, source.BoundedSnapshot(&cancel));
  TraceScan scan(snapshot, std::move(query), std::move(parts));
  while (!scan.done()) {
    TS_TRY_ASSIGN(const SpanList spans, scan.Next());
    VisitEach(spans, visit);
  }
  return {};
}

Condition Is(Field field, const std::string& value) {
  Condition condition;
  condition.field = field;
  condition.value = value;
  return condition;
}

// Traces with a span of the service, and the operation where there is one.
Query WithSpanOf(const std::string& service, const std::string& operation, TimeRange range) {
  Query query;
  query.span_start = range;
  query.With(Is(Field::kService, service));
  if (!operation.empty()) query.Operation(operation);
  return query;
}

// Traces with a span of the service, or one that names it as the other end.
Query Concerning(const std::string& service, TimeRange range) {
  Query query;
  query.span_start = range;
  query.where = Expression::SomeSpan(Expression::Or(
      {Expression::Of(Is(Field::kService, service)),
       Expression::Attribute("peer.service", CompareOp::kEqual, service, Level::kSpan)}));
  return query;
}

}  // namespace

HttpResponse JaegerAnalyticsApi::Paths(const HttpRequest& request) const {
  const std::string_view service = request.query.first("service").value_or("");
  if (service.empty()) return Failure(400, "parameter 'service' is required");
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(source_->Now()).count();
  const auto range = RangeOf(request.query, now);
  if (!range.has_value()) return Failure(range.error());
  query::CallPathOptions options;
  options.service = StoredName(service);
  options.operation = request.query.first("operation").value_or("");
  query::CallPathTally tally(options);
  SpanParts parts;
  parts.attributes = false;
  parts.events = false;
  const Status read =
      Scan(*source_, request, WithSpanOf(options.service, options.operation, *range), parts,
           [&tally](const TraceGraph& graph) { tally.Add(graph); });
  if (!read.has_value()) return Failure(read.error());
  // By the name that was asked for: the page looks for it on each path.
  const std::string_view unnamed =
      options.service.empty() ? service : JaegerQuerySource::Shown("");
  return HttpResponse::Json(200, PathsJson(tally.Paths(), unnamed));
}

HttpResponse JaegerAnalyticsApi::Quality(const HttpRequest& request) const {
  const std::string_view service = request.query.first("service").value_or("");
  if (service.empty()) return Failure(400, "parameter 'service' is required");
  const auto hours = NumberOf(request.query, "hours", kDefaultHours);
  if (!hours.has_value()) return Failure(hours.error());
  if (*hours < 1) return Failure(400, "unable to parse param 'hours': it must be at least 1");
  const auto now_ns = static_cast<std::uint64_t>(source_->Now().count());
  const std::uint64_t window = Scaled(std::min(*hours, kMostHours), 3'600'000'000'000);
  TimeRange range;
  range.begin_ns = now_ns > window ? now_ns - window : 0;
  query::TraceQualityTally tally(StoredName(service));
  SpanParts parts;
  parts.keys.assign(std::begin(query::kQualityKeys), std::end(query::kQualityKeys));
  parts.events = false;
  const Status read = Scan(*source_, request, Concerning(StoredName(service), range), parts,
                           [&tally](const TraceGraph& graph) { tally.Add(graph); });
  if (!read.has_value()) return Failure(read.error());
  return HttpResponse::Json(200, QualityJson(tally.quality()));
}

}  // namespace tracestore::server
