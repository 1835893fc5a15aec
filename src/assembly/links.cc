#include "assembly/links.h"

#include <map>
#include <string_view>
#include <utility>

namespace tracestore::assembly {
namespace {

class LinkSums {
 public:
  void Add(std::string_view parent, std::string_view child, bool error) {
    ServiceLink& link = sums_[{parent, child}];
    ++link.calls;
    link.errors += error;
  }
  std::vector<ServiceLink> List() {
    std::vector<ServiceLink> list;
    for (auto& [names, link] : sums_) {
      link.parent = names.first;
      link.child = names.second;
      list.push_back(std::move(link));
    }
    return list;
  }

 private:
  // Views of the batch's strings.
  std::map<std::pair<std::string_view, std::string_view>, ServiceLink> sums_;
};

// Zipkin's kinds; the model's internal spans have none there.
bool HasKind(const model::SpanRecord& span) noexcept {
  return span.kind != SpanKind::kUnspecified && span.kind != SpanKind::kInternal;
}

class ZipkinLinker {
 public:
  explicit ZipkinLinker(const TraceGraph& graph)
      : graph_(graph), batch_(graph.batch()), ancestor_(graph.size(), kNoNode) {
    const NodeId root = graph.root();
    if (root != kNoNode && graph.span(root).parent_id.empty()) root_ = root;
  }

  std::vector<ServiceLink> Link() {
    // Nodes under the root whatever the order of the roots: its own entry first.
    for (const NodeId node : graph_.preorder()) {
      if (graph_.missing(node)) continue;
      ancestor_[node] = AncestorWithKind(node);
      Visit(node);
    }
    return sums_.List();
  }

 private:
  // The parent in Zipkin's tree: spans without a parent in the trace hang under the root.
  NodeId ParentOf(NodeId node) const {
    const NodeId parent = graph_.parent(node);
    if (parent != kNoNode && !graph_.missing(parent)) return parent;
    return node == root_ ? kNoNode : root_;
  }

  // Below the root every parent comes earlier in preorder; the root itself has no ancestor.
  NodeId AncestorWithKind(NodeId node) const {
    const NodeId parent = ParentOf(node);
    if (parent == kNoNode || HasKind(graph_.span(parent))) return parent;
    return parent == root_ ? kNoNode : ancestor_[parent];
  }

  bool HasChildren(NodeId node) const {
    if (!graph_.children(node).empty()) return true;
    return node == root_ && graph_.roots().size() > 1;
  }

  std::string_view Remote(const model::SpanRecord& span) const {
    const model::Attribute* peer = model::FindString(batch_, span.attributes, "peer.service");
    return peer == nullptr ? std::string_view{}
                           : batch_.text(static_cast<model::StringId>(peer->bits));
  }

  bool IsError(NodeId node) const {
    const model::SpanRecord& span = graph_.span(node);
    if (batch_.resources[span.resource].origin != Origin::kZipkin &&
        span.status == StatusCode::kError) {
      return true;
    }
    for (const model::Attribute& attribute : model::AttributesOf(batch_, span.attributes)) {
      if (!attribute.synthetic() && batch_.text(attribute.key) == "error") return true;
    }
    return false;
  }

  void Visit(NodeId node) {
    const model::SpanRecord& span = graph_.span(node);
    const std::string_view local = graph_.service(node);
    const std::string_view remote = Remote(span);
    SpanKind kind = span.kind;
    if (!HasKind(span)) {
      if (local.empty() || remote.empty()) return;
      kind = SpanKind::kClient;
    } else if (kind == SpanKind::kClient && HasChildren(node)) {
      return;  // the server's own name for itself is better
    }
    const bool receives = kind == SpanKind::kServer || kind == SpanKind::kConsumer;
    std::string_view parent = receives ? remote : local;
    const std::string_view child = receives ? local : remote;
    if (receives && node == root_ && parent.empty()) return;  // nobody knows who called
    bool error = IsError(node);
    if (kind == SpanKind::kProducer || kind == SpanKind::kConsumer) {
      if (!parent.empty() && !child.empty()) sums_.Add(parent, child, error);
      return;
    }
    if (ancestor_[node] != kNoNode) {
      const std::string_view ancestor = graph_.service(ancestor_[node]);
      if (!ancestor.empty()) {
        // A client of another service than its ancestor's: the server span between is missing.
        if (kind == SpanKind::kClient && !local.empty() && ancestor != local)
          sums_.Add(ancestor, local, false);
        if (kind == SpanKind::kServer || parent.empty()) parent = ancestor;
      }
    }
    const NodeId above = ParentOf(node);
    if (kind == SpanKind::kServer && above != kNoNode &&
        graph_.span(above).kind == SpanKind::kClient) {
      error |= IsError(above);
    }
    if (!parent.empty() && !child.empty()) sums_.Add(parent, child, error);
  }

  const TraceGraph& graph_;
  const model::SpanBatch& batch_;
  std::vector<NodeId> ancestor_;
  NodeId root_ = kNoNode;
  LinkSums sums_;
};

}  // namespace

std::vector<ServiceLink> JaegerLinks(const TraceGraph& graph) {
  LinkSums sums;
  for (NodeId node = 0; node < graph.span_count(); ++node) {
    const std::string_view service = graph.service(node);
    if (service.empty()) continue;
    const bool error = graph.span(node).status == StatusCode::kError;
    for (const ParentEdge& edge : graph.parents(node)) {
      if (graph.missing(edge.parent)) continue;
      const std::string_view caller = graph.service(edge.parent);
      if (!caller.empty() && caller != service) sums.Add(caller, service, error);
    }
  }
  return sums.List();
}

std::vector<ServiceLink> ZipkinLinks(const TraceGraph& graph) { return ZipkinLinker(graph).Link(); }

}  // namespace tracestore::assembly
