// TraceQualityTally: how well a service's spans are made, by the measures of Jaeger's trace
// quality: are calls seen from both ends, are span ids unique, is the client library a recent one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <tracestore/ids.h>

#include "assembly/trace_graph.h"

namespace tracestore::query {

struct QualityExample {
  TraceId trace_id;
  std::vector<SpanId> span_ids;  // at most kMostExampleSpans
};
inline constexpr std::size_t kMostExamples = 10;
inline constexpr std::size_t kMostExampleSpans = 10;

struct QualityCount {
  std::uint64_t count = 0;
  std::vector<QualityExample> examples;  // the first traces, at most kMostExamples
};

// Of spans: a measure that nothing counts for has neither.
struct QualityMeasure {
  QualityCount passed;
  QualityCount failed;
  QualityCount exempt;
};

struct ClientLibrary {
  std::string minimum;  // "go-2.22.0"; "": the language isn't known
  QualityCount spans;
};

struct TraceQuality {
  // Each span with a known library of at least a certain version. Spans that came as Zipkin's are
  // exempt: their format has no place for it.
  QualityMeasure client_version;
  // Each call of a client that the service answered: its span is a server's. A client without a
  // span below it counts against the service that its peer.service names.
  QualityMeasure server_tag;
  // Each span of a server that the service called: its parent is a client's. A server without one
  // counts against the service that its peer.service names.
  QualityMeasure client_tag;
  // Each span whose id no other one of its trace has. The two halves of a span that client and
  // server share, as Zipkin's do, are exempt.
  QualityMeasure unique_ids;
  std::map<std::string, ClientLibrary> clients;  // by "go-2.30.0", "opentelemetry-java-1.40.0"
};

// The attribute keys that Add() looks at.
inline constexpr const char* kQualityKeys[] = {"jaeger.version", "peer.service"};

// Counts for one service. Threads: one.
class TraceQualityTally {
 public:
  explicit TraceQualityTally(std::string service) : service_(std::move(service)) {}

  // One trace; the newest first, for they are the examples.
  void Add(const assembly::TraceGraph& graph);
  const TraceQuality& quality() const noexcept { return quality_; }

 private:
  void AddVersion(const assembly::TraceGraph& graph, assembly::NodeId node);
  void AddClient(const assembly::TraceGraph& graph, assembly::NodeId node);
  void AddServer(const assembly::TraceGraph& graph, assembly::NodeId node);
  void AddId(const assembly::TraceGraph& graph, assembly::NodeId node);
  bool Is(std::string_view service) const noexcept { return service == service_; }

  const std::string service_;
  TraceQuality quality_;
};

// Whether "go-2.30.0" is at least the version that its language asks for; "opentelemetry-" in front
// asks for OpenTelemetry's. Part by part as numbers, over the shorter of the two.
bool IsRecentClient(std::string_view library);
// "go-2.22.0" of "go-2.30.0"; "" for languages that aren't known.
std::string LeastClientVersion(std::string_view library);

}  // namespace tracestore::query
