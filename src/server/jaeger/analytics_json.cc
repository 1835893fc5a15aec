#include "server/jaeger/analytics_json.h"

#include "codec/json/json_writer.h"

namespace tracestore::server {
namespace {

using codec::JsonWriter;

constexpr const char* kAbout = "https://opentelemetry.io/docs/concepts/signals/traces/";

// A measure as the page shows it.
struct MetricWords {
  const char* name;
  const char* category;  // a score's key
  const char* description;
  double weight;
  query::QualityMeasure query::TraceQuality::* measure;
};

constexpr MetricWords kMetrics[] = {
    {"Server Spans", "coverage",
     "Calls of clients that the service answers are spans of kind server in their traces.", 1,
     &query::TraceQuality::server_tag},
    {"Client Spans", "coverage",
     "Calls that the service makes are spans of kind client in their traces.", 1,
     &query::TraceQuality::client_tag},
    {"Client Version", "quality",
     "Spans come from a client library that is recent enough.", 1,
     &query::TraceQuality::client_version},
    {"Unique Span IDs", "quality", "No two spans of a trace have the same id.", 1,
     &query::TraceQuality::unique_ids},
};

struct ScoreWords {
  const char* key;
  const char* label;
};
constexpr ScoreWords kScores[] = {{"coverage", "Instrumentation Coverage"},
                                  {"quality", "Trace Quality"}};

void Examples(JsonWriter& json, const char* key, const std::vector<query::QualityExample>& list) {
  json.Key(key);
  if (list.empty()) return json.Null();
  json.BeginArray();
  for (const query::QualityExample& example : list) {
    json.BeginObject();
    json.Key("traceID");
    json.String(example.trace_id.ToShortHex());
    json.Key("spanIDs");
    json.BeginArray();
    for (const SpanId id : example.span_ids) json.String(id.ToHex());
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
}

bool IsCounted(const query::QualityMeasure& measure) {
  return measure.passed.count + measure.failed.count != 0;
}

void Scores(JsonWriter& json, const query::TraceQuality& quality) {
  json.Key("scores");
  json.BeginArray();
  for (const ScoreWords& words : kScores) {
    double sum = 0, weights = 0;
    for (const MetricWords& metric : kMetrics) {
      const query::QualityMeasure& measure = quality.*metric.measure;
      if (std::string_view(metric.category) != words.key || !IsCounted(measure)) continue;
      const auto passed = static_cast<double>(measure.passed.count);
      sum += metric.weight * passed / (passed + static_cast<double>(measure.failed.count));
      weights += metric.weight;
    }
    if (weights == 0) continue;
    json.BeginObject();
    json.Key("key");
    json.String(words.key);
    json.Key("label");
    json.String(words.label);
    json.Key("max");
    json.Uint(100);
    json.Key("value");
    json.Double(100 * sum / weights);
    json.EndObject();
  }
  json.EndArray();
}

void Metrics(JsonWriter& json, const query::TraceQuality& quality) {
  json.Key("metrics");
  json.BeginArray();
  for (const MetricWords& words : kMetrics) {
    const query::QualityMeasure& measure = quality.*words.measure;
    if (!IsCounted(measure)) continue;  // a share of nothing can't be drawn
    json.BeginObject();
    json.Key("name");
    json.String(words.name);
    json.Key("category");
    json.String(words.category);
    json.Key("description");
    json.String(words.description);
    json.Key("metricDocumentationLink");
    json.String(kAbout);
    json.Key("metricWeight");
    json.Double(words.weight);
    json.Key("passCount");
    json.Uint(measure.passed.count);
    Examples(json, "passExamples", measure.passed.examples);
    json.Key("failureCount");
    json.Uint(measure.failed.count);
    Examples(json, "failureExamples", measure.failed.examples);
    json.Key("exemptionCount");
    measure.exempt.count == 0 ? json.Null() : json.Uint(measure.exempt.count);
    Examples(json, "exemptionExamples", measure.exempt.examples);
    json.Key("details");
    json.Null();
    json.EndObject();
  }
  json.EndArray();
}

void Clients(JsonWriter& json, const query::TraceQuality& quality) {
  json.Key("clients");
  json.BeginArray();
  for (const auto& [version, client] : quality.clients) {
    json.BeginObject();
    json.Key("version");
    json.String(version);
    json.Key("minVersion");
    json.String(client.minimum);
    json.Key("count");
    json.Uint(client.spans.count);
    Examples(json, "examples", client.spans.examples);
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

std::string PathsJson(const std::vector<query::CallPath>& paths, std::string_view unnamed) {
  std::string out;
  JsonWriter json(out);
  json.BeginObject();
  json.Key("dependencies");
  json.BeginArray();
  for (const query::CallPath& path : paths) {
    json.BeginObject();
    json.Key("path");
    json.BeginArray();
    for (const query::CallHop& hop : path.hops) {
      json.BeginObject();
      json.Key("service");
      json.String(hop.service.empty() ? unnamed : hop.service);
      json.Key("operation");
      json.String(hop.operation);
      json.EndObject();
    }
    json.EndArray();
    json.Key("attributes");
    json.BeginArray();
    for (const TraceId id : path.exemplars) {
      json.BeginObject();
      json.Key("key");
      json.String("exemplar_trace_id");
      json.Key("value");
      json.String(id.ToShortHex());
      json.EndObject();
    }
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return out;
}

std::string QualityJson(const query::TraceQuality& quality) {
  std::string out;
  JsonWriter json(out);
  json.BeginObject();
  json.Key("traceQualityDocumentationLink");
  json.String(kAbout);
  Scores(json, quality);
  Metrics(json, quality);
  Clients(json, quality);
  json.EndObject();
  return out;
}

}  // namespace tracestore::server
