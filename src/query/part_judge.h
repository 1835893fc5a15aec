// PartJudge: decides traces from a segment's table of traces, without decoding a row, where the
// table says enough: services with their spans and errors, times, number of spans, root.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

#include "model/trace_extent.h"
#include "predicate/compiled_query.h"
#include "store/segment/segment_reader.h"

namespace tracestore::query {

// What is known of a trace, collected part by part.
struct TraceVerdict {
  std::vector<predicate::Verdict> leaves;  // by leaf; kNo where no part meets it
  model::TraceExtent extent;
  std::uint64_t spans = 0;
  bool has_repeats = false;  // `spans` may count some twice
  std::size_t parts = 0;
  std::string_view root_service;    // of the last part: the trace's where it is the only one
  std::string_view root_operation;

  explicit TraceVerdict(std::size_t leaf_count) : leaves(leaf_count, predicate::Verdict::kNo) {}
};

// Of one query and one segment, which must both outlive it. One thread.
class PartJudge {
 public:
  // `of_most`: most of the segment's parts will be judged, so that what is the same for many is
  // found out at once; else when first asked for.
  static Result<PartJudge> Make(const predicate::CompiledQuery& query,
                                const store::SegmentReader& segment, bool of_most = false);

  // Whether a row of the part meets the leaf.
  predicate::Verdict JudgeLeaf(const store::TracePart& part, std::size_t leaf) const;
  // Adds a part of the trace.
  void AddPart(const store::TracePart& part, TraceVerdict& trace) const;

 private:
  PartJudge(const predicate::CompiledQuery& query, const store::SegmentReader& segment)
      : query_(&query), segment_(&segment) {}
  void FindServices(bool of_most);
  // Whether a list of services, by its number, is one that the leaf may ask for.
  bool MeetsOutline(std::uint32_t number, std::size_t leaf) const {
    std::uint8_t& known = leaves_[leaf].known[number];
    if (known == kUnknown) known = FindOut(number, leaf) ? 1 : 0;
    return known != 0;
  }
  bool FindOut(std::uint32_t number, std::size_t leaf) const;
  predicate::Verdict JudgeTimes(const store::TracePart& part, std::size_t leaf) const;

  const predicate::CompiledQuery* query_;
  const store::SegmentReader* segment_;
  const store::ServiceLists* lists_ = nullptr;
  const column::StringDictionary* strings_ = nullptr;
  bool spans_lie_within_ = false;       // no span is longer than its part
  static constexpr std::uint8_t kUnknown = 2;
  struct Leaf {
    std::vector<std::uint32_t> services;      // of the outline, that the segment has
    mutable std::vector<std::uint8_t> known;  // by list, found out when first asked for
  };
  std::vector<Leaf> leaves_;
};

// Whether the trace matches, all its parts added.
predicate::Verdict Judge(const predicate::CompiledQuery& query, const TraceVerdict& trace);

}  // namespace tracestore::query
