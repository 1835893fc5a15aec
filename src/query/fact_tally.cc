#include "query/fact_tally.h"

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/id_hash.h"
#include "base/stop.h"
#include "base/try.h"
#include "query/fetch.h"
#include "query/head_facts.h"
#include "query/hidden_rows.h"

namespace tracestore::query {
namespace {

using model::SpanRecord;
using store::SegmentReader;
using store::SnapshotData;
using store::SummarySteps;
using store::TracePart;
using store::TraceTable;

using TraceIds = std::unordered_set<TraceId, base::TraceIdHash>;

constexpr std::uint64_t kEndless = TimeRange{}.end_ns;

bool MayStartIn(const model::TraceExtent& extent, TimeRange range) noexcept {
  return range.all() || (extent.has_start && extent.end_ns >= range.begin_ns &&
                         (extent.start_ns < range.end_ns || range.Contains(extent.start_ns)));
}

bool MayStartIn(const SegmentReader& segment, TimeRange range) noexcept {
  const store::SegmentMeta& meta = segment.meta();
  return range.all() || (meta.max_start_ns >= range.begin_ns &&
                         (meta.min_start_ns < range.end_ns || range.Contains(meta.min_start_ns)));
}

bool All(std::uint32_t) { return true; }

// How a range lies to the steps of a summary: whole ones, and the parts of others.
struct StepPlan {
  FactTally::Steps whole;
  TimeRange covered;               // by the whole ones, where there are any
  std::vector<TimeRange> windows;  // in steps that the range cuts: two at most
};

StepPlan PlanSteps(const SummarySteps& steps, TimeRange range) {
  StepPlan plan;
  const auto count = static_cast<std::uint32_t>(steps.begins_ns.size());
  plan.whole = {0, count, range.all()};
  plan.covered = range;
  if (range.all()) return plan;
  const auto begin_of = [&](std::uint32_t i) { return steps.begins_ns[i]; };
  const auto end_of = [&](std::uint32_t i) {
    return begin_of(i) > kEndless - steps.step_ns ? kEndless : begin_of(i) + steps.step_ns;
  };
  std::uint32_t& first = plan.whole.first;
  std::uint32_t& last = plan.whole.last;
  while (first < count && end_of(first) <= range.begin_ns) ++first;
  while (last > first && begin_of(last - 1) >= range.end_ns) --last;
  const bool cut_first = first < last && begin_of(first) < range.begin_ns;
  const bool cut_last = first < last && end_of(last - 1) > range.end_ns;
  if (cut_first && cut_last && last - first == 1) {
    plan.windows = {range};
    last = first;
    return plan;
  }
  if (cut_first) {
    plan.windows.push_back({range.begin_ns, std::min(end_of(first), range.end_ns)});
    ++first;
  }
  if (cut_last) plan.windows.push_back({begin_of(--last), range.end_ns});
  if (first < last) plan.covered = {begin_of(first), end_of(last - 1)};
  return plan;
}

bool HasRepeatedIds(const model::SpanBatch& trace) {
  std::vector<SpanId> ids;
  ids.reserve(trace.size());
  for (const SpanRecord& span : trace.spans) ids.push_back(span.span_id);
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) != ids.end();
}

// What FactsBuilder needs of a trace's spans in segments: all of them only where some have one id.
Result<std::shared_ptr<model::SpanBatch>> SpansForFacts(const SnapshotData& data, TraceId id) {
  store::Projection structure;
  structure.attributes = structure.events = false;
  TS_TRY_ASSIGN(const auto places, FindPlaces(data, id));
  auto held = std::make_shared<HeldBatch>(data);
  for (const TracePlace& place : places) {
    TS_TRY_ASSIGN(const auto* table, place.segment->traces());
    const TracePart& part = table->parts[place.ordinal];
    TS_TRY(ReadHeld(*place.segment, part.first_row, part.first_row + part.rows, structure,
                    data.stop, held->hold, held->batch));
  }
  if (HasRepeatedIds(held->batch)) return FetchTrace(data, id);
  return BatchOf(std::move(held));
}

class SegmentsTally {
 public:
  SegmentsTally(const SnapshotData& data, TimeRange range, FactTally& tally)
      : data_(data), range_(range), tally_(tally) {}

  Status Run() {
    for (std::size_t number = 0; number < data_.segments.size(); ++number) {
      TS_TRY(CheckStop(data_.stop));
      if (!MayStartIn(*data_.segments[number], range_)) continue;
      TS_TRY_ASSIGN(const auto left_out, LeftOut(number));
      TS_TRY(AddSegment(data_.segments[number], left_out));
    }
    return AddScattered();
  }

 private:
  // The parts of a segment whose traces have rows elsewhere, or are deleted; ascending.
  Result<std::vector<std::uint32_t>> LeftOut(std::size_t number) {
    TS_TRY_ASSIGN(std::vector<std::uint32_t> parts, Straddling(*data_.segments[number]));
    TS_TRY_ASSIGN(const auto hidden, HiddenParts(data_, number));
    parts.insert(parts.end(), hidden.begin(), hidden.end());
    std::sort(parts.begin(), parts.end());
    parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
    return parts;
  }

  Result<std::vector<std::uint32_t>> Straddling(const SegmentReader& segment) {
    std::vector<std::uint32_t> parts;
    if (data_.straddlers == nullptr || data_.straddlers->empty()) return parts;
    TS_TRY_ASSIGN(const auto* table, segment.traces());
    if (data_.straddlers->size() > table->parts.size() / 8) {
      for (std::uint32_t i = 0; i < table->parts.size(); ++i) {
        if (data_.straddlers->contains(table->parts[i].id.low)) parts.push_back(i);
      }
    } else {
      for (const std::uint64_t low : *data_.straddlers) {
        TS_TRY_ASSIGN(const auto found, segment.PartsWithLowId(low));
        parts.insert(parts.end(), found.begin(), found.end());
      }
      std::sort(parts.begin(), parts.end());
    }
    for (const std::uint32_t part : parts) {
      const TraceId id = table->parts[part].id;
      if (known_.insert(id).second) scattered_.push_back(id);
    }
    return parts;
  }

  Status AddSegment(const std::shared_ptr<const SegmentReader>& segment,
                    const std::vector<std::uint32_t>& left_out) {
    TS_TRY_ASSIGN(const SummarySteps* const steps, tally_.StepsOf(*segment));
    if (steps == nullptr || KeptFacts(data_, segment, tally_.kind()) != nullptr)
      return AddFacts(segment, left_out);
    const StepPlan plan = PlanSteps(*steps, range_);
    TS_TRY_ASSIGN(const auto* table, segment->traces());
    const auto edges = EdgeParts(*table, plan.windows, left_out);
    const bool any_whole = plan.whole.first < plan.whole.last || plan.whole.startless;
    std::uint64_t rows = 0;
    for (const std::uint32_t part : edges) rows += table->parts[part].rows;
    if (any_whole) {
      for (const std::uint32_t part : left_out) rows += table->parts[part].rows;
    }
    if (rows > segment->meta().rows / 2) return AddFacts(segment, left_out);
    if (any_whole) {
      TS_TRY(tally_.AddSummary(*segment, plan.whole));
      TS_TRY_ASSIGN(const TraceFacts out, ScanParts(*segment, tally_.kind(), left_out, data_.stop));
      tally_.Add(out, plan.covered, All, FactTally::Sign::kTakeOut);
    }
    TS_TRY_ASSIGN(const TraceFacts in, ScanParts(*segment, tally_.kind(), edges, data_.stop));
    for (const TimeRange window : plan.windows)
      tally_.Add(in, window, All, FactTally::Sign::kAdd);
    return {};
  }

  static std::vector<std::uint32_t> EdgeParts(const TraceTable& table,
                                              const std::vector<TimeRange>& windows,
                                              const std::vector<std::uint32_t>& left_out) {
    std::vector<std::uint32_t> parts;
    if (windows.empty()) return parts;
    for (std::uint32_t i = 0; i < table.parts.size(); ++i) {
      const TracePart& part = table.parts[i];
      const model::TraceExtent extent{part.has_start, part.start_ns, part.end_ns};
      const bool near = std::any_of(windows.begin(), windows.end(), [&](TimeRange window) {
        return MayStartIn(extent, window);
      });
      if (near && !std::binary_search(left_out.begin(), left_out.end(), i)) parts.push_back(i);
    }
    return parts;
  }

  Status AddFacts(const std::shared_ptr<const SegmentReader>& segment,
                  const std::vector<std::uint32_t>& left_out) {
    TS_TRY_ASSIGN(const auto facts, FactsOf(data_, segment, tally_.kind()));
    TS_TRY_ASSIGN(const auto* table, segment->traces());
    std::vector<bool> out(left_out.empty() ? 0 : table->parts.size());
    for (const std::uint32_t part : left_out) out[part] = true;
    tally_.Add(*facts, range_, [&](std::uint32_t part) { return out.empty() || !out[part]; },
               FactTally::Sign::kAdd);
    return {};
  }

  Status AddScattered() {
    FactsBuilder builder(tally_.kind());
    for (const TraceId id : scattered_) {
      TS_TRY(CheckStop(data_.stop));
      TS_TRY_ASSIGN(const auto trace, SpansForFacts(data_, id));
      builder.Add(*trace, 0);
    }
    tally_.Add(builder.Finish(), range_, All, FactTally::Sign::kAdd);
    return {};
  }

  const SnapshotData& data_;  // without a head
  const TimeRange range_;
  FactTally& tally_;
  TraceIds known_;                  // of these:
  std::vector<TraceId> scattered_;  // as their parts stand, so that neighbours share pages
};

SnapshotData WithoutHead(const SnapshotData& data) {
  SnapshotData segments = data;
  segments.head.clear();
  return segments;
}

// Each trace of the head by itself, for a memo that hasn't the room.
Status TallyHeadOnce(const SnapshotData& data, TimeRange range, FactTally& tally) {
  TraceIds ids;
  for (const auto& batch : data.head) {
    for (const SpanRecord& span : batch->batch().spans) ids.insert(span.trace_id);
  }
  const SnapshotData segments = WithoutHead(data);
  FactsBuilder before(tally.kind());
  FactsBuilder now(tally.kind());
  for (const TraceId id : ids) {
    TS_TRY(CheckStop(data.stop));
    if (!range.all()) {
      TS_TRY_ASSIGN(const model::TraceExtent extent, ExtentOf(data, id));
      if (!MayStartIn(extent, range)) continue;
    }
    model::SpanBatch spans;
    TS_TRY(FetchInto(segments, id, spans));
    if (!spans.empty()) before.Add(spans, 0);
    AppendHeadRows(data, id, spans);
    now.Add(spans, 0);
  }
  tally.Add(before.Finish(), range, All, FactTally::Sign::kTakeOut);
  tally.Add(now.Finish(), range, All, FactTally::Sign::kAdd);
  return {};
}

// Two kinds of them, and other answers, share the memo.
bool HasRoomForHead(const SnapshotData& data) {
  if (data.memo == nullptr) return false;
  std::size_t spans = 0;
  for (const auto& batch : data.head) spans += batch->batch().size();
  return spans <= data.memo->most_bytes() / (3 * sizeof(SpanFact));
}

}  // namespace

Status TallySegments(const SnapshotData& data, TimeRange range, FactTally& tally) {
  const SnapshotData segments = WithoutHead(data);
  return SegmentsTally(segments, range, tally).Run();
}

Status TallyHead(const SnapshotData& data, TimeRange range, FactTally& tally) {
  if (data.head.empty()) return {};
  if (!HasRoomForHead(data)) return TallyHeadOnce(data, range, tally);
  const std::string key = "head facts " + std::to_string(static_cast<int>(tally.kind()));
  const auto known = data.memo->Find<HeadFacts>(key);
  TS_TRY_ASSIGN(const auto facts, HeadFacts::Advance(known, data, tally.kind()));
  if (facts != known) data.memo->Keep(key, facts, facts->memory_bytes());
  facts->AddTo(tally, range);
  return {};
}

}  // namespace tracestore::query
