#include "query/trace_quality.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tracestore::query {
namespace {

using assembly::EdgeType;
using assembly::kNoNode;
using assembly::NodeId;
using assembly::TraceGraph;
using model::SpanRecord;

constexpr std::string_view kOpenTelemetry = "opentelemetry-";
constexpr std::size_t kMostLibraries = 100;      // of a service; hosts may send any text
constexpr std::size_t kMostLibraryBytes = 100;

// Least versions. Jaeger's clients: those of its own trace quality job. OpenTelemetry's: the first
// stable ones (Rust's has none yet).
constexpr std::pair<std::string_view, std::string_view> kLeast[] = {
    {"go", "2.22.0"},
    {"python", "4.0.0"},
    {"node", "3.17.1"},
    {"java", "1.0.0"},
    {"opentelemetry-cpp", "1.0.0"},
    {"opentelemetry-dotnet", "1.0.0"},
    {"opentelemetry-erlang", "1.0.0"},
    {"opentelemetry-go", "1.0.0"},
    {"opentelemetry-java", "1.0.0"},
    {"opentelemetry-nodejs", "1.0.0"},
    {"opentelemetry-php", "1.0.0"},
    {"opentelemetry-python", "1.0.0"},
    {"opentelemetry-ruby", "1.0.0"},
    {"opentelemetry-rust", "0.20.0"},
    {"opentelemetry-swift", "1.0.0"},
    {"opentelemetry-webjs", "1.0.0"},
};

// "go-2.30.0" as language and version; nullopt where it isn't that.
std::optional<std::pair<std::string_view, std::string_view>> Split(std::string_view library) {
  const std::size_t from = library.starts_with(kOpenTelemetry) ? kOpenTelemetry.size() : 0;
  const auto dash = library.find('-', from);
  if (dash == std::string_view::npos || library.find('-', dash + 1) != std::string_view::npos)
    return std::nullopt;
  return std::pair(library.substr(0, dash), library.substr(dash + 1));
}

std::string_view LeastOf(std::string_view language) {
  for (const auto& [name, least] : kLeast) {
    if (name == language) return least;
  }
  return "";
}

// The next number of "2.30.0"; nullopt for what is none.
std::optional<std::uint64_t> TakePart(std::string_view& version) {
  const auto dot = version.find('.');
  const std::string_view part = version.substr(0, dot);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
  if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
  version = dot == std::string_view::npos ? "" : version.substr(dot + 1);
  return value;
}

bool IsAtLeast(std::string_view version, std::string_view least) {
  int order = 0;
  while (!version.empty()) {
    const auto part = TakePart(version);
    if (!part) return false;
    if (order != 0 || least.empty()) continue;  // the rest has to be numbers, too
    const auto wanted = TakePart(least);
    if (*part != *wanted) order = *part < *wanted ? -1 : 1;
  }
  return order >= 0;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::string_view TextOf(const model::SpanBatch& batch, model::Range range, std::string_view key) {
  const model::Attribute* const found = FindString(batch, range, key);
  return found == nullptr ? "" : batch.text(static_cast<model::StringId>(found->bits));
}

// What the span says of its client library; "" for nothing.
std::string LibraryOf(const TraceGraph& graph, NodeId node) {
  const model::SpanBatch& batch = graph.batch();
  const SpanRecord& span = graph.span(node);
  const model::Range process = batch.resources[span.resource].attributes;
  std::string_view version = TextOf(batch, process, "jaeger.version");
  if (version.empty()) version = TextOf(batch, span.attributes, "jaeger.version");
  if (!version.empty()) return Lower(version);
  const std::string_view language = TextOf(batch, process, "telemetry.sdk.language");
  version = TextOf(batch, process, "telemetry.sdk.version");
  if (language.empty() || version.empty()) return "";
  return std::string(kOpenTelemetry) + Lower(language) + "-" + Lower(version);
}

void Count(QualityCount& count, const TraceGraph& graph, NodeId node) {
  ++count.count;
  const SpanRecord& span = graph.span(node);
  auto& examples = count.examples;
  if (examples.empty() || examples.back().trace_id != span.trace_id) {
    if (examples.size() == kMostExamples) return;
    examples.push_back({span.trace_id, {}});
  }
  auto& spans = examples.back().span_ids;
  if (spans.size() < kMostExampleSpans) spans.push_back(span.span_id);
}

void Count(QualityMeasure& measure, bool passed, const TraceGraph& graph, NodeId node) {
  Count(passed ? measure.passed : measure.failed, graph, node);
}

}  // namespace

bool IsRecentClient(std::string_view library) {
  const auto split = Split(library);
  if (!split || split->second.empty()) return false;
  const std::string_view least = LeastOf(split->first);
  return !least.empty() && IsAtLeast(split->second, least);
}

std::string LeastClientVersion(std::string_view library) {
  const auto split = Split(library);
  const std::string_view least = split ? LeastOf(split->first) : "";
  return least.empty() ? "" : std::string(split->first) + "-" + std::string(least);
}

void TraceQualityTally::Add(const TraceGraph& graph) {
  for (NodeId node = 0; node < graph.span_count(); ++node) {
    switch (graph.span(node).kind) {
      case SpanKind::kClient: AddClient(graph, node); break;
      case SpanKind::kServer: AddServer(graph, node); break;
      default: break;
    }
    if (!Is(graph.service(node))) continue;
    AddVersion(graph, node);
    AddId(graph, node);
  }
}

void TraceQualityTally::AddVersion(const TraceGraph& graph, NodeId node) {
  const std::string library = LibraryOf(graph, node);
  const auto& resource = graph.batch().resources[graph.span(node).resource];
  if (library.empty() && resource.origin == Origin::kZipkin)
    return Count(quality_.client_version.exempt, graph, node);
  Count(quality_.client_version, IsRecentClient(library), graph, node);
  if (library.empty()) return;
  const std::string shown = library.substr(0, kMostLibraryBytes);
  auto at = quality_.clients.find(shown);
  if (at == quality_.clients.end()) {
    if (quality_.clients.size() == kMostLibraries) return;
    at = quality_.clients.emplace(shown, ClientLibrary{LeastClientVersion(library), {}}).first;
  }
  Count(at->second.spans, graph, node);
}

void TraceQualityTally::AddClient(const TraceGraph& graph, NodeId node) {
  for (const NodeId child : graph.children(node)) {
    if (Is(graph.service(child)))
      Count(quality_.server_tag, graph.span(child).kind == SpanKind::kServer, graph, child);
  }
  if (!graph.children(node).empty()) return;
  const std::string_view peer =
      TextOf(graph.batch(), graph.span(node).attributes, "peer.service");
  if (!peer.empty() && Is(peer)) Count(quality_.server_tag, false, graph, node);
}

void TraceQualityTally::AddServer(const TraceGraph& graph, NodeId node) {
  const NodeId parent = graph.parent(node);
  if (parent != kNoNode && !graph.missing(parent)) {
    if (Is(graph.service(parent)))
      Count(quality_.client_tag, graph.span(parent).kind == SpanKind::kClient, graph, parent);
    return;
  }
  const std::string_view peer =
      TextOf(graph.batch(), graph.span(node).attributes, "peer.service");
  if (!peer.empty() && Is(peer)) Count(quality_.client_tag, false, graph, node);
}

void TraceQualityTally::AddId(const TraceGraph& graph, NodeId node) {
  const auto same = graph.Find(graph.span_id(node));
  const bool shared = same.size() == 2 && std::any_of(same.begin(), same.end(), [&](NodeId one) {
    return graph.parent_edge(one) == EdgeType::kShared;
  });
  if (shared) return Count(quality_.unique_ids.exempt, graph, node);
  Count(quality_.unique_ids, same.size() == 1, graph, node);
}

}  // namespace tracestore::query
