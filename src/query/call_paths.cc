#include "query/call_paths.h"

#include <algorithm>

namespace tracestore::query {

using assembly::kNoNode;
using assembly::NodeId;
using assembly::TraceGraph;

std::size_t CallPathTally::HopHash::operator()(const HopKey& key) const noexcept {
  std::uint64_t hash = (std::uint64_t{key.before} << 32) | key.service;
  hash = (hash ^ key.operation) * 0x9E37'79B9'7F4A'7C15;  // 2^64 by the golden ratio
  return static_cast<std::size_t>(hash ^ (hash >> 29));
}

CallPathTally::Name CallPathTally::NameOf(std::string_view text) {
  const auto [at, added] =
      name_numbers_.try_emplace(std::string(text), static_cast<Name>(names_.size()));
  if (added) {
    names_.push_back(&at->first);
    name_bytes_ += text.size();
  }
  return at->second;
}

// The hop for that service and operation after `before`; kCut where there is no room for it.
std::uint32_t CallPathTally::After(std::uint32_t before, std::string_view service,
                                   std::string_view operation) {
  const std::uint32_t length = before == kStart ? 1 : hops_[before].length + 1;
  if (length > options_.max_path_hops || hops_.size() >= options_.max_hops ||
      name_bytes_ + service.size() + operation.size() > options_.max_name_bytes) {
    return kCut;
  }
  const HopKey key{before, NameOf(service), NameOf(operation)};
  const auto [at, added] =
      hop_numbers_.try_emplace(key, static_cast<std::uint32_t>(hops_.size()));
  if (added) {
    const bool here = service == options_.service &&
                      (options_.operation.empty() || operation == options_.operation);
    const bool focal = here || (before != kStart && hops_[before].focal);
    hops_.push_back({before, key.service, key.operation, length, focal, {}});
  }
  return at->second;
}

std::uint32_t CallPathTally::HopOf(const TraceGraph& graph, NodeId node, std::uint32_t above) {
  if (above == kCut) return kCut;
  const bool goes_on = above != kStart && graph.span(node).kind != SpanKind::kServer &&
                       *names_[hops_[above].service] == graph.service(node);
  if (goes_on) return above;
  return After(above, graph.service(node), graph.batch().text(graph.span(node).name));
}

void CallPathTally::End(std::uint32_t hop, TraceId trace) {
  if (hop == kCut || !hops_[hop].focal) return;
  auto& exemplars = hops_[hop].exemplars;
  if (exemplars.size() >= options_.max_exemplars) return;
  if (exemplars.empty() || exemplars.back() != trace) exemplars.push_back(trace);
}

void CallPathTally::Add(const TraceGraph& graph) {
  // Of each node the last hop kept; nodes come after those above them.
  std::vector<std::uint32_t> hop_of(graph.size(), kStart);
  for (const NodeId node : graph.preorder()) {
    if (graph.missing(node)) continue;  // what hangs below it begins anew
    const NodeId parent = graph.parent(node);
    hop_of[node] = HopOf(graph, node, parent == kNoNode ? kStart : hop_of[parent]);
    if (graph.children(node).empty()) End(hop_of[node], graph.span(node).trace_id);
  }
}

std::vector<CallPath> CallPathTally::Paths() const {
  std::vector<CallPath> paths;
  std::size_t told = 0;
  for (const Hop& last : hops_) {
    if (last.exemplars.empty()) continue;
    told += last.length;
    if (told > options_.max_told_hops) break;
    CallPath path;
    path.exemplars = last.exemplars;
    for (const Hop* hop = &last;; hop = &hops_[hop->before]) {
      path.hops.push_back({*names_[hop->service], *names_[hop->operation]});
      if (hop->before == kStart) break;
    }
    std::reverse(path.hops.begin(), path.hops.end());
    paths.push_back(std::move(path));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace tracestore::query
