// TraceGraph: the spans of one trace as a directed acyclic graph, with a tree in it.
//
// Every span has at most one parent in the tree, which gives children, depth and preorder:
//   1. of a Zipkin span that client and server share (one id, a client and a server), the client;
//   2. else the span that parent_id names; where several spans have that id, the one of the same
//      service, else the client of a shared pair, else the earliest;
//   3. where the trace has no such span, a stand-in node for the missing parent;
//   4. without a parent_id, the first FollowsFrom reference to a span of the trace.
// All its references to spans of the trace but links are its parents in the graph.
// Cycles are cut: of a cycle in the tree the earliest span loses its parent, and a further
// reference that lies on a cycle is left out; each with a warning.
//
// Nothing recursive; O(n log n) time and about 100 bytes of memory a span.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::assembly {

// 0 … span_count() - 1 are spans, ordered by start (those without one last), then span id, then
// content; span_count() … size() - 1 are missing parents, by id. The numbers don't depend on the
// order of the batch.
using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = 0xFFFFFFFF;

enum class EdgeType : std::uint8_t {
  kNone,         // a root
  kChildOf,
  kFollowsFrom,
  kShared,       // the server half of a shared Zipkin span under the client half
};

struct ParentEdge {
  NodeId parent = kNoNode;
  EdgeType type = EdgeType::kNone;
};

struct GraphWarning {
  enum class Kind : std::uint8_t {
    kSameId,  // other spans have its id: different ones, and with `raw` also equal ones
    kCycle,   // a reference of this span to `id` closed a cycle and was cut
  };
  NodeId node;
  Kind kind;
  SpanId id;

  // One sentence for people.
  std::string Text() const;
};

// A reference of a span to another trace.
struct ForeignReference {
  NodeId node;
  std::uint32_t reference;  // index into SpanBatch::references
};

struct AssemblyOptions {
  // Every stored span is a node, also those equal in every field to another. Otherwise they are
  // one node, and copies() counts them.
  bool raw = false;
};

// Immutable; any number of threads may read. The batch must outlive it and not change.
class TraceGraph {
 public:
  // `batch`: all spans of one trace, in any order.
  static TraceGraph Build(const model::SpanBatch& batch, const AssemblyOptions& options = {});

  const model::SpanBatch& batch() const noexcept { return *batch_; }
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(ids_.size()); }
  std::uint32_t span_count() const noexcept { return static_cast<std::uint32_t>(rows_.size()); }
  bool missing(NodeId node) const noexcept { return node >= span_count(); }

  SpanId span_id(NodeId node) const { return ids_[node]; }
  // Of spans, not of missing parents.
  std::uint32_t row(NodeId node) const { return rows_[node]; }
  const model::SpanRecord& span(NodeId node) const { return batch_->spans[rows_[node]]; }
  std::uint32_t copies(NodeId node) const { return copies_[node]; }
  // The service's string in the batch.
  model::StringId service_id(NodeId node) const { return services_[span(node).resource]; }
  std::string_view service(NodeId node) const { return batch_->text(service_id(node)); }

  // The tree. Children by start, then id.
  NodeId parent(NodeId node) const { return tree_[node].parent; }
  EdgeType parent_edge(NodeId node) const { return tree_[node].type; }
  std::span<const NodeId> children(NodeId node) const { return children_.Of(node); }
  // 0 for roots.
  std::uint32_t depth(NodeId node) const { return depth_[node]; }
  // Nodes without a parent in the tree, by start (of a missing parent: its first child's).
  const std::vector<NodeId>& roots() const noexcept { return roots_; }
  // The trace's root (docs/format/semantics.md, "Trace"); kNoNode for an empty batch. It may hang
  // under a missing parent.
  NodeId root() const noexcept { return root_; }
  // All nodes, each before its children.
  const std::vector<NodeId>& preorder() const noexcept { return preorder_; }
  // The node and all below it, in preorder.
  std::span<const NodeId> subtree(NodeId node) const {
    return {preorder_.data() + position_[node], subtree_size_[node]};
  }

  // The graph. The tree's parent is the first.
  std::span<const ParentEdge> parents(NodeId node) const { return parents_.Of(node); }
  // Nodes that have this one among their parents(), by start, then id.
  std::span<const NodeId> all_children(NodeId node) const { return all_children_.Of(node); }

  // Spans with this id, in no particular order; empty where there is none.
  std::span<const NodeId> Find(SpanId id) const;
  const std::vector<ForeignReference>& foreign_references() const noexcept { return foreign_; }
  // By node.
  const std::vector<GraphWarning>& warnings() const noexcept { return warnings_; }

 private:
  friend class GraphBuilder;

  // A list for each node, all in one vector.
  template <typename T>
  struct Lists {
    std::vector<std::uint32_t> begin;  // one more than nodes
    std::vector<T> items;
    std::span<const T> Of(NodeId node) const {
      return {items.data() + begin[node], begin[node + 1] - begin[node]};
    }
  };
  // Spans of one id: by_id_[begin, begin + count).
  struct IdGroup {
    std::uint32_t begin;
    std::uint32_t count;
    NodeId usual;   // what a reference to the id means, where no span of the same service is there
    NodeId client;  // of a shared pair, else kNoNode
  };

  const IdGroup* GroupOf(SpanId id) const;

  const model::SpanBatch* batch_ = nullptr;
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint32_t> copies_;
  std::vector<SpanId> ids_;
  std::vector<model::StringId> services_;  // by resource
  std::vector<NodeId> by_id_;
  std::vector<IdGroup> groups_;    // by id
  std::vector<SpanId> group_ids_;  // of groups_, close together for searching
  std::vector<ParentEdge> tree_;
  Lists<NodeId> children_;
  Lists<ParentEdge> parents_;
  Lists<NodeId> all_children_;
  std::vector<std::uint32_t> depth_;
  std::vector<NodeId> preorder_;
  std::vector<std::uint32_t> position_;
  std::vector<std::uint32_t> subtree_size_;
  std::vector<NodeId> roots_;
  std::vector<ForeignReference> foreign_;
  std::vector<GraphWarning> warnings_;
  NodeId root_ = kNoNode;
};

}  // namespace tracestore::assembly
