#include "query/part_judge.h"

#include <algorithm>

#include "base/try.h"

namespace tracestore::query {

using predicate::Verdict;
using store::ServiceCount;
using store::TracePart;

Result<PartJudge> PartJudge::Make(const predicate::CompiledQuery& query,
                                  const store::SegmentReader& segment, bool of_most) {
  PartJudge judge(query, segment);
  TS_TRY_ASSIGN(judge.lists_, segment.service_lists());
  TS_TRY_ASSIGN(judge.strings_, segment.dictionary());
  judge.FindServices(of_most);
  // Below this no end passes 2^64, so that a part is as long as each of its spans.
  constexpr std::uint64_t kNoWrap = std::uint64_t{1} << 62;
  judge.spans_lie_within_ =
      !segment.meta().has_startless && segment.meta().max_start_ns < kNoWrap &&
      std::all_of(segment.pages().begin(), segment.pages().end(),
                  [](const store::PageInfo& page) { return page.max_duration_ns < kNoWrap; });
  return judge;
}

void PartJudge::FindServices(bool of_most) {
  leaves_.resize(query_->leaf_count());
  for (std::size_t leaf = 0; leaf < leaves_.size(); ++leaf) {
    for (const std::string& name : query_->outline(leaf).services) {
      if (const auto id = strings_->Find(name)) leaves_[leaf].services.push_back(*id);
    }
    std::vector<std::uint8_t>& known = leaves_[leaf].known;
    known.resize(lists_->size(), kUnknown);
    for (std::uint32_t i = 0; of_most && i < known.size(); ++i) known[i] = FindOut(i, leaf) ? 1 : 0;
  }
}

bool PartJudge::FindOut(std::uint32_t number, std::size_t leaf) const {
  const std::vector<std::uint32_t>& services = leaves_[leaf].services;
  const predicate::LeafOutline& outline = query_->outline(leaf);
  const auto list = (*lists_)[number];
  return std::any_of(list.begin(), list.end(), [&](const ServiceCount& s) {
    return (!outline.errors_only || s.errors > 0) &&
           (outline.services.empty() ||
            std::find(services.begin(), services.end(), s.service) != services.end());
  });
}

// What the leaf asks of start and duration. kYes: nothing, or what every row of the part has.
Verdict PartJudge::JudgeTimes(const TracePart& part, std::size_t leaf) const {
  Verdict verdict = Verdict::kYes;
  const predicate::Bounds& start = query_->StartBounds(leaf);
  if (!start.all()) {
    if (!part.has_start || part.start_ns > start.most || part.end_ns < start.least)
      return Verdict::kNo;
    // Every start lies between the part's start and end.
    const bool inside = !segment_->meta().has_startless && start.least <= part.start_ns &&
                        part.end_ns <= start.most;
    if (!inside) verdict = Verdict::kMaybe;
  }
  const predicate::Bounds& duration = query_->DurationBounds(leaf);
  if (duration.all()) return verdict;
  return spans_lie_within_ && part.end_ns - part.start_ns < duration.least ? Verdict::kNo
                                                                           : Verdict::kMaybe;
}

Verdict PartJudge::JudgeLeaf(const TracePart& part, std::size_t leaf) const {
  if (!MeetsOutline(part.profile, leaf)) return Verdict::kNo;
  const Verdict times = JudgeTimes(part, leaf);
  if (times == Verdict::kNo) return Verdict::kNo;
  // The table counts firehose spans, too, which meet no leaf.
  const bool exact = query_->outline(leaf).exact && !part.has_firehose;
  return exact ? times : Verdict::kMaybe;
}

void PartJudge::AddPart(const TracePart& part, TraceVerdict& trace) const {
  for (std::size_t leaf = 0; leaf < trace.leaves.size(); ++leaf) {
    if (trace.leaves[leaf] != Verdict::kYes)
      trace.leaves[leaf] = predicate::Or(trace.leaves[leaf], JudgeLeaf(part, leaf));
  }
  if (part.has_start) trace.extent.Add(part.start_ns, part.end_ns);
  trace.spans += part.rows;
  trace.has_repeats |= part.has_repeats;
  ++trace.parts;
  trace.root_service = strings_->At(part.root_service);
  trace.root_operation = strings_->At(part.root_name);
}

Verdict Judge(const predicate::CompiledQuery& query, const TraceVerdict& trace) {
  predicate::PartialFacts facts;
  facts.known.has_start = trace.extent.has_start;
  facts.known.start_ns = trace.extent.start_ns;
  facts.known.end_ns = trace.extent.end_ns;
  facts.known.spans = trace.spans;
  facts.known.root_service = trace.root_service;
  facts.known.root_operation = trace.root_operation;
  // A span that stands in two parts is told only by its rows, as is the root of several parts.
  facts.has_spans = trace.parts == 1 && !trace.has_repeats;
  facts.has_root = facts.has_spans;
  return query.JudgeTrace(trace.leaves, facts);
}

}  // namespace tracestore::query
