// Summaries of traces and single subtrees, without assembling a graph.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/summary.h>

#include "model/span_batch.h"
#include "model/string_table.h"
#include "model/trace_extent.h"

namespace tracestore::assembly {

// Builds a TraceSummary from spans in any order, of any number of batches. Equal spans must come
// once (FindDistinct). About 40 bytes of memory a span. One thread.
class SummaryBuilder {
 public:
  void Add(const model::SpanBatch& batch, std::uint32_t row);
  // Several of the spans added share an id.
  bool HasRepeatedIds() const;
  TraceSummary Build() const;

 private:
  struct Edge {
    model::RootRank rank;
    SpanId parent_id;
    model::StringId service;
    model::StringId operation;
  };
  bool Better(const Edge& a, const Edge& b) const;

  TraceId trace_id_;
  model::TraceExtent extent_;
  model::StringTable strings_;
  std::map<std::string, TraceSummary::Service, std::less<>> services_;
  std::vector<SpanId> ids_;
  std::vector<Edge> edges_;  // spans with a parent
  Edge root_{};              // the best span without one
  bool has_root_ = false;
  std::uint64_t errors_ = 0;
};

// Of a batch that holds all spans of one trace and nothing else.
TraceSummary Summarize(const model::SpanBatch& batch);

// Rows of the spans with id `top` and of all spans below them by parent_id, each parent before its
// children, breadth first; empty where no span has that id. Reads ids and parents only; O(n log n).
std::vector<std::uint32_t> SubtreeRows(const model::SpanBatch& batch, SpanId top);

}  // namespace tracestore::assembly
