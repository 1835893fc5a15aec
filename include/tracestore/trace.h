// Trace: the spans of one trace as a graph with a tree in it, and where their time went.
//
//   const auto trace = tracestore::Trace::Assemble(store->Get(id).value()).value();
//   for (const auto node : trace.preorder()) { … trace.depth(node), trace.self_ns(node) … }
//
// Rules are in docs/format/semantics.md ("Trace"). Nothing in it is recursive: a chain of a million
// spans works.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/spans.h>
#include <tracestore/status.h>
#include <tracestore/summary.h>

namespace tracestore {

struct TraceOptions {
  // How far the spans of a clock that runs ahead or behind may be moved, in nanoseconds, so that
  // they lie within their parents. 0: not at all; what would be moved is warned of.
  std::uint64_t max_skew_ns = 0;
};

struct DrawOptions;
struct DrawnTree;

// Immutable; copies share one assembled trace; any number of threads may read. It keeps its spans.
class Trace {
 public:
  // Nodes 0 … span_count() - 1 are spans, equal ones as one, ordered by start (those without one
  // last), then id; span_count() … size() - 1 stand for parents that are not in the trace. The
  // numbers don't depend on the order in which the spans came.
  using Node = std::uint32_t;
  static constexpr Node kNone = 0xFFFFFFFF;

  // Why a node is a parent of another.
  enum class Edge : std::uint8_t {
    kNone,  // of a root
    kChildOf,
    kFollowsFrom,
    kShared,  // the server half of a shared Zipkin span, under the client half
  };
  struct Parent {
    Node node = kNone;
    Edge edge = Edge::kNone;
  };
  struct Warning {
    Node node = kNone;
    std::string text;  // one sentence, without the span's id
  };
  // Unix nanoseconds, [begin_ns, end_ns); both 0 for a span without a start.
  struct Interval {
    std::uint64_t begin_ns = 0;
    std::uint64_t end_ns = 0;
  };
  // A stretch of time and the span that the trace waited for.
  struct PathPart {
    Node node = kNone;
    std::uint64_t begin_ns = 0;
    std::uint64_t end_ns = 0;
  };

  // `spans`: of one trace, in any order; all of them, or a subtree's (Snapshot::GetSubtree). O(n
  // log n) time, about 150 bytes of memory a span. Errors: kInvalidArgument (no span, or several
  // traces).
  static Result<Trace> Assemble(SpanList spans, const TraceOptions& options = {});

  const SpanList& spans() const noexcept;
  const TraceSummary& summary() const noexcept;
  std::uint32_t size() const noexcept;        // nodes
  std::uint32_t span_count() const noexcept;  // of them spans
  bool missing(Node node) const noexcept { return node >= span_count(); }

  // Preconditions below: node < size(); where it says "of spans", node < span_count().
  SpanId span_id(Node node) const;
  SpanView span(Node node) const;            // of spans
  std::size_t row(Node node) const;          // of spans: which of spans() it is
  std::uint32_t copies(Node node) const;     // of spans: how often it was stored
  Interval interval(Node node) const;        // of spans; moved where skew is adjusted
  std::uint64_t self_ns(Node node) const;    // of spans: its interval less what children cover

  // The tree. Children by start, then id.
  Parent parent(Node node) const;
  std::span<const Node> children(Node node) const;
  std::uint32_t depth(Node node) const;  // 0 for roots
  const std::vector<Node>& roots() const noexcept;  // without a parent in the tree, by start
  Node root() const noexcept;            // the trace's root; it may hang under a missing parent
  const std::vector<Node>& preorder() const noexcept;
  std::span<const Node> subtree(Node node) const;  // the node and all below it, in preorder

  // The graph: a span may have several parents. The tree's is the first.
  std::vector<Parent> parents(Node node) const;
  std::span<const Node> all_children(Node node) const;

  // Spans with this id, by start; several where different spans share it.
  std::vector<Node> Find(SpanId id) const;
  // Spans that share an id, cycles that were cut, clocks that disagree; by node.
  const std::vector<Warning>& warnings() const noexcept;
  // By time, without overlap; together they are the whole interval of `top` (root(), usually).
  // Empty where it has no start or is missing. O(n log n).
  std::vector<PathPart> CriticalPath(Node top) const;

 private:
  friend DrawnTree DrawTree(const Trace& trace, const DrawOptions& options);
  struct Assembled;
  explicit Trace(std::shared_ptr<const Assembled> assembled) : assembled_(std::move(assembled)) {}
  std::shared_ptr<const Assembled> assembled_;
};

struct DrawOptions {
  std::size_t width = 100;            // columns; 40 at least
  std::size_t max_rows = 1000;        // spans drawn; 0: all
  Trace::Node top = Trace::kNone;     // only this node and what is below it
  bool attributes = false;            // also attributes, events and references below each span
  bool shorten = false;               // cut their lines at the width
  bool ascii = false;                 // no characters beyond ASCII in the drawing
  bool color = false;                 // with the escape sequences of terminals
};

struct DrawnTree {
  std::string text;           // UTF-8, of whole lines; control characters of the spans are replaced
  std::uint64_t left_out = 0;  // spans not drawn because of max_rows
};

// A title, a time axis, and a line for each span in preorder: service, name, duration and a bar,
// solid where the trace waited for the span. What `tracestore get` prints.
DrawnTree DrawTree(const Trace& trace, const DrawOptions& options);

}  // namespace tracestore
