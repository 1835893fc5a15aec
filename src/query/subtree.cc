#include "query/subtree.h"

#include <algorithm>
#include <unordered_set>

#include "base/try.h"
#include "query/fetch.h"

namespace tracestore::query {
namespace {

using store::SpanEdge;

// A segment's part of the trace.
struct Part {
  const store::SegmentReader* segment = nullptr;
  std::vector<SpanEdge> edges;
  std::vector<std::uint32_t> taken;  // rows of the segment, ascending once collected
};

class Subtree {
 public:
  Subtree(const store::SnapshotData& data, TraceId id, SpanId top) : data_(data), id_(id), top_(top) {
    ids_.insert(top.value);
  }

  Status ReadEdges() {
    TS_TRY_ASSIGN(const auto places, FindPlaces(data_, id_));
    for (const TracePlace& place : places) {
      TS_TRY_ASSIGN(const auto* table, place.segment->traces());
      const store::TracePart& part = table->parts[place.ordinal];
      Part& read = parts_.emplace_back();
      read.segment = place.segment;
      TS_TRY(place.segment->ReadEdges(part.first_row, part.first_row + part.rows, read.edges,
                                      data_.stop));
    }
    for (std::size_t i = 0; i < data_.head.size(); ++i) {
      const model::SpanBatch& batch = data_.head[i]->batch();
      data_.head[i]->ForEachRow(id_, [&](std::uint32_t row) {
        head_edges_.push_back({batch.spans[row].span_id, batch.spans[row].parent_id, row});
        head_batches_.push_back(i);
      });
    }
    return {};
  }

  // In preorder a child stands after its parent, so that one pass finds all of a part; a further
  // one is needed for each time that the way down leaves a part for one before it.
  void CollectIds() {
    constexpr int kMostPasses = 8;
    for (int pass = 0; pass < kMostPasses; ++pass) {
      const std::size_t before = ids_.size();
      ForEachEdge([&](const SpanEdge& edge) {
        if (IsOfIt(edge)) ids_.insert(edge.span_id.value);
      });
      if (ids_.size() == before) return;
    }
    CollectInAnyOrder();
  }

  Status ReadRows(model::SpanBatch& out) {
    model::BatchAppender appender(out);
    for (Part& part : parts_) {
      for (const SpanEdge& edge : part.edges) {
        if (IsOfIt(edge)) part.taken.push_back(edge.row);
      }
      TS_TRY(ReadPart(part, data_.stop, appender));
    }
    for (std::size_t i = 0; i < head_edges_.size(); ++i) {
      if (!IsOfIt(head_edges_[i])) continue;
      appender.SetSource(data_.head[head_batches_[i]]->batch());
      appender.Append(head_edges_[i].row);
    }
    return {};
  }

 private:
  // Of different spans that share an id only those count that stand below.
  bool IsOfIt(const SpanEdge& edge) const {
    return edge.span_id == top_ ||
           (!edge.parent_id.empty() && ids_.contains(edge.parent_id.value));
  }

  template <typename Visit>
  void ForEachEdge(const Visit& visit) const {
    for (const Part& part : parts_) {
      for (const SpanEdge& edge : part.edges) visit(edge);
    }
    for (const SpanEdge& edge : head_edges_) visit(edge);
  }

  // For spans whose order is against the tree's: by sorting, O(n log n) whatever comes.
  void CollectInAnyOrder() {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> children;  // parent, span
    ForEachEdge([&](const SpanEdge& edge) {
      if (!edge.parent_id.empty()) children.emplace_back(edge.parent_id.value, edge.span_id.value);
    });
    std::sort(children.begin(), children.end());
    std::vector<std::uint64_t> open(ids_.begin(), ids_.end());
    while (!open.empty()) {
      const std::uint64_t parent = open.back();
      open.pop_back();
      for (auto at = std::lower_bound(children.begin(), children.end(), std::pair{parent, std::uint64_t{0}});
           at != children.end() && at->first == parent; ++at) {
        if (ids_.insert(at->second).second) open.push_back(at->second);
      }
    }
  }

  // Page by page, so that a page is decoded once.
  static Status ReadPart(const Part& part, const StopWhen& stop, model::BatchAppender& appender) {
    for (std::size_t i = 0; i < part.taken.size();) {
      const std::uint32_t page = part.segment->PageOfRow(part.taken[i]);
      const store::PageInfo& info = part.segment->pages()[page];
      std::size_t end = i;
      while (end < part.taken.size() && part.taken[end] < info.first_row + info.rows) ++end;
      model::SpanBatch rows;
      TS_TRY(part.segment->ReadRows(part.taken[i], part.taken[end - 1] + 1, {}, rows, stop));
      appender.SetSource(rows);
      for (std::size_t at = i; at < end; ++at) appender.Append(part.taken[at] - part.taken[i]);
      i = end;
    }
    return {};
  }

  const store::SnapshotData& data_;
  const TraceId id_;
  const SpanId top_;
  std::unordered_set<std::uint64_t> ids_;  // of the subtree
  std::vector<Part> parts_;
  std::vector<SpanEdge> head_edges_;       // rows of the batch that head_batches_ names
  std::vector<std::size_t> head_batches_;
};

}  // namespace

Result<std::shared_ptr<model::SpanBatch>> FetchSubtree(const store::SnapshotData& data, TraceId id,
                                                       SpanId top) {
  Subtree subtree(data, id, top);
  TS_TRY(subtree.ReadEdges());
  subtree.CollectIds();
  auto out = std::make_shared<model::SpanBatch>();
  TS_TRY(subtree.ReadRows(*out));
  return out;
}

}  // namespace tracestore::query
