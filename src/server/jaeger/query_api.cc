#include "server/jaeger/query_api.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "codec/detect/any_format.h"
#include "codec/json/json_writer.h"
#include "codec/otlp/json_decoder.h"
#include "model/span_batch.h"
#include "net/http_router.h"
#include "server/jaeger/analytics_api.h"
#include "server/jaeger/envelope.h"
#include "server/jaeger/go_values.h"
#include "server/jaeger/metrics_api.h"
#include "server/jaeger/query_source.h"
#include "server/jaeger/search_params.h"
#include "server/jaeger/trace_view.h"
#include "server/jaeger/v3_api.h"

namespace tracestore::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::PathParams;

constexpr std::string_view kTraceNotFound = "trace not found";

constexpr std::string_view kIndexPage =
    "tracestore: Jaeger's query API\n"
    "\n"
    "GET /api/services                        names of all services\n"
    "GET /api/services/{service}/operations   names of a service's operations\n"
    "GET /api/operations?service=             the same with their kinds; spanKind=\n"
    "GET /api/traces?service=                 search: operation, start, end (µs), limit,\n"
    "                                         minDuration, maxDuration (10ms), tag=key:value,\n"
    "                                         tags={\"key\":\"value\"}, traceID, raw\n"
    "GET /api/traces/{traceID}                one trace; raw\n"
    "GET /api/dependencies                    calls between services: endTs, lookback (ms)\n"
    "GET /api/metrics/{latencies,calls,errors} by service: quantile, groupByOperation, spanKind,\n"
    "                                         endTs, lookback, step, ratePer (ms)\n"
    "POST /api/archive/{traceID}              copy a trace to the archive\n"
    "POST /api/transform                      OTLP JSON as traces\n"
    "GET /api/v3/{services,operations,traces,traces/{id},trace-summaries,dependencies}\n"
    "\n"
    "prettyPrint=true indents any of them.\n";

bool IsPretty(const HttpRequest& request) {
  return ParseGoBool(request.query.first("prettyPrint").value_or("")).value_or(false);
}

// Traces as a body, one at a time, and a large one in pieces: {"data":[…],…}.
class TraceStream {
 public:
  // Of one trace that is there.
  TraceStream(const SpanList& spans, bool raw, bool pretty, std::uint64_t max_skew_ns,
              std::stop_token stop)
      : raw_(raw),
        by_id_(true),
        pretty_(pretty),
        max_skew_ns_(max_skew_ns),
        stop_(std::move(stop)),
        any_(true),
        trace_(std::make_unique<TraceText>(spans, raw, max_skew_ns)) {}
  TraceStream(Snapshot snapshot, std::vector<TraceId> ids, const SearchParams& params, bool pretty,
              std::chrono::nanoseconds max_skew, std::stop_token stop)
      : snapshot_(std::move(snapshot)),
        ids_(std::move(ids)),
        raw_(params.raw),
        by_id_(!params.trace_ids.empty()),
        pretty_(pretty),
        max_skew_ns_(static_cast<std::uint64_t>(max_skew.count())),
        stop_(std::move(stop)) {}

  // A BodyStream's call.
  Result<bool> Next(std::string& chunk) {
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "the server stops");
    std::string text;
    if (!std::exchange(begun_, true)) text = std::string(EnvelopeHead()) + '[';
    const bool more = trace_ != nullptr || next_ < ids_.size();
    if (trace_ != nullptr) {
      if (!trace_->Next(text)) trace_.reset();
    } else if (more) {
      TS_TRY(AppendNext(text));
    } else {
      text += ']' + EnvelopeTail(0, errors_);
    }
    if (pretty_)
      indenter_.Feed(text, chunk);
    else
      chunk = std::move(text);
    return more;
  }

 private:
  Status AppendNext(std::string& text) {
    const TraceId id = ids_[next_++];
    auto spans = snapshot_->Get(id);
    if (spans.has_value()) {
      if (any_) text += ',';
      any_ = true;
      trace_ = std::make_unique<TraceText>(*spans, raw_, max_skew_ns_);
      if (!trace_->Next(text)) trace_.reset();
      return {};
    }
    if (spans.error().code() != ErrorCode::kNotFound) return spans.error();
    if (by_id_) errors_.push_back({0, std::string(kTraceNotFound), id.ToShortHex()});
    return {};
  }

  const std::optional<Snapshot> snapshot_;  // where there are ids
  const std::vector<TraceId> ids_;
  const bool raw_;
  const bool by_id_;
  const bool pretty_;
  const std::uint64_t max_skew_ns_;
  const std::stop_token stop_;
  std::size_t next_ = 0;
  bool begun_ = false;
  bool any_ = false;
  std::unique_ptr<TraceText> trace_;  // of which a part was given
  std::vector<ApiError> errors_;
  JsonIndenter indenter_;
};

class JaegerQueryApi {
 public:
  explicit JaegerQueryApi(std::shared_ptr<const JaegerQuerySource> source)
      : source_(std::move(source)), options_(source_->options()) {}

  HttpResponse Services(const HttpRequest& request) const {
    const auto names = source_->ServiceNames();
    if (!names.has_value()) return Failure(names.error());
    return Success(NameList(*names), names->size(), IsPretty(request));
  }

  HttpResponse ServiceOperations(const HttpRequest& request, const std::string& service) const {
    const auto operations = source_->Operations(service);
    if (!operations.has_value()) return Failure(operations.error());
    std::set<std::string> names;
    for (const OperationInfo& operation : *operations) names.insert(operation.name);
    return Success(NameList(names), names.size(), IsPretty(request));
  }

  HttpResponse OperationList(const HttpRequest& request) const {
    const std::string service(request.query.first("service").value_or(""));
    if (service.empty()) return Failure(400, "parameter 'service' is required");
    const std::string_view wanted = request.query.first("spanKind").value_or("");
    const auto operations = source_->Operations(service);
    if (!operations.has_value()) return Failure(operations.error());
    std::string data;
    std::uint64_t total = 0;
    codec::JsonWriter json(data);
    json.BeginArray();
    for (const OperationInfo& operation : *operations) {
      const std::string_view kind =
          operation.kind == SpanKind::kUnspecified ? "" : SpanKindName(operation.kind);
      if (!wanted.empty() && kind != wanted) continue;
      json.BeginObject();
      json.Key("name");
      json.String(operation.name);
      json.Key("spanKind");
      json.String(kind);
      json.EndObject();
      ++total;
    }
    json.EndArray();
    return Success(data, total, IsPretty(request));
  }

  HttpResponse Search(const HttpRequest& request) const {
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(source_->Now()).count();
    auto params = ParseSearch(request.query, static_cast<std::uint64_t>(now));
    if (!params.has_value()) return Failure(params.error());
    auto snapshot = options_.snapshot();
    if (!snapshot.has_value()) return Failure(snapshot.error());
    auto ids = FindIds(*snapshot, *params, request.stop);
    if (!ids.has_value()) return Failure(ids.error());
    return Streamed(std::make_shared<TraceStream>(
        std::move(snapshot).value(), std::move(ids).value(), *params, IsPretty(request),
        options_.max_clock_skew, request.stop));
  }

  HttpResponse GetTrace(const HttpRequest& request, const std::string& id) const {
    const auto trace_id = ParseJaegerTraceId(id);
    if (!trace_id.has_value()) return Failure(trace_id.error());
    const auto raw = ParseGetTrace(request.query);
    if (!raw.has_value()) return Failure(raw.error());
    const auto snapshot = source_->BoundedSnapshot();
    if (!snapshot.has_value()) return Failure(snapshot.error());
    const auto spans = source_->TraceOf(*snapshot, *trace_id);
    if (IsNotFound(spans)) return Failure(404, kTraceNotFound);
    if (!spans.has_value()) return Failure(spans.error());
    // Some hundred kilobytes.
    constexpr std::size_t kManySpans = 1'000;
    if (spans->size() > kManySpans) {
      return Streamed(std::make_shared<TraceStream>(*spans, *raw, IsPretty(request), SkewNs(),
                                                    request.stop));
    }
    std::string data = "[";
    AppendTrace(*spans, *raw, SkewNs(), data);
    data += ']';
    return Success(data, 0, IsPretty(request));
  }

  HttpResponse Archive(const std::string& id) const {
    const auto trace_id = ParseJaegerTraceId(id);
    if (!trace_id.has_value()) return Failure(trace_id.error());
    if (!options_.archive) return Failure(500, "archive span storage was not configured");
    const auto archived = options_.archive(*trace_id);
    if (!archived.has_value()) return Failure(archived.error());
    if (archived->traces == 0) return Failure(404, kTraceNotFound);
    return HttpResponse::Json(200, R"({"data":[],"total":0,"limit":0,"offset":0,"errors":[]})");
  }

  // OTLP JSON as Jaeger's own, for pages that are given a file.
  HttpResponse Transform(const HttpRequest& request) const {
    auto batch = std::make_shared<model::SpanBatch>();
    const auto report = codec::DecodeOtlpJson(request.body, *batch);
    if (!report.has_value())
      return Failure(400, "cannot unmarshal OTLP : " + report.error().message());
    if (report->rejected != 0) return Failure(400, "cannot unmarshal OTLP : " + report->first_error);
    std::string data = "[";
    for (const auto& rows : codec::GroupByTrace(*batch)) {
      const auto trace = std::make_shared<model::SpanBatch>();
      model::BatchAppender appender(*trace);
      appender.SetSource(*batch);
      for (const std::uint32_t row : rows) appender.Append(row);
      if (data.size() > 1) data += ',';
      AppendTrace(SpanList(trace), false, SkewNs(), data);
    }
    return Success(data + ']', 0, IsPretty(request));
  }

  HttpResponse Metrics(const HttpRequest& request, JaegerMetric metric) const {
    const auto query = ParseJaegerMetrics(request.query, metric, source_->Now());
    if (!query.has_value()) return Failure(query.error());
    const auto snapshot = source_->BoundedSnapshot();
    if (!snapshot.has_value()) return Failure(snapshot.error());
    auto family = JaegerMetricFamily(*snapshot, *query);
    if (!family.has_value()) return Failure(family.error());
    return HttpResponse::Json(200, std::move(family).value());
  }

  HttpResponse MinStep(const HttpRequest& request) const {
    return Success(std::to_string(kMetricStepMs), 0, IsPretty(request));
  }

  HttpResponse Dependencies(const HttpRequest& request) const {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(source_->Now()).count();
    const auto range = ParseDependencies(request.query, static_cast<std::uint64_t>(now));
    if (!range.has_value()) return Failure(range.error());
    std::vector<DependencyLink> links;
    if (range->begin_ns < range->end_ns) {
      const auto snapshot = source_->BoundedSnapshot();
      if (!snapshot.has_value()) return Failure(snapshot.error());
      auto found = snapshot->Dependencies(*range);
      if (!found.has_value()) return Failure(found.error());
      links = std::move(found).value();
      source_->Found("get_dependencies", links.size());
    }
    const std::string_view service = request.query.first("service").value_or("");
    std::string data;
    codec::JsonWriter json(data);
    json.BeginArray();
    for (const DependencyLink& link : links) {
      const std::string_view parent = JaegerQuerySource::Shown(link.parent);
      const std::string_view child = JaegerQuerySource::Shown(link.child);
      if (!service.empty() && parent != service && child != service) continue;
      json.BeginObject();
      json.Key("parent");
      json.String(parent);
      json.Key("child");
      json.String(child);
      json.Key("callCount");
      json.Uint(link.calls);
      json.EndObject();
    }
    json.EndArray();
    return Success(data, 0, IsPretty(request));
  }

  void Observe(std::string_view route, int status, std::chrono::nanoseconds took) const {
    if (options_.observer) options_.observer(route, status, took);
  }

 private:
  static HttpResponse Streamed(std::shared_ptr<TraceStream> stream) {
    HttpResponse response = HttpResponse::Json(200, "");
    response.stream = [stream = std::move(stream)](std::string& chunk) {
      return stream->Next(chunk);
    };
    return response;
  }
  static bool IsNotFound(const Result<SpanList>& spans) {
    return !spans.has_value() && spans.error().code() == ErrorCode::kNotFound;
  }
  std::uint64_t SkewNs() const {
    return static_cast<std::uint64_t>(options_.max_clock_skew.count());
  }

  Result<std::vector<TraceId>> FindIds(const Snapshot& snapshot, const SearchParams& params,
                                       const std::stop_token& stop) const {
    if (!params.trace_ids.empty()) return params.trace_ids;
    std::vector<TraceId> ids;
    if (params.nothing_matches) return ids;
    std::atomic<bool> cancel = false;
    const std::stop_callback on_stop(stop, [&cancel] { cancel = true; });
    Query query = params.query;
    query.limit = source_->LimitOf(query.limit);
    query.cancel = &cancel;
    query.deadline = std::chrono::steady_clock::now() + options_.search_deadline;
    TS_TRY_ASSIGN(const SearchPage page, snapshot.Find(query));
    for (const FoundTrace& found : page.traces) ids.push_back(found.trace_id);
    source_->Found("find_traces", ids.size());
    return ids;
  }

  static std::string NameList(const std::set<std::string>& names) {
    if (names.empty()) return "null";
    std::string data;
    codec::JsonWriter json(data);
    json.BeginArray();
    for (const std::string& name : names) json.String(name);
    json.EndArray();
    return data;
  }

  const std::shared_ptr<const JaegerQuerySource> source_;
  const JaegerQueryOptions& options_;  // of source_
};

}  // namespace

net::HttpHandler MakeJaegerQueryHandler(JaegerQueryOptions options) {
  const auto source = std::make_shared<const JaegerQuerySource>(std::move(options));
  const auto api = std::make_shared<const JaegerQueryApi>(source);
  const auto router = std::make_shared<net::HttpRouter>();
  const auto add = [&](const char* route, auto handle, const char* method = "GET") {
    router->Add(method, route,
                [api, route, handle](const HttpRequest& request, const PathParams& path) {
                  const auto begin = std::chrono::steady_clock::now();
                  HttpResponse response = handle(*api, request, path);
                  api->Observe(route, response.status, std::chrono::steady_clock::now() - begin);
                  return response;
                });
  };
  using Api = const JaegerQueryApi&;
  using Request = const HttpRequest&;
  using Path = const PathParams&;
  add("/api/services", [](Api a, Request request, Path) { return a.Services(request); });
  add("/api/services/{service}/operations", [](Api a, Request request, Path path) {
    return a.ServiceOperations(request, path["service"]);
  });
  add("/api/operations", [](Api a, Request request, Path) { return a.OperationList(request); });
  add("/api/traces", [](Api a, Request request, Path) { return a.Search(request); });
  add("/api/traces/{traceID}",
      [](Api a, Request request, Path path) { return a.GetTrace(request, path["traceID"]); });
  add("/api/dependencies", [](Api a, Request request, Path) { return a.Dependencies(request); });
  add("/api/archive/{traceID}",
      [](Api a, Request, Path path) { return a.Archive(path["traceID"]); }, "POST");
  add("/api/transform", [](Api a, Request request, Path) { return a.Transform(request); }, "POST");
  add("/api/metrics/latencies", [](Api a, Request request, Path) {
    return a.Metrics(request, JaegerMetric::kLatencies);
  });
  add("/api/metrics/calls", [](Api a, Request request, Path) {
    return a.Metrics(request, JaegerMetric::kCalls);
  });
  add("/api/metrics/errors", [](Api a, Request request, Path) {
    return a.Metrics(request, JaegerMetric::kErrors);
  });
  add("/api/metrics/minstep", [](Api a, Request request, Path) { return a.MinStep(request); });
  const auto analytics = std::make_shared<const JaegerAnalyticsApi>(source);
  for (const char* path : {"/api/deep-dependencies", "/analytics/v1/dependencies"}) {
    add(path, [analytics](Api, Request request, Path) { return analytics->Paths(request); });
  }
  add("/api/quality-metrics",
      [analytics](Api, Request request, Path) { return analytics->Quality(request); });
  const auto v3 = std::make_shared<const JaegerV3Api>(source);
  for (const JaegerV3Route& route : JaegerV3Routes()) {
    add(route.path, [v3, handle = route.handle](Api, Request request, Path path) {
      return ((*v3).*handle)(request, path);
    });
  }
  add("/", [](Api, Request, Path) { return HttpResponse::Text(200, std::string(kIndexPage)); });
  router->SetNotFound([api](const HttpRequest&) {
    api->Observe("other", 404, {});
    return HttpResponse::Text(404, "404 page not found\n");
  });
  return [router](const HttpRequest& request) { return router->Handle(request); };
}

net::HttpResponse JaegerRefusal(int status, const std::string& message) {
  return Failure(status, message);
}

}  // namespace tracestore::server
