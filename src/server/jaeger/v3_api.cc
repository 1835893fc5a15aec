#include "server/jaeger/v3_api.h"

#include <algorithm>
#include <atomic>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/try.h"
#include "codec/json/json_writer.h"
#include "codec/otlp/json_encoder.h"
#include "server/jaeger/found_summaries.h"
#include "server/jaeger/trace_view.h"
#include "server/jaeger/v3_params.h"

namespace tracestore::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::PathParams;

constexpr std::string_view kNoTraces = "No traces found";

HttpResponse Refuse(int status, std::string_view message) {
  std::string body;
  codec::JsonWriter json(body);
  json.BeginObject();
  json.Key("error");
  json.BeginObject();
  json.Key("httpCode");
  json.Int(status);
  json.Key("message");
  json.String(message);
  json.EndObject();
  json.EndObject();
  return HttpResponse::Json(status, std::move(body));
}

HttpResponse Refuse(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument: return Refuse(400, error.message());
    case ErrorCode::kNotFound: return Refuse(404, error.message());
    default: return Refuse(500, error.message());
  }
}

// The list inside of {"resourceSpans":[…]}, without its brackets.
void AppendResourceSpans(const ShownTrace& trace, std::string& out) {
  constexpr std::string_view kHead = R"({"resourceSpans":[)";
  constexpr std::string_view kTail = "]}";
  std::string text;
  codec::EncodeOtlpJson(*trace.batch, trace.rows, text);
  out.append(text, kHead.size(), text.size() - kHead.size() - kTail.size());
}

constexpr std::string_view kResultHead = R"({"result":{"resourceSpans":[)";
constexpr std::string_view kResultTail = "]}}";

// Traces as one result, one at a time.
class ResultStream {
 public:
  ResultStream(Snapshot snapshot, std::vector<TraceId> ids, bool raw, std::uint64_t skew_ns,
               std::stop_token stop)
      : snapshot_(std::move(snapshot)), ids_(std::move(ids)), raw_(raw), skew_ns_(skew_ns),
        stop_(std::move(stop)) {}

  // A BodyStream's call.
  Result<bool> Next(std::string& chunk) {
    if (next_ == 0) chunk = kResultHead;
    if (next_ == ids_.size()) {
      chunk += kResultTail;
      return false;
    }
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "the server stops");
    TS_TRY_ASSIGN(const SpanList spans, snapshot_.Get(ids_[next_]));
    if (next_++ > 0) chunk += ',';
    AppendResourceSpans(ShowTrace(spans, raw_, skew_ns_), chunk);
    return true;
  }

 private:
  const Snapshot snapshot_;
  const std::vector<TraceId> ids_;
  const bool raw_;
  const std::uint64_t skew_ns_;
  const std::stop_token stop_;
  std::size_t next_ = 0;
};

// proto3's JSON: what is empty or 0 is left out.
void Text(std::string_view key, std::string_view value, codec::JsonWriter& json) {
  if (value.empty()) return;
  json.Key(key);
  json.String(value);
}
void Number(std::string_view key, std::uint64_t value, codec::JsonWriter& json) {
  if (value == 0) return;
  json.Key(key);
  json.Uint(value);
}

void WriteSummary(const TraceSummary& summary, codec::JsonWriter& json) {
  json.BeginObject();
  Text("traceId", summary.trace_id.ToHex(), json);
  Text("rootServiceName", summary.root_service, json);
  Text("rootOperationName", summary.root_operation, json);
  if (summary.has_start) {
    Text("minStartTimeUnixNano", std::to_string(summary.start_ns), json);
    Text("maxEndTimeUnixNano", std::to_string(summary.end_ns), json);
  }
  Number("spanCount", summary.span_count, json);
  Number("errorSpanCount", summary.error_count, json);
  Number("orphanSpanCount", summary.orphan_count, json);
  if (!summary.services.empty()) {
    json.Key("services");
    json.BeginArray();
    for (const TraceSummary::Service& service : summary.services) {
      json.BeginObject();
      Text("name", JaegerQuerySource::Shown(service.name), json);
      Number("spanCount", service.span_count, json);
      Number("errorSpanCount", service.error_count, json);
      json.EndObject();
    }
    json.EndArray();
  }
  json.EndObject();
}

constexpr std::string_view kSummariesHead = R"({"summaries":[)";
constexpr std::string_view kSummariesTail = "]}";
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;

// A BodyStream's call: the next of the list, its end after the last.
Result<bool> NextSummaries(FoundSummaries& found, bool is_first, std::string& chunk) {
  if (is_first) chunk = kSummariesHead;
  bool comma = !is_first;
  const Status written = found.WriteTo(chunk, kChunkBytes, [&](const TraceSummary& summary) {
    if (comma) chunk += ',';
    comma = true;
    codec::JsonWriter json(chunk);
    WriteSummary(summary, json);
  });
  if (!written.has_value()) return written.error();
  if (found.done()) chunk += kSummariesTail;
  return !found.done();
}

// A query that a stopping server ends.
template <typename Run>
auto Stoppable(const HttpRequest& request, Query query, const Run& run) {
  std::atomic<bool> cancel = false;
  const std::stop_callback on_stop(request.stop, [&cancel] { cancel = true; });
  query.cancel = &cancel;
  return run(query);
}

}  // namespace

HttpResponse JaegerV3Api::Services(const HttpRequest&, const PathParams&) const {
  const auto names = source_->ServiceNames();
  if (!names.has_value()) return Refuse(names.error());
  std::string body;
  codec::JsonWriter json(body);
  json.BeginObject();
  json.Key("services");
  json.BeginArray();
  for (const std::string& name : *names) json.String(name);
  json.EndArray();
  json.EndObject();
  return HttpResponse::Json(200, std::move(body));
}

HttpResponse JaegerV3Api::Operations(const HttpRequest& request, const PathParams&) const {
  const std::string service(request.query.first("service").value_or(""));
  const std::string_view wanted = V3Text(request.query, "span_kind");
  std::vector<OperationInfo> operations;
  if (!service.empty()) {
    auto found = source_->Operations(service);
    if (!found.has_value()) return Refuse(found.error());
    operations = std::move(found).value();
  }
  std::string body;
  codec::JsonWriter json(body);
  json.BeginObject();
  json.Key("operations");
  json.BeginArray();
  for (const OperationInfo& operation : operations) {
    // As OTLP reads a kind that nobody set.
    const SpanKind kind =
        operation.kind == SpanKind::kUnspecified ? SpanKind::kInternal : operation.kind;
    if (!wanted.empty() && SpanKindName(kind) != wanted) continue;
    json.BeginObject();
    json.Key("name");
    json.String(operation.name);
    json.Key("spanKind");
    json.String(SpanKindName(kind));
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return HttpResponse::Json(200, std::move(body));
}

HttpResponse JaegerV3Api::Trace(const HttpRequest& request, const PathParams& path) const {
  const auto id = ParseV3TraceId(path["trace_id"]);
  if (!id.has_value()) return Refuse(id.error());
  const auto raw = ParseV3GetTrace(request.query);
  if (!raw.has_value()) return Refuse(raw.error());
  const auto snapshot = source_->BoundedSnapshot();
  if (!snapshot.has_value()) return Refuse(snapshot.error());
  const auto spans = source_->TraceOf(*snapshot, *id);
  if (!spans.has_value()) {
    if (spans.error().code() == ErrorCode::kNotFound) return Refuse(404, kNoTraces);
    return Refuse(spans.error());
  }
  std::string body(kResultHead);
  AppendResourceSpans(ShowTrace(*spans, *raw, SkewNs()), body);
  body += kResultTail;
  return HttpResponse::Json(200, std::move(body));
}

HttpResponse JaegerV3Api::Traces(const HttpRequest& request, const PathParams&) const {
  auto search = ParseV3Search(request.query);
  if (!search.has_value()) return Refuse(search.error());
  search->query.limit = source_->LimitOf(search->query.limit);
  auto snapshot = source_->BoundedSnapshot();
  if (!snapshot.has_value()) return Refuse(snapshot.error());
  const auto page = Stoppable(request, search->query,
                              [&](const Query& query) { return snapshot->Find(query); });
  if (!page.has_value()) return Refuse(page.error());
  source_->Found("find_traces", page->traces.size());
  if (page->traces.empty()) return Refuse(404, kNoTraces);
  std::vector<TraceId> ids;
  for (const FoundTrace& found : page->traces) ids.push_back(found.trace_id);
  const auto stream = std::make_shared<ResultStream>(
      std::move(snapshot).value(), std::move(ids), search->raw, SkewNs(), request.stop);
  HttpResponse response = HttpResponse::Json(200, "");
  response.stream = [stream](std::string& chunk) { return stream->Next(chunk); };
  return response;
}

HttpResponse JaegerV3Api::Summaries(const HttpRequest& request, const PathParams&) const {
  auto search = ParseV3Search(request.query);
  if (!search.has_value()) return Refuse(search.error());
  search->query.limit = source_->LimitOf(search->query.limit);
  auto opened = FoundSummaries::Open(*source_, request.stop, std::move(search->query));
  if (!opened.has_value()) return Refuse(opened.error());
  const std::shared_ptr<FoundSummaries> found = std::move(opened).value();
  std::string first;
  const auto more = NextSummaries(*found, true, first);
  if (!more.has_value()) return Refuse(more.error());
  HttpResponse response = HttpResponse::Json(200, *more ? "" : std::move(first));
  if (!*more) return response;
  response.stream = [found, first = std::move(first)](std::string& chunk) mutable -> Result<bool> {
    if (first.empty()) return NextSummaries(*found, false, chunk);
    chunk = std::move(first);
    first.clear();
    return true;
  };
  return response;
}

HttpResponse JaegerV3Api::Dependencies(const HttpRequest& request, const PathParams&) const {
  const auto range = ParseV3Dependencies(request.query);
  if (!range.has_value()) return Refuse(range.error());
  const auto snapshot = source_->BoundedSnapshot();
  if (!snapshot.has_value()) return Refuse(snapshot.error());
  const auto links = snapshot->Dependencies(*range);
  if (!links.has_value()) return Refuse(links.error());
  source_->Found("get_dependencies", links->size());
  std::string body;
  codec::JsonWriter json(body);
  json.BeginObject();
  json.Key("dependencies");
  json.BeginArray();
  for (const DependencyLink& link : *links) {
    json.BeginObject();
    Text("parent", JaegerQuerySource::Shown(link.parent), json);
    Text("child", JaegerQuerySource::Shown(link.child), json);
    json.Key("callCount");
    json.UintString(link.calls);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return HttpResponse::Json(200, std::move(body));
}

std::span<const JaegerV3Route> JaegerV3Routes() noexcept {
  static constexpr JaegerV3Route kRoutes[] = {
      {"/api/v3/services", &JaegerV3Api::Services},
      {"/api/v3/operations", &JaegerV3Api::Operations},
      {"/api/v3/traces", &JaegerV3Api::Traces},
      {"/api/v3/traces/{trace_id}", &JaegerV3Api::Trace},
      {"/api/v3/trace-summaries", &JaegerV3Api::Summaries},
      {"/api/v3/dependencies", &JaegerV3Api::Dependencies},
  };
  return kRoutes;
}

}  // namespace tracestore::server
