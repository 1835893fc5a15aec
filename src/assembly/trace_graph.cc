#include "assembly/trace_graph.h"

#include <algorithm>
#include <tuple>

#include "assembly/duplicates.h"
#include "assembly/strong_components.h"
#include "model/trace_extent.h"

namespace tracestore::assembly {
namespace {

bool HasSharedMark(const model::SpanBatch& batch, const model::SpanRecord& span) {
  for (const model::Attribute& attribute : model::AttributesOf(batch, span.attributes)) {
    if (attribute.synthetic() && batch.text(attribute.key) == "zipkin.shared") return true;
  }
  return false;
}

}  // namespace

std::string GraphWarning::Text() const {
  if (kind == Kind::kSameId) return "other spans of the trace have the same id " + id.ToHex();
  return "the reference to " + id.ToHex() + " closes a cycle and is left out";
}

const TraceGraph::IdGroup* TraceGraph::GroupOf(SpanId id) const {
  const auto at = std::lower_bound(group_ids_.begin(), group_ids_.end(), id);
  if (at == group_ids_.end() || *at != id) return nullptr;
  return &groups_[static_cast<std::size_t>(at - group_ids_.begin())];
}

std::span<const NodeId> TraceGraph::Find(SpanId id) const {
  const IdGroup* group = GroupOf(id);
  if (group == nullptr) return {};
  return {by_id_.data() + group->begin, group->count};
}

class GraphBuilder {
 public:
  GraphBuilder(const model::SpanBatch& batch, const AssemblyOptions& options) {
    g_.batch_ = &batch;
    DistinctSpans spans = options.raw ? AllRows(batch) : FindDistinct(batch);
    g_.rows_ = std::move(spans.rows);
    g_.copies_ = std::move(spans.copies);
    for (const std::uint32_t row : g_.rows_) g_.ids_.push_back(batch.spans[row].span_id);
    for (const auto& resource : batch.resources) g_.services_.push_back(ServiceIdOf(resource));
  }

  TraceGraph Build() {
    GroupById();
    for (NodeId node = 0; node < g_.span_count(); ++node) ChooseParents(node);
    CutTreeCycles();
    AddMissingParents();
    LinkTree();
    Traverse();
    LinkGraph();
    FindRoot();
    std::stable_sort(g_.warnings_.begin(), g_.warnings_.end(),
                     [](const GraphWarning& a, const GraphWarning& b) { return a.node < b.node; });
    return std::move(g_);
  }

 private:
  struct FurtherEdge {
    NodeId child;
    NodeId parent;
    EdgeType type;
    auto Order() const { return std::tie(child, parent, type); }
  };

  model::StringId ServiceIdOf(const model::ResourceRecord& resource) const {
    const model::Attribute* service =
        model::FindString(*g_.batch_, resource.attributes, "service.name");
    return service == nullptr ? 0 : static_cast<model::StringId>(service->bits);
  }

  // Within one id: by service, servers first, so that one search finds what a child of that
  // service hangs under.
  void GroupById() {
    struct Key {
      SpanId id;
      model::StringId service;
      bool no_server;
      NodeId node;
      auto Order() const { return std::tie(id, service, no_server, node); }
    };
    std::vector<Key> keys;
    keys.reserve(g_.span_count());
    for (NodeId node = 0; node < g_.span_count(); ++node) {
      keys.push_back(
          {g_.ids_[node], g_.service_id(node), g_.span(node).kind != SpanKind::kServer, node});
    }
    std::sort(keys.begin(), keys.end(),
              [](const Key& a, const Key& b) { return a.Order() < b.Order(); });
    group_of_.resize(g_.span_count());
    for (const Key& key : keys) g_.by_id_.push_back(key.node);
    for (std::uint32_t i = 0; i < keys.size();) {
      std::uint32_t end = i;
      for (; end < keys.size() && keys[end].id == keys[i].id; ++end)
        group_of_[keys[end].node] = static_cast<std::uint32_t>(g_.groups_.size());
      g_.group_ids_.push_back(keys[i].id);
      AddGroup(i, end - i);
      i = end;
    }
  }

  void AddGroup(std::uint32_t begin, std::uint32_t count) {
    TraceGraph::IdGroup group{begin, count, kNoNode, kNoNode};
    NodeId client = kNoNode;
    std::uint32_t servers = 0;
    for (std::uint32_t i = begin; i < begin + count; ++i) {
      const NodeId node = g_.by_id_[i];
      group.usual = std::min(group.usual, node);
      if (count == 1) break;
      if (IsServerHalf(node)) {
        ++servers;
      } else if (g_.span(node).kind == SpanKind::kClient) {
        client = std::min(client, node);
      }
    }
    if (client != kNoNode && servers > 0) group.usual = group.client = client;
    const bool pair = group.client != kNoNode && count == 2;
    for (std::uint32_t i = begin; count > 1 && !pair && i < begin + count; ++i)
      g_.warnings_.push_back({g_.by_id_[i], GraphWarning::Kind::kSameId, g_.group_ids_.back()});
    g_.groups_.push_back(group);
  }

  bool IsServerHalf(NodeId node) const {
    const model::SpanRecord& span = g_.span(node);
    return span.kind == SpanKind::kServer || HasSharedMark(*g_.batch_, span);
  }

  // The span that a reference to `id` from a span of `service` means, or kNoNode.
  NodeId Resolve(SpanId id, model::StringId service) const {
    const TraceGraph::IdGroup* group = g_.GroupOf(id);
    if (group == nullptr) return kNoNode;
    const auto begin = g_.by_id_.begin() + group->begin;
    const auto end = begin + group->count;
    const auto same = std::lower_bound(
        begin, end, service,
        [&](NodeId node, model::StringId wanted) { return g_.service_id(node) < wanted; });
    return same != end && g_.service_id(*same) == service ? *same : group->usual;
  }

  void ChooseParents(NodeId node) {
    const model::SpanRecord& span = g_.span(node);
    g_.tree_.emplace_back();
    ParentEdge& tree = g_.tree_.back();
    const model::StringId service = g_.service_id(node);
    const TraceGraph::IdGroup& own = g_.groups_[group_of_[node]];
    if (own.client != kNoNode && own.client != node && IsServerHalf(node)) {
      tree = {own.client, EdgeType::kShared};
    } else if (!span.parent_id.empty() && span.parent_id == span.span_id) {
      g_.warnings_.push_back({node, GraphWarning::Kind::kCycle, span.parent_id});
    } else if (!span.parent_id.empty()) {
      const NodeId parent = Resolve(span.parent_id, service);
      if (parent == kNoNode) orphans_.push_back(node);
      tree = {parent, EdgeType::kChildOf};
    }
    AddReferences(node, span, service);
  }

  void AddReferences(NodeId node, const model::SpanRecord& span, model::StringId service) {
    ParentEdge& tree = g_.tree_[node];
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      const std::uint32_t index = span.references.begin + i;
      const model::ReferenceRecord& reference = g_.batch_->references[index];
      if (reference.trace_id != span.trace_id) {
        g_.foreign_.push_back({node, index});
        continue;
      }
      if (reference.type == ReferenceType::kLink) continue;
      if (reference.span_id == span.span_id) {
        g_.warnings_.push_back({node, GraphWarning::Kind::kCycle, span.span_id});
        continue;
      }
      const NodeId parent = Resolve(reference.span_id, service);
      if (parent == kNoNode) continue;
      const EdgeType type = reference.type == ReferenceType::kChildOf ? EdgeType::kChildOf
                                                                      : EdgeType::kFollowsFrom;
      if (tree.type == EdgeType::kNone && span.parent_id.empty()) {
        tree = {parent, type};
      } else {
        further_.push_back({node, parent, type});
      }
    }
  }

  // Each span has one parent at most, so a walk upwards meets at most one cycle.
  void CutTreeCycles() {
    enum : std::uint8_t { kNew, kOnPath, kDone };
    std::vector<std::uint8_t> state(g_.span_count(), kNew);
    std::vector<NodeId> path;
    for (NodeId first = 0; first < g_.span_count(); ++first) {
      NodeId node = first;
      for (; node != kNoNode && state[node] == kNew; node = g_.tree_[node].parent) {
        state[node] = kOnPath;
        path.push_back(node);
      }
      if (node != kNoNode && state[node] == kOnPath) {
        const auto cycle = std::find(path.begin(), path.end(), node);
        const NodeId earliest = *std::min_element(cycle, path.end());
        const NodeId parent = g_.tree_[earliest].parent;
        g_.warnings_.push_back({earliest, GraphWarning::Kind::kCycle, g_.ids_[parent]});
        g_.tree_[earliest] = {};
      }
      for (const NodeId done : path) state[done] = kDone;
      path.clear();
    }
  }

  void AddMissingParents() {
    const auto wanted = [&](NodeId node) { return g_.span(node).parent_id; };
    std::stable_sort(orphans_.begin(), orphans_.end(),
                     [&](NodeId a, NodeId b) { return wanted(a) < wanted(b); });
    for (const NodeId orphan : orphans_) {
      if (g_.size() == g_.span_count() || g_.ids_.back() != wanted(orphan)) {
        g_.ids_.push_back(wanted(orphan));
        g_.tree_.emplace_back();
      }
      g_.tree_[orphan].parent = g_.size() - 1;
    }
  }

  // Lists of children from lists of parents; in the order of nodes, which is that of starts.
  template <typename ForEachEdge>
  TraceGraph::Lists<NodeId> Invert(ForEachEdge&& for_each_edge) const {
    TraceGraph::Lists<NodeId> lists;
    lists.begin.assign(g_.size() + std::size_t{1}, 0);
    for_each_edge([&](NodeId, NodeId parent) { ++lists.begin[parent + std::size_t{1}]; });
    for (std::uint32_t i = 0; i < g_.size(); ++i) lists.begin[i + 1] += lists.begin[i];
    lists.items.resize(lists.begin.back());
    std::vector<std::uint32_t> next(lists.begin.begin(), lists.begin.end() - 1);
    for_each_edge([&](NodeId child, NodeId parent) { lists.items[next[parent]++] = child; });
    return lists;
  }

  void LinkTree() {
    g_.children_ = Invert([&](auto&& edge) {
      for (NodeId node = 0; node < g_.size(); ++node) {
        if (g_.tree_[node].parent != kNoNode) edge(node, g_.tree_[node].parent);
      }
    });
    for (NodeId node = 0; node < g_.size(); ++node) {
      if (g_.tree_[node].parent == kNoNode) g_.roots_.push_back(node);
    }
    const auto place = [&](NodeId node) {
      return g_.missing(node) ? g_.children(node).front() : node;
    };
    std::stable_sort(g_.roots_.begin(), g_.roots_.end(),
                     [&](NodeId a, NodeId b) { return place(a) < place(b); });
  }

  void Traverse() {
    g_.depth_.assign(g_.size(), 0);
    g_.position_.assign(g_.size(), 0);
    g_.subtree_size_.assign(g_.size(), 1);
    g_.preorder_.reserve(g_.size());
    std::vector<NodeId> open(g_.roots_.rbegin(), g_.roots_.rend());
    while (!open.empty()) {
      const NodeId node = open.back();
      open.pop_back();
      g_.position_[node] = static_cast<std::uint32_t>(g_.preorder_.size());
      g_.preorder_.push_back(node);
      const auto children = g_.children(node);
      for (auto child = children.rbegin(); child != children.rend(); ++child) {
        g_.depth_[*child] = g_.depth_[node] + 1;
        open.push_back(*child);
      }
    }
    for (auto node = g_.preorder_.rbegin(); node != g_.preorder_.rend(); ++node) {
      const NodeId parent = g_.tree_[*node].parent;
      if (parent != kNoNode) g_.subtree_size_[parent] += g_.subtree_size_[*node];
    }
  }

  void LinkGraph() {
    // Of several references to one parent the ChildOf stays, and none beside the tree's own.
    std::sort(further_.begin(), further_.end(),
              [](const FurtherEdge& a, const FurtherEdge& b) { return a.Order() < b.Order(); });
    further_.erase(std::unique(further_.begin(), further_.end(),
                               [](const FurtherEdge& a, const FurtherEdge& b) {
                                 return a.child == b.child && a.parent == b.parent;
                               }),
                   further_.end());
    std::erase_if(further_, [&](const FurtherEdge& edge) {
      return g_.tree_[edge.child].parent == edge.parent;
    });
    ListParents();
    if (!further_.empty() && CutFurtherCycles()) ListParents();
    g_.all_children_ = Invert([&](auto&& edge) {
      for (NodeId node = 0; node < g_.size(); ++node) {
        for (const ParentEdge& parent : g_.parents(node)) edge(node, parent.parent);
      }
    });
  }

  void ListParents() {
    g_.parents_.begin.assign(1, 0);
    g_.parents_.items.clear();
    auto further = further_.begin();
    for (NodeId node = 0; node < g_.size(); ++node) {
      if (g_.tree_[node].parent != kNoNode) g_.parents_.items.push_back(g_.tree_[node]);
      for (; further != further_.end() && further->child == node; ++further)
        g_.parents_.items.push_back({further->parent, further->type});
      g_.parents_.begin.push_back(static_cast<std::uint32_t>(g_.parents_.items.size()));
    }
  }

  // An edge within a strong component lies on a cycle; without the further ones the tree is left.
  bool CutFurtherCycles() {
    std::vector<std::uint32_t> targets;
    targets.reserve(g_.parents_.items.size());
    for (const ParentEdge& edge : g_.parents_.items) targets.push_back(edge.parent);
    const std::vector<std::uint32_t> component = StrongComponents(g_.parents_.begin, targets);
    return std::erase_if(further_, [&](const FurtherEdge& edge) {
             if (component[edge.child] != component[edge.parent]) return false;
             g_.warnings_.push_back(
                 {edge.child, GraphWarning::Kind::kCycle, g_.ids_[edge.parent]});
             return true;
           }) != 0;
  }

  void FindRoot() {
    model::RootRank best;
    for (NodeId node = 0; node < g_.span_count(); ++node) {
      const model::SpanRecord& span = g_.span(node);
      model::RootRank rank = model::RootRank::Of(span, false);
      if (g_.root_ != kNoNode && rank > best) continue;  // a parent that is here makes it no better
      rank = model::RootRank::Of(span, g_.GroupOf(span.parent_id) != nullptr);
      if (g_.root_ != kNoNode && (rank > best || (rank == best && !NamedBefore(node, g_.root_))))
        continue;
      best = rank;
      g_.root_ = node;
    }
  }

  // What tells equal ranks apart.
  bool NamedBefore(NodeId a, NodeId b) const {
    if (g_.service_id(a) != g_.service_id(b)) return g_.service(a) < g_.service(b);
    return g_.batch_->text(g_.span(a).name) < g_.batch_->text(g_.span(b).name);
  }

  TraceGraph g_;
  std::vector<std::uint32_t> group_of_;  // by node
  std::vector<FurtherEdge> further_;
  std::vector<NodeId> orphans_;
};

TraceGraph TraceGraph::Build(const model::SpanBatch& batch, const AssemblyOptions& options) {
  return GraphBuilder(batch, options).Build();
}

}  // namespace tracestore::assembly
