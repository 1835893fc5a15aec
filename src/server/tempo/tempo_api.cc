#include "server/tempo/tempo_api.h"

#include <memory>
#include <set>
#include <utility>

#include "base/try.h"
#include "codec/json/json_writer.h"
#include "net/http_router.h"
#include "net/tenancy.h"
#include "server/admin/admin_api.h"
#include "server/tempo/tempo_answers.h"
#include "server/tempo/tempo_params.h"
#include "server/tempo/tempo_search.h"
#include "server/tempo/tempo_tags.h"

namespace tracestore::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::PathParams;

constexpr std::string_view kOther = "other";

// A search's answer in pieces, a page of traces each.
class SearchStream {
 public:
  SearchStream(Snapshot snapshot, TempoSearch search, TempoForm form)
      : writer_(form, search.by_query), traces_(std::move(snapshot), std::move(search)) {}

  // A BodyStream's call.
  Result<bool> Next(std::string& chunk) {
    TS_TRY_ASSIGN(const auto found, traces_.Next());
    if (!begun_) writer_.Begin(chunk);
    begun_ = true;
    for (const TempoFound& trace : found) writer_.Append(trace, chunk);
    if (!traces_.done()) return true;
    writer_.End(chunk);
    return false;
  }

 private:
  TempoSearchWriter writer_;
  TempoTraces traces_;
  bool begun_ = false;
};

class TempoQueryApi {
 public:
  explicit TempoQueryApi(TempoQueryOptions options) : options_(std::move(options)) {}

  Result<HttpResponse> Echo(const HttpRequest&, const PathParams&) const {
    return TempoSentence(200, "echo");
  }

  Result<HttpResponse> Ready(const HttpRequest&, const PathParams&) const {
    if (options_.ready && !options_.ready()) return TempoSentence(503, "not ready");
    return TempoSentence(200, "ready");
  }

  Result<HttpResponse> Metrics(const HttpRequest&, const PathParams&) const {
    if (!options_.metrics)
      return TempoSentence(404, "with tenants, metrics are on the admin port alone\n");
    HttpResponse response = HttpResponse::Text(200, options_.metrics());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  }

  Result<HttpResponse> BuildInfo(const HttpRequest&, const PathParams&) const {
    std::string body;
    codec::JsonWriter json(body);
    json.BeginObject();
    json.Key("version");
    json.String(Version());
    for (const char* key : {"revision", "branch", "buildUser", "buildDate", "goVersion"}) {
      json.Key(key);
      json.String("");
    }
    json.EndObject();
    return HttpResponse::Json(200, std::move(body));
  }

  Result<HttpResponse> Trace(const HttpRequest& request, const PathParams& path) const {
    TS_TRY_ASSIGN(const SpanList spans, SpansOf(request, path));
    const TempoForm form = TempoFormOf(request);
    if (spans.empty()) return TempoSentence(404, "");
    return TempoAnswer(form, TempoTrace(spans, form));
  }

  Result<HttpResponse> TraceV2(const HttpRequest& request, const PathParams& path) const {
    TS_TRY_ASSIGN(const SpanList spans, SpansOf(request, path));
    const TempoForm form = TempoFormOf(request);
    return TempoAnswer(form, TempoTraceById(spans, form));
  }

  Result<HttpResponse> Search(const HttpRequest& request, const PathParams&) const {
    TS_TRY_ASSIGN(TempoSearch search, ParseTempoSearch(request.query));
    TS_TRY_ASSIGN(Snapshot snapshot, Bounded(request));
    const TempoForm form = TempoFormOf(request);
    const auto stream =
        std::make_shared<SearchStream>(std::move(snapshot), std::move(search), form);
    std::string begin;
    TS_TRY_ASSIGN(const bool more, stream->Next(begin));
    if (!more) return TempoAnswer(form, std::move(begin));
    HttpResponse response = TempoAnswer(form, "");
    const auto first = std::make_shared<std::string>(std::move(begin));
    response.stream = [stream, first](std::string& chunk) -> Result<bool> {
      if (first->empty()) return stream->Next(chunk);
      chunk = std::move(*first);
      first->clear();
      return true;
    };
    return response;
  }

  Result<HttpResponse> TagNames(const HttpRequest& request, const PathParams&) const {
    TS_TRY_ASSIGN(TempoScopes scopes, ParseTempoScope(request.query));
    if (scopes.levels != 0) scopes.intrinsic = false;
    TS_TRY_ASSIGN(const TempoScopeNames found, NamesOf(request, scopes));
    std::set<std::string> names;
    for (const auto& [scope, tags] : found) names.insert(tags.begin(), tags.end());
    const TempoForm form = TempoFormOf(request);
    return TempoAnswer(form, TempoTagNames({names.begin(), names.end()}, form));
  }

  Result<HttpResponse> TagNamesV2(const HttpRequest& request, const PathParams&) const {
    TS_TRY_ASSIGN(const TempoScopes scopes, ParseTempoScope(request.query));
    TS_TRY_ASSIGN(const TempoScopeNames found, NamesOf(request, scopes));
    const TempoForm form = TempoFormOf(request);
    return TempoAnswer(form, TempoTagNamesV2(found, form));
  }

  Result<HttpResponse> TagValues(const HttpRequest& request, const PathParams& path) const {
    TS_TRY_ASSIGN(const std::size_t most, ParseTempoNameLimit(request.query, true));
    TS_TRY_ASSIGN(const TimeRange starts, ParseTempoRange(request.query));
    TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
    TS_TRY_ASSIGN(const auto found, TempoTextsOf(snapshot, path["tag"], starts, most));
    const TempoForm form = TempoFormOf(request);
    return TempoAnswer(form, TempoTagValues(found, form));
  }

  Result<HttpResponse> TagValuesV2(const HttpRequest& request, const PathParams& path) const {
    TS_TRY_ASSIGN(const TempoTag tag, ParseTempoTag(path["tag"]));
    TS_TRY_ASSIGN(const std::size_t most, ParseTempoNameLimit(request.query, true));
    TS_TRY_ASSIGN(const TimeRange starts, ParseTempoRange(request.query));
    TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
    TS_TRY_ASSIGN(const auto found, TempoValuesOf(snapshot, tag, starts, most));
    const TempoForm form = TempoFormOf(request);
    return TempoAnswer(form, TempoTagValuesV2(found, form));
  }

  void Observe(std::string_view route, int status, std::chrono::nanoseconds took) const {
    if (options_.observer) options_.observer(route, status, took);
  }

 private:
  // One whose calls end at the time-out, and when the server stops.
  Result<Snapshot> Bounded(const HttpRequest& request) const {
    TS_TRY_ASSIGN(const Snapshot snapshot, options_.snapshot());
    StopWhen stop;
    stop.deadline = std::chrono::steady_clock::now() + options_.timeout;
    stop.poll = [token = request.stop] { return token.stop_requested(); };
    return snapshot.StoppingWhen(stop);
  }

  // Empty where there is no such trace.
  Result<SpanList> SpansOf(const HttpRequest& request, const PathParams& path) const {
    TS_TRY_ASSIGN(const TraceId id, ParseTempoTraceId(path["id"]));
    TS_TRY(CheckTempoTraceParams(request.query));
    TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
    auto spans = snapshot.Get(id);
    const bool missing = !spans.has_value() && spans.error().code() == ErrorCode::kNotFound;
    return missing ? Result<SpanList>(SpanList()) : std::move(spans);
  }

  Result<TempoScopeNames> NamesOf(const HttpRequest& request, const TempoScopes& scopes) const {
    TS_TRY_ASSIGN(const std::size_t most, ParseTempoNameLimit(request.query, false));
    TS_TRY_ASSIGN(const TimeRange starts, ParseTempoRange(request.query));
    TS_TRY_ASSIGN(const Snapshot snapshot, Bounded(request));
    return TempoNames(snapshot, scopes, starts, most);
  }

  const TempoQueryOptions options_;
};

}  // namespace

net::HttpHandler MakeTempoQueryHandler(TempoQueryOptions options) {
  const auto api = std::make_shared<const TempoQueryApi>(std::move(options));
  const auto router = std::make_shared<net::HttpRouter>();
  using Method =
      Result<HttpResponse> (TempoQueryApi::*)(const HttpRequest&, const PathParams&) const;
  const auto route = [&](const char* path, Method method) {
    router->Add("GET", path, [api, path, method](const HttpRequest& request,
                                                 const PathParams& parameters) {
      const auto begin = std::chrono::steady_clock::now();
      Result<HttpResponse> answer = ((*api).*method)(request, parameters);
      HttpResponse response =
          answer.has_value() ? std::move(answer).value() : TempoFailure(answer.error());
      api->Observe(path, response.status, std::chrono::steady_clock::now() - begin);
      return response;
    });
  };
  route("/api/echo", &TempoQueryApi::Echo);
  route("/api/status/buildinfo", &TempoQueryApi::BuildInfo);
  route("/ready", &TempoQueryApi::Ready);
  route("/metrics", &TempoQueryApi::Metrics);
  route("/api/traces/{id}", &TempoQueryApi::Trace);
  route("/api/v2/traces/{id}", &TempoQueryApi::TraceV2);
  route("/api/search", &TempoQueryApi::Search);
  route("/api/search/tags", &TempoQueryApi::TagNames);
  route("/api/v2/search/tags", &TempoQueryApi::TagNamesV2);
  route("/api/search/tag/{tag}/values", &TempoQueryApi::TagValues);
  route("/api/v2/search/tag/{tag}/values", &TempoQueryApi::TagValuesV2);
  router->SetNotFound([api](const HttpRequest&) {
    api->Observe(kOther, 404, {});
    return TempoRefusal(404, "404 page not found");
  });
  return [router](const HttpRequest& request) {
    if (request.method == "GET" || request.method == "HEAD") return router->Handle(request);
    HttpRequest as_get = request;
    as_get.method = "GET";
    return router->Handle(as_get);
  };
}

HttpResponse TempoRefusal(int status, const std::string& message) {
  return TempoSentence(status, message + "\n");
}

std::string TempoBadTenant(std::string_view name) {
  for (const char c : name) {
    if (net::IsTenantName(std::string_view(&c, 1)) || c == '.') continue;
    return "tenant ID '" + std::string(name) + "' contains unsupported character '" + c + "'";
  }
  return name.size() > 150 ? "tenant ID is too long: max 150 characters"
                           : "tenant ID is '.' or '..'";
}

bool IsTempoOpen(std::string_view path) noexcept {
  return path == "/api/echo" || path == "/api/status/buildinfo" || path == "/ready" ||
         path == "/metrics";
}

}  // namespace tracestore::server
