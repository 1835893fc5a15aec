#include "store/segment/summary_counter.h"

#include "assembly/trace_graph.h"
#include "model/latency_histogram.h"

namespace tracestore::store {

using model::SpanBatch;
using model::SpanRecord;

void SummaryCounter::AddSpan(const SpanRecord& span, std::uint32_t service, std::uint32_t name) {
  const std::uint32_t cell =
      series_.Count(static_cast<std::uint32_t>(span.kind), service, name, StepOf(span),
                    span.status == StatusCode::kError);
  if (span.has_duration())
    latencies_.FindOrAdd(cell, model::LatencyHistogram::BucketOf(model::LatencyOf(span)));
}

void SummaryCounter::AddCall(const Service& caller, const Service& callee,
                             const SpanRecord& span) {
  if (!caller.named || !callee.named || caller.id == callee.id) return;
  links_.Count(0, caller.id, callee.id, StepOf(span), span.status == StatusCode::kError);
}

void SummaryCounter::AddTrace(const SpanBatch& trace,
                              const std::function<std::uint32_t(std::string_view)>& id_of,
                              bool spans_too) {
  std::vector<Service> services;
  for (const model::ResourceRecord& resource : trace.resources) {
    const std::string_view name = ServiceOf(trace, resource);
    services.push_back({id_of(name), !name.empty()});
  }
  const auto graph = assembly::TraceGraph::Build(trace);
  for (assembly::NodeId node = 0; node < graph.span_count(); ++node) {
    const SpanRecord& span = graph.span(node);
    if (spans_too) AddSpan(span, services[span.resource].id, id_of(trace.text(span.name)));
    for (const assembly::ParentEdge& edge : graph.parents(node)) {
      if (graph.missing(edge.parent)) continue;
      AddCall(services[graph.span(edge.parent).resource], services[span.resource], span);
    }
  }
}

LinkSummary SummaryCounter::Links() const {
  LinkSummary summary{steps_, {}};
  for (const std::uint32_t cell : links_.Sorted()) {
    summary.cells.push_back({links_.a(cell), links_.b(cell), links_.step(cell),
                             links_.calls(cell), links_.errors(cell)});
  }
  return summary;
}

MetricSummary SummaryCounter::Metrics() const {
  std::vector<FlatMap::Entry> latencies = latencies_.entries();
  const std::vector<std::uint32_t> order = series_.Sorted();
  std::vector<std::uint32_t> rank(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  std::sort(latencies.begin(), latencies.end(),
            [&](const FlatMap::Entry& x, const FlatMap::Entry& y) {
              return std::pair(rank[x.scope], x.key) < std::pair(rank[y.scope], y.key);
            });
  MetricSummary summary{steps_, {}, {}};
  auto latency = latencies.begin();
  for (const std::uint32_t cell : order) {
    summary.cells.push_back({series_.a(cell), series_.b(cell),
                             static_cast<SpanKind>(series_.kind(cell)), series_.step(cell),
                             series_.calls(cell), series_.errors(cell),
                             static_cast<std::uint32_t>(summary.buckets.size())});
    for (; latency != latencies.end() && latency->scope == cell; ++latency)
      summary.buckets.push_back({static_cast<std::uint32_t>(latency->key), latency->count});
  }
  return summary;
}

}  // namespace tracestore::store
