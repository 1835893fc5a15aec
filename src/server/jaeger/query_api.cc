#include "server/jaeger/query_api.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "codec/json/json_writer.h"
#include "model/span_batch.h"
#include "net/http_router.h"
#include "server/jaeger/as_collected.h"
#include "server/jaeger/envelope.h"
#include "server/jaeger/go_values.h"
#include "server/jaeger/search_params.h"
#include "server/jaeger/trace_view.h"

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
    "\n"
    "prettyPrint=true indents any of them.\n";

bool IsPretty(const HttpRequest& request) {
  return ParseGoBool(request.query.first("prettyPrint").value_or("")).value_or(false);
}

// Traces as a body, one at a time: {"data":[…],…}.
class TraceStream {
 public:
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
    std::string text;
    if (next_ == 0) text = std::string(EnvelopeHead()) + '[';
    bool more = next_ < ids_.size();
    if (more) {
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
    if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "the server stops");
    const TraceId id = ids_[next_++];
    auto spans = snapshot_.Get(id);
    if (spans.has_value()) {
      if (any_) text += ',';
      any_ = true;
      AppendTrace(*spans, raw_, max_skew_ns_, text);
      return {};
    }
    if (spans.error().code() != ErrorCode::kNotFound) return spans.error();
    if (by_id_) errors_.push_back({0, std::string(kTraceNotFound), id.ToShortHex()});
    return {};
  }

  const Snapshot snapshot_;
  const std::vector<TraceId> ids_;
  const bool raw_;
  const bool by_id_;
  const bool pretty_;
  const std::uint64_t max_skew_ns_;
  const std::stop_token stop_;
  std::size_t next_ = 0;
  bool any_ = false;
  std::vector<ApiError> errors_;
  JsonIndenter indenter_;
};

class JaegerQueryApi {
 public:
  explicit JaegerQueryApi(JaegerQueryOptions options) : options_(std::move(options)) {}

  HttpResponse Services(const HttpRequest& request) const {
    const auto names = ServiceNames();
    if (!names.has_value()) return Failure(names.error());
    return Success(NameList(*names), names->size(), IsPretty(request));
  }

  HttpResponse ServiceOperations(const HttpRequest& request, const std::string& service) const {
    const auto operations = Operations(service);
    if (!operations.has_value()) return Failure(operations.error());
    std::set<std::string> names;
    for (const OperationInfo& operation : *operations) names.insert(operation.name);
    return Success(NameList({names.begin(), names.end()}), names.size(), IsPretty(request));
  }

  HttpResponse OperationList(const HttpRequest& request) const {
    const std::string service(request.query.first("service").value_or(""));
    if (service.empty()) return Failure(400, "parameter 'service' is required");
    const std::string_view wanted = request.query.first("spanKind").value_or("");
    const auto operations = Operations(service);
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
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(Now()).count();
    auto params = ParseSearch(request.query, static_cast<std::uint64_t>(now));
    if (!params.has_value()) return Failure(params.error());
    auto snapshot = options_.snapshot();
    if (!snapshot.has_value()) return Failure(snapshot.error());
    auto ids = FindIds(*snapshot, *params, request.stop);
    if (!ids.has_value()) return Failure(ids.error());
    const auto stream =
        std::make_shared<TraceStream>(std::move(snapshot).value(), std::move(ids).value(), *params,
                                      IsPretty(request), options_.max_clock_skew, request.stop);
    HttpResponse response = HttpResponse::Json(200, "");
    response.stream = [stream](std::string& chunk) { return stream->Next(chunk); };
    return response;
  }

  HttpResponse GetTrace(const HttpRequest& request, const std::string& id) const {
    const auto trace_id = ParseJaegerTraceId(id);
    if (!trace_id.has_value()) return Failure(trace_id.error());
    const auto raw = ParseGetTrace(request.query);
    if (!raw.has_value()) return Failure(raw.error());
    const auto snapshot = options_.snapshot();
    if (!snapshot.has_value()) return Failure(snapshot.error());
    const auto spans = snapshot->Get(*trace_id);
    if (!spans.has_value()) {
      if (spans.error().code() == ErrorCode::kNotFound) return Failure(404, kTraceNotFound);
      return Failure(spans.error());
    }
    std::string data = "[";
    AppendTrace(*spans, *raw, static_cast<std::uint64_t>(options_.max_clock_skew.count()), data);
    data += ']';
    return Success(data, 0, IsPretty(request));
  }

  HttpResponse Dependencies(const HttpRequest& request) const {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(Now()).count();
    const auto range = ParseDependencies(request.query, static_cast<std::uint64_t>(now));
    if (!range.has_value()) return Failure(range.error());
    std::vector<DependencyLink> links;
    if (range->begin_ns < range->end_ns) {
      const auto snapshot = BoundedSnapshot();
      if (!snapshot.has_value()) return Failure(snapshot.error());
      auto found = snapshot->Dependencies(*range);
      if (!found.has_value()) return Failure(found.error());
      links = std::move(found).value();
    }
    const std::string_view service = request.query.first("service").value_or("");
    std::string data;
    codec::JsonWriter json(data);
    json.BeginArray();
    for (const DependencyLink& link : links) {
      const std::string_view parent = Shown(link.parent);
      const std::string_view child = Shown(link.child);
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
  std::chrono::nanoseconds Now() const {
    if (options_.now) return options_.now();
    return std::chrono::system_clock::now().time_since_epoch();
  }

  // One that gives up as a search does.
  Result<Snapshot> BoundedSnapshot() const {
    TS_TRY_ASSIGN(const Snapshot snapshot, options_.snapshot());
    StopWhen stop;
    stop.deadline = std::chrono::steady_clock::now() + options_.search_deadline;
    return snapshot.StoppingWhen(stop);
  }

  static std::string_view Shown(std::string_view service) {
    return service.empty() ? kNoServiceName : service;
  }

  Result<std::vector<std::string>> ServiceNames() const {
    TS_TRY_ASSIGN(const Snapshot snapshot, BoundedSnapshot());
    TS_TRY_ASSIGN(const auto services, snapshot.Services());
    std::set<std::string> names;
    for (const NamedCount& service : services) names.emplace(Shown(service.name));
    // The store counts named services only. Whose clients left the name out is read off some spans.
    constexpr std::uint32_t kSomeSpans = 1'000;
    TS_TRY_ASSIGN(const SpanList unnamed, snapshot.FindSpans(UnnamedQuery(kSomeSpans)));
    for (std::size_t i = 0; i < unnamed.size(); ++i) names.emplace(UnnamedShownAs(unnamed, i));
    return std::vector<std::string>(names.begin(), names.end());
  }

  // By name, then kind.
  Result<std::vector<OperationInfo>> Operations(const std::string& service) const {
    TS_TRY_ASSIGN(const Snapshot snapshot, BoundedSnapshot());
    std::vector<OperationInfo> found;
    if (service == kNoServiceName || service == kEmptyServiceName) {
      TS_TRY_ASSIGN(found, UnnamedOperations(snapshot, service));
    } else {
      TS_TRY_ASSIGN(found, snapshot.Operations(service));
    }
    std::sort(found.begin(), found.end(), [](const OperationInfo& a, const OperationInfo& b) {
      return std::pair(a.name, a.kind) < std::pair(b.name, b.kind);
    });
    return found;
  }

  static std::string_view UnnamedShownAs(const SpanList& spans, std::size_t row) {
    const model::SpanBatch& batch = *spans.batch();
    const Origin origin = batch.resources[batch.spans[row].resource].origin;
    return origin == Origin::kJaeger ? kEmptyServiceName : kNoServiceName;
  }

  // Spans whose resource names no service.
  Query UnnamedQuery(std::uint32_t limit) const {
    Condition unnamed;
    unnamed.field = Field::kService;
    Query query;
    query.where = Expression::SomeSpan(Expression::Of(std::move(unnamed)));
    query.limit = limit;
    query.deadline = std::chrono::steady_clock::now() + options_.search_deadline;
    return query;
  }

  // Of spans whose resource names no service: the names of matching spans are read, up to a bound.
  Result<std::vector<OperationInfo>> UnnamedOperations(const Snapshot& snapshot,
                                                       std::string_view shown_as) const {
    constexpr std::uint32_t kMostSpans = 100'000;
    TS_TRY_ASSIGN(const SpanList spans, snapshot.FindSpans(UnnamedQuery(kMostSpans)));
    std::set<std::pair<std::string, SpanKind>> seen;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      if (UnnamedShownAs(spans, i) == shown_as) seen.emplace(spans[i].name(), spans[i].kind());
    }
    std::vector<OperationInfo> out;
    for (const auto& [name, kind] : seen) out.push_back({name, kind, 0});
    return out;
  }

  Result<std::vector<TraceId>> FindIds(const Snapshot& snapshot, const SearchParams& params,
                                       const std::stop_token& stop) const {
    if (!params.trace_ids.empty()) return params.trace_ids;
    std::vector<TraceId> ids;
    if (params.nothing_matches) return ids;
    std::atomic<bool> cancel = false;
    const std::stop_callback on_stop(stop, [&cancel] { cancel = true; });
    Query query = params.query;
    query.cancel = &cancel;
    query.deadline = std::chrono::steady_clock::now() + options_.search_deadline;
    TS_TRY_ASSIGN(const SearchPage page, snapshot.Find(query));
    for (const FoundTrace& found : page.traces) ids.push_back(found.trace_id);
    return ids;
  }

  static std::string NameList(const std::vector<std::string>& names) {
    if (names.empty()) return "null";
    std::string data;
    codec::JsonWriter json(data);
    json.BeginArray();
    for (const std::string& name : names) json.String(name);
    json.EndArray();
    return data;
  }

  JaegerQueryOptions options_;
};

}  // namespace

net::HttpHandler MakeJaegerQueryHandler(JaegerQueryOptions options) {
  const auto api = std::make_shared<const JaegerQueryApi>(std::move(options));
  const auto router = std::make_shared<net::HttpRouter>();
  const auto add = [&](const char* route, auto handle) {
    router->Add("GET", route,
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
