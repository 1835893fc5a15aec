#include "server/zipkin/zipkin_operations.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "codec/json/json_writer.h"
#include "server/admin/admin_api.h"
#include "server/zipkin/zipkin_answers.h"

namespace tracestore::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr std::string_view kMeterPath = "/actuator/metrics/";
constexpr const char* kMetricsElsewhere = "with tenants, metrics are on the admin port alone\n";
constexpr const char* kActuatorType = "application/vnd.spring-boot.actuator.v2+json";

HttpResponse OfActuator(HttpResponse response) {
  response.content_type = kActuatorType;
  return response;
}

// Java's text of a double: whole numbers have a digit behind the point.
void AppendFloat(double value, codec::JsonWriter& json) {
  std::string text;
  codec::JsonWriter(text).Double(value);
  if (text.find_first_of(".eEn") == std::string::npos) text += ".0";
  json.Raw(text);
}

// "counter.zipkin_collector.spans.http" of /metrics, as Spring knows it.
struct Meter {
  std::string name;       // "zipkin_collector.spans"
  std::string transport;  // "http": its tag
  bool counter = false;
  double value = 0;
};

std::vector<Meter> MetersOf(const ZipkinQueryOptions& options) {
  std::vector<Meter> meters;
  if (!options.counters) return meters;
  for (const auto& [name, value] : options.counters()) {
    const std::size_t first = name.find('.');
    const std::size_t last = name.rfind('.');
    if (first == std::string::npos || last <= first) continue;
    meters.push_back({name.substr(first + 1, last - first - 1), name.substr(last + 1),
                      name.starts_with("counter."), value});
  }
  return meters;
}

std::string NamesOf(const std::vector<Meter>& meters) {
  std::set<std::string> names;
  for (const Meter& meter : meters) names.insert(meter.name);
  std::string body;
  codec::JsonWriter json(body);
  json.BeginObject();
  json.Key("names");
  json.BeginArray();
  for (const std::string& name : names) json.String(name);
  json.EndArray();
  json.EndObject();
  return body;
}

// Of one name, all transports together.
std::string FigureOf(const std::vector<Meter>& meters) {
  double sum = 0;
  for (const Meter& meter : meters) sum += meter.value;
  std::string body;
  codec::JsonWriter json(body);
  json.BeginObject();
  json.Key("name");
  json.String(meters.front().name);
  json.Key("measurements");
  json.BeginArray();
  json.BeginObject();
  json.Key("statistic");
  json.String(meters.front().counter ? "COUNT" : "VALUE");
  json.Key("value");
  AppendFloat(sum, json);
  json.EndObject();
  json.EndArray();
  json.Key("availableTags");
  json.BeginArray();
  json.BeginObject();
  json.Key("tag");
  json.String("transport");
  json.Key("values");
  json.BeginArray();
  for (const Meter& meter : meters) json.String(meter.transport);
  json.EndArray();
  json.EndObject();
  json.EndArray();
  json.EndObject();
  return body;
}

std::string UiConfig(const ZipkinQueryOptions& options) {
  const ZipkinUiOptions& ui = options.ui;
  std::string body;
  codec::JsonWriter json(body);
  const auto url = [&json](const char* key, const std::string& value) {
    json.Key(key);
    value.empty() ? json.Null() : json.String(value);
  };
  json.BeginObject();
  json.Key("environment");
  json.String(ui.environment);
  json.Key("queryLimit");
  json.Uint(ui.query_limit);
  json.Key("defaultLookback");
  json.Int(ui.default_lookback.count());
  json.Key("searchEnabled");
  json.Bool(options.search_enabled);
  url("logsUrl", ui.logs_url);
  url("supportUrl", ui.support_url);
  url("archivePostUrl", ui.archive_post_url);
  url("archiveUrl", ui.archive_url);
  json.Key("dependency");
  json.BeginObject();
  json.Key("enabled");
  json.Bool(ui.dependencies);
  json.Key("lowErrorRate");
  json.Double(ui.low_error_rate);
  json.Key("highErrorRate");
  json.Double(ui.high_error_rate);
  json.EndObject();
  json.EndObject();
  return body;
}

}  // namespace

ZipkinOperations::ZipkinOperations(const ZipkinQueryOptions& options)
    : options_(options), store_([&options]() -> Status {
        TS_TRY(options.snapshot());
        return {};
      }) {}

HttpResponse ZipkinOperations::Health(const HttpRequest&) const {
  const Status seen = store_.Ask(options_.timeout);
  const bool up = seen.has_value();
  const char* status = up ? "UP" : "DOWN";
  std::string body;
  codec::JsonWriter json(body);
  const auto begin = [&json](const char* key) {
    json.Key(key);
    json.BeginObject();
  };
  const auto text = [&json](const char* key, std::string_view value) {
    json.Key(key);
    json.String(value);
  };
  json.BeginObject();
  text("status", status);
  begin("zipkin");
  text("status", status);
  begin("details");
  begin("tracestore{}");
  text("status", status);
  if (!up) {
    begin("details");
    text("error", std::string(ErrorCodeName(seen.error().code())) + ": " + seen.error().message());
    json.EndObject();
  }
  json.EndObject();
  json.EndObject();
  json.EndObject();
  json.EndObject();
  return HttpResponse::Json(up ? 200 : 503, std::move(body));
}

// The same as long as the program is: who has it is told so.
HttpResponse ZipkinOperations::Info(const HttpRequest& request) const {
  HttpResponse response = HttpResponse::Json(
      200, "{\"zipkin\":{\"version\":\"" + std::string(Version()) + "\"},\"tracestore\":{}}");
  const std::string tag = "\"" + std::string(Version()) + "\"";
  if (request.header("If-None-Match") == tag) response = HttpResponse::Text(304, "");
  response.headers.emplace_back("ETag", tag);
  return response;
}

HttpResponse ZipkinOperations::ActuatorHealth(const HttpRequest& request) const {
  return OfActuator(Health(request));
}

HttpResponse ZipkinOperations::ActuatorInfo(const HttpRequest& request) const {
  return OfActuator(Info(request));
}

HttpResponse ZipkinOperations::Metrics(const HttpRequest&) const {
  std::string body;
  codec::JsonWriter json(body);
  json.BeginObject();
  if (options_.counters) {
    for (const auto& [name, value] : options_.counters()) {
      json.Key(name);
      AppendFloat(value, json);
    }
  }
  json.EndObject();
  return HttpResponse::Json(200, std::move(body));
}

HttpResponse ZipkinOperations::ActuatorMetrics(const HttpRequest& request) const {
  std::vector<Meter> meters = MetersOf(options_);
  const std::string name = request.path.substr(std::min(request.path.size(), kMeterPath.size()));
  if (name.empty()) return OfActuator(HttpResponse::Json(200, NamesOf(meters)));
  std::erase_if(meters, [&](const Meter& meter) { return meter.name != name; });
  if (meters.empty()) return ZipkinNotFound();
  return OfActuator(HttpResponse::Json(200, FigureOf(meters)));
}

HttpResponse ZipkinOperations::Prometheus(const HttpRequest&) const {
  if (!options_.prometheus) return HttpResponse::Text(404, kMetricsElsewhere);
  HttpResponse response = HttpResponse::Text(200, options_.prometheus());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

// What Zipkin's own web pages ask first.
HttpResponse ZipkinOperations::Config(const HttpRequest&) const {
  if (!options_.ui.on) return ZipkinNotFound();
  HttpResponse response = HttpResponse::Json(200, UiConfig(options_));
  response.headers.emplace_back("Cache-Control", "max-age=600");
  return response;
}

std::vector<ZipkinOperation> ZipkinOperationsOf(const ZipkinQueryOptions& options) {
  using Operations = ZipkinOperations;
  std::vector<ZipkinOperation> list = {
      {"/health", "/health", &Operations::Health},
      {"/actuator/health", "/actuator/health", &Operations::ActuatorHealth},
      {"/info", "/info", &Operations::Info},
      {"/actuator/info", "/actuator/info", &Operations::ActuatorInfo},
      {"/metrics", "/metrics", &Operations::Metrics},
      {"/actuator/metrics", "/actuator/metrics", &Operations::ActuatorMetrics},
      {"/actuator/metrics/{name}", "/actuator/metrics/{name}", &Operations::ActuatorMetrics},
      {"/prometheus", "/prometheus", &Operations::Prometheus},
      {"/actuator/prometheus", "/actuator/prometheus", &Operations::Prometheus},
  };
  if (options.queries)
    list.push_back({"/zipkin/config.json", "/zipkin/config.json", &Operations::Config});
  return list;
}

}  // namespace tracestore::server
