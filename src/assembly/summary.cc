#include "assembly/summary.h"

#include <algorithm>

#include "assembly/duplicates.h"

namespace tracestore::assembly {

void SummaryBuilder::Add(const model::SpanBatch& batch, std::uint32_t row) {
  const model::SpanRecord& span = batch.spans[row];
  trace_id_ = span.trace_id;
  extent_.Add(span);
  const bool error = span.status == StatusCode::kError;
  errors_ += error;
  const std::string_view name = model::ServiceOf(batch, span);
  auto service = services_.find(name);
  if (service == services_.end())
    service = services_.emplace(std::string(name), TraceSummary::Service{std::string(name), 0, 0})
                  .first;
  ++service->second.span_count;
  service->second.error_count += error;
  ids_.push_back(span.span_id);
  const Edge edge{model::RootRank::Of(span, false), span.parent_id, strings_.Intern(name),
                  strings_.Intern(batch.text(span.name))};
  if (!span.parent_id.empty()) {
    edges_.push_back(edge);
  } else if (!has_root_ || Better(edge, root_)) {
    root_ = edge;
    has_root_ = true;
  }
}

bool SummaryBuilder::Better(const Edge& a, const Edge& b) const {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.service != b.service) return strings_.Get(a.service) < strings_.Get(b.service);
  return strings_.Get(a.operation) < strings_.Get(b.operation);
}

bool SummaryBuilder::HasRepeatedIds() const {
  std::vector<SpanId> ids = ids_;
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) != ids.end();
}

TraceSummary SummaryBuilder::Build() const {
  TraceSummary summary;
  summary.trace_id = trace_id_;
  summary.has_start = extent_.has_start;
  summary.start_ns = extent_.start_ns;
  summary.end_ns = extent_.end_ns;
  summary.span_count = ids_.size();
  summary.error_count = errors_;
  for (const auto& [name, service] : services_) summary.services.push_back(service);
  std::vector<SpanId> ids = ids_;
  std::sort(ids.begin(), ids.end());
  Edge root = root_;
  bool has_root = has_root_;
  for (Edge edge : edges_) {
    if (std::binary_search(ids.begin(), ids.end(), edge.parent_id)) {
      edge.rank.parent = model::RootRank::kParentHere;
    } else {
      ++summary.orphan_count;
    }
    if (!has_root || Better(edge, root)) root = edge;
    has_root = true;
  }
  summary.root_service = strings_.Get(root.service);
  summary.root_operation = strings_.Get(root.operation);
  return summary;
}

TraceSummary Summarize(const model::SpanBatch& batch) {
  SummaryBuilder builder;
  for (const std::uint32_t row : FindDistinct(batch).rows) builder.Add(batch, row);
  return builder.Build();
}

std::vector<std::uint32_t> SubtreeRows(const model::SpanBatch& batch, SpanId top) {
  struct Edge {
    SpanId parent;
    std::uint32_t row;
  };
  std::vector<Edge> edges;
  std::vector<std::uint32_t> found;
  std::vector<bool> taken(batch.size());
  const auto take = [&](std::uint32_t row) {
    if (taken[row]) return;  // a cycle
    taken[row] = true;
    found.push_back(row);
  };
  for (std::uint32_t row = 0; row < batch.size(); ++row) {
    if (!batch.spans[row].parent_id.empty()) edges.push_back({batch.spans[row].parent_id, row});
    if (batch.spans[row].span_id == top) take(row);
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
    return a.parent != b.parent ? a.parent < b.parent : a.row < b.row;
  });
  // Spans that share an id have the same children: each run of them is opened once.
  std::vector<bool> opened(edges.size());
  for (std::size_t next = 0; next < found.size(); ++next) {
    const SpanId id = batch.spans[found[next]].span_id;
    auto child = std::lower_bound(
        edges.begin(), edges.end(), id,
        [](const Edge& edge, SpanId wanted) { return edge.parent < wanted; });
    const auto run = static_cast<std::size_t>(child - edges.begin());
    if (child == edges.end() || opened[run]) continue;
    opened[run] = child->parent == id;
    for (; child != edges.end() && child->parent == id; ++child) take(child->row);
  }
  return found;
}

}  // namespace tracestore::assembly
