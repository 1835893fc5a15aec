#include "server/zipkin/zipkin_query_api.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <utility>

#include "base/try.h"
#include "codec/json/json_writer.h"
#include "codec/zipkin/zipkin_convert.h"
#include "codec/zipkin/zipkin_text.h"
#include "net/http_router.h"
#include "server/zipkin/zipkin_answers.h"
#include "server/zipkin/zipkin_dependencies.h"
#include "server/zipkin/zipkin_operations.h"
#include "server/zipkin/zipkin_params.h"
#include "server/zipkin/zipkin_search.h"

namespace tracestore::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::PathParams;

// Up to here an answer is sent with its length.
constexpr std::size_t kWholeAnswerBytes = std::size_t{1} << 20;
// Names that are few are asked for each time: they may be of a system that has just begun.
constexpr std::size_t kFewNames = 3;
constexpr std::size_t kMostAutocompleteValues = 20'000;
// Of how many of a service's newest spans with a remote endpoint the names are read.
constexpr std::uint32_t kMostRemoteSpans = 10'000;

void CacheNames(HttpResponse& response) {
  response.headers.emplace_back("Cache-Control", "max-age=300, must-revalidate");
}

// [[span, …], …] in pieces, a trace each.
class TraceListStream {
 public:
  explicit TraceListStream(ZipkinTraces traces) : traces_(std::move(traces)) {}

  // A BodyStream's call.
  Result<bool> Next(std::string& chunk) {
    TS_TRY_ASSIGN(const auto trace, traces_.Next());
    if (!begun_) chunk += '[';
    if (!trace) {
      chunk += ']';
      return false;
    }
    if (begun_) chunk += ',';
    begun_ = true;
    AppendZipkinTrace(*trace, chunk);
    return true;
  }

 private:
  ZipkinTraces traces_;
  bool begun_ = false;
};

// Whole where it is short; what fails while it is has its status.
HttpResponse ListOf(ZipkinTraces traces) {
  const auto stream = std::make_shared<TraceListStream>(std::move(traces));
  std::string begin;
  while (begin.size() <= kWholeAnswerBytes) {
    const auto more = stream->Next(begin);
    if (!more.has_value()) return ZipkinFailure(more.error());
    if (!*more) return HttpResponse::Json(200, std::move(begin));
  }
  HttpResponse response = HttpResponse::Json(200, "");
  const auto first = std::make_shared<std::string>(std::move(begin));
  response.stream = [stream, first](std::string& chunk) -> Result<bool> {
    if (first->empty()) return stream->Next(chunk);
    chunk = std::move(*first);
    first->clear();
    return true;
  };
  return response;
}

class ZipkinQueryApi {
 public:
  explicit ZipkinQueryApi(ZipkinQueryOptions options) : options_(std::move(options)) {}

  const ZipkinQueryOptions& options() const noexcept { return options_; }

  Result<HttpResponse> Services(const HttpRequest& request) const {
    std::set<std::string> names;
    if (options_.search_enabled) {
      TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
      TS_TRY_ASSIGN(const auto services, snapshot.Services());
      for (const NamedCount& service : services) {
        if (!service.name.empty()) names.insert(codec::ZipkinLowerCase(service.name));
      }
    }
    many_services_ = names.size() > kFewNames;
    return CachedNames(names);
  }

  Result<HttpResponse> SpanNames(const HttpRequest& request) const {
    TS_TRY_ASSIGN(const std::string wanted, RequiredZipkinParam(request.query, "serviceName"));
    const std::string service = codec::ZipkinLowerCase(wanted);
    std::set<std::string> names;
    if (options_.search_enabled && !service.empty()) {
      TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
      TS_TRY_ASSIGN(const auto services, ServicesNamed(snapshot, service));
      for (const std::string& one : services) {
        TS_TRY_ASSIGN(const auto operations, snapshot.Operations(one));
        for (const OperationInfo& operation : operations) {
          if (!operation.name.empty()) names.insert(codec::ZipkinLowerCase(operation.name));
        }
      }
    }
    return CachedNames(names);
  }

  Result<HttpResponse> RemoteServices(const HttpRequest& request) const {
    TS_TRY_ASSIGN(const std::string wanted, RequiredZipkinParam(request.query, "serviceName"));
    const std::string service = codec::ZipkinLowerCase(wanted);
    std::set<std::string> names;
    if (options_.search_enabled && !service.empty()) {
      TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
      TS_TRY(CollectRemoteNames(snapshot, service, names));
    }
    return CachedNames(names);
  }

  Result<HttpResponse> Traces(const HttpRequest& request) const {
    TS_TRY_ASSIGN(auto search, ParseZipkinSearch(request.query, NowMs(), LookbackMs()));
    if (!options_.search_enabled) return HttpResponse::Json(200, "[]");
    TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
    return ListOf(ZipkinTraces(snapshot, std::move(search), options_.strict_trace_id));
  }

  Result<HttpResponse> Trace(const HttpRequest& request, const std::string& text) const {
    TS_TRY_ASSIGN(const TraceId id, ParseZipkinTraceId(text));
    TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
    const auto trace = GetZipkinTrace(snapshot, id, options_.strict_trace_id);
    if (!trace.has_value()) {
      if (trace.error().code() != ErrorCode::kNotFound) return trace.error();
      return ZipkinSentence(404, id.ToShortHex() + " not found");
    }
    std::string body;
    AppendZipkinTrace(*trace, body);
    return HttpResponse::Json(200, std::move(body));
  }

  Result<HttpResponse> TraceMany(const HttpRequest& request) const {
    TS_TRY_ASSIGN(const auto ids, ParseZipkinTraceIds(request.query));
    TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
    std::string body = "[";
    std::set<std::uint64_t> low_ids;
    for (const TraceId id : ids) {
      if (!options_.strict_trace_id && !low_ids.insert(id.low).second) continue;
      const auto trace = GetZipkinTrace(snapshot, id, options_.strict_trace_id);
      if (!trace.has_value()) {
        if (trace.error().code() == ErrorCode::kNotFound) continue;
        return trace.error();
      }
      if (body.size() > 1) body += ',';
      AppendZipkinTrace(*trace, body);
    }
    return HttpResponse::Json(200, body + ']');
  }

  Result<HttpResponse> Dependencies(const HttpRequest& request) const {
    TS_TRY_ASSIGN(const auto window, ParseZipkinWindow(request.query, LookbackMs()));
    TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
    TS_TRY_ASSIGN(const auto links, ZipkinDependencies(snapshot, window));
    std::string body;
    codec::JsonWriter json(body);
    json.BeginArray();
    for (const DependencyLink& link : links) {
      json.BeginObject();
      json.Key("parent");
      json.String(link.parent);
      json.Key("child");
      json.String(link.child);
      json.Key("callCount");
      json.Uint(link.calls);
      if (link.errors != 0) {
        json.Key("errorCount");
        json.Uint(link.errors);
      }
      json.EndObject();
    }
    json.EndArray();
    return HttpResponse::Json(200, std::move(body));
  }

  Result<HttpResponse> AutocompleteKeys(const HttpRequest&) const {
    std::set<std::string> keys;
    if (options_.search_enabled)
      keys.insert(options_.autocomplete_keys.begin(), options_.autocomplete_keys.end());
    HttpResponse response = ZipkinNames(keys);
    CacheNames(response);
    return response;
  }

  Result<HttpResponse> AutocompleteValues(const HttpRequest& request) const {
    TS_TRY_ASSIGN(const std::string key, RequiredZipkinParam(request.query, "key"));
    if (key.empty()) return Error(ErrorCode::kInvalidArgument, "key was empty");
    std::set<std::string> values;
    const auto& keys = options_.autocomplete_keys;
    if (options_.search_enabled && std::find(keys.begin(), keys.end(), key) != keys.end()) {
      TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
      TS_TRY_ASSIGN(const auto found, snapshot.Values(key, kMostAutocompleteValues));
      for (const NamedCount& value : found) values.insert(value.name);
    }
    HttpResponse response = ZipkinNames(values);
    if (values.size() > kFewNames) CacheNames(response);
    return response;
  }

  void Observe(std::string_view route, int status, std::chrono::nanoseconds took) const {
    if (options_.observer) options_.observer(route, status, took);
  }

 private:
  std::uint64_t NowMs() const {
    const auto now = options_.now ? options_.now()
                                  : std::chrono::nanoseconds(
                                        std::chrono::system_clock::now().time_since_epoch());
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  }
  std::uint64_t LookbackMs() const { return static_cast<std::uint64_t>(options_.lookback.count()); }

  // One whose calls end at the time-out.
  Result<Snapshot> Bounded(const HttpRequest&) const {
    TS_TRY_ASSIGN(const Snapshot snapshot, options_.snapshot());
    StopWhen stop;
    stop.deadline = std::chrono::steady_clock::now() + options_.timeout;
    return snapshot.StoppingWhen(stop);
  }

  HttpResponse CachedNames(const std::set<std::string>& names) const {
    HttpResponse response = ZipkinNames(names);
    if (many_services_) CacheNames(response);
    return response;
  }

  static Status CollectRemoteNames(const Snapshot& snapshot, const std::string& service,
                                   std::set<std::string>& names) {
    TS_TRY_ASSIGN(const auto services, ServicesNamed(snapshot, service));
    std::vector<Expression> of_service;
    for (const std::string& name : services) {
      Condition is;
      is.field = Field::kService;
      is.value = name;
      of_service.push_back(Expression::Of(std::move(is)));
    }
    if (of_service.empty()) return {};
    std::vector<Expression> has_remote;
    for (const std::string_view key : codec::ZipkinPeerNameKeys())
      has_remote.push_back(
          Expression::Attribute(std::string(key), CompareOp::kExists, "", Level::kSpan));
    Query query;
    query.where = Expression::SomeSpan(Expression::And(
        {Expression::Or(std::move(of_service)), Expression::Or(std::move(has_remote))}));
    query.limit = kMostRemoteSpans;
    TS_TRY_ASSIGN(const SpanList spans, snapshot.FindSpans(query));
    codec::ZipkinConverter converter(*spans.batch());
    for (std::uint32_t row = 0; row < spans.size(); ++row) {
      const codec::ZipkinSpan& span = converter.Convert(row);
      if (!span.remote.service.empty()) names.insert(span.remote.service);
    }
    return {};
  }

  const ZipkinQueryOptions options_;
  mutable std::atomic<bool> many_services_ = false;  // of the last answer of Services()
};

}  // namespace

net::HttpHandler MakeZipkinQueryHandler(ZipkinQueryOptions options) {
  const auto api = std::make_shared<const ZipkinQueryApi>(std::move(options));
  const auto router = std::make_shared<net::HttpRouter>();
  const auto route = [&](const std::string& path, const std::string& told, auto handle) {
    router->Add("GET", path,
                [api, told, handle](const HttpRequest& request, const PathParams& parameters) {
                  const auto begin = std::chrono::steady_clock::now();
                  Result<HttpResponse> answer = handle(*api, request, parameters);
                  HttpResponse response = answer.has_value() ? std::move(answer).value()
                                                             : ZipkinFailure(answer.error());
                  api->Observe(told, response.status, std::chrono::steady_clock::now() - begin);
                  return response;
                });
  };
  using Api = const ZipkinQueryApi&;
  using Method = Result<HttpResponse> (ZipkinQueryApi::*)(const HttpRequest&) const;
  const auto plain = [&](const std::string& path, const std::string& told, Method method) {
    route(path, told, [method](Api a, const HttpRequest& request, const PathParams&) {
      return (a.*method)(request);
    });
  };
  for (const std::string prefix : {"", "/zipkin"}) {
    if (!api->options().queries) break;
    const auto both = [&](const std::string& name, Method method) {
      plain(prefix + "/api/v2/" + name, "/api/v2/" + name, method);
    };
    both("services", &ZipkinQueryApi::Services);
    both("spans", &ZipkinQueryApi::SpanNames);
    both("remoteServices", &ZipkinQueryApi::RemoteServices);
    both("traces", &ZipkinQueryApi::Traces);
    both("traceMany", &ZipkinQueryApi::TraceMany);
    both("dependencies", &ZipkinQueryApi::Dependencies);
    both("autocompleteKeys", &ZipkinQueryApi::AutocompleteKeys);
    both("autocompleteValues", &ZipkinQueryApi::AutocompleteValues);
    route(prefix + "/api/v2/trace/{traceId}", "/api/v2/trace/{traceId}",
          [](Api a, const HttpRequest& request, const PathParams& path) {
            return a.Trace(request, path["traceId"]);
          });
  }
  const auto operations = std::make_shared<const ZipkinOperations>(api->options());
  for (const ZipkinOperation& operation : ZipkinOperationsOf(api->options())) {
    route(operation.path, operation.told,
          [operations, answer = operation.answer](Api, const HttpRequest& request,
                                                  const PathParams&) -> Result<HttpResponse> {
            return ((*operations).*answer)(request);
          });
  }
  router->SetNotFound([api](const HttpRequest&) {
    api->Observe("NOT_FOUND", 404, {});
    return ZipkinNotFound();
  });
  router->SetMethodNotAllowed([](const HttpRequest&) { return ZipkinNotFound(); });
  return [router](const HttpRequest& request) {
    if (request.method == "TRACE") return HttpResponse::Text(405, "405 Method Not Allowed");
    if (request.method != "GET") return ZipkinNotFound();  // HEAD too, as Zipkin
    return router->Handle(request);
  };
}

}  // namespace tracestore::server
