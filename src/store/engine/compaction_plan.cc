#include "store/engine/compaction_plan.h"

#include <algorithm>
#include <map>
#include <utility>

namespace tracestore::store {
namespace {

// A clock may run ahead by that much.
constexpr std::uint64_t kMostAheadNs = 86'400'000'000'000ULL;
// So many segments of like size are merged: each span is written again once in a fourfold growth.
constexpr std::size_t kFanIn = 4;
// Segments below so many spans are of one size.
constexpr std::uint64_t kSmallestTier = 4'096;
// A segment of which at least one row in so many is deleted is written again.
constexpr std::uint64_t kRewriteShare = 4;

bool AgesEarlier(const SegmentInfo& a, const SegmentInfo& b) noexcept {
  return std::pair(AgesFrom(a), a.id) < std::pair(AgesFrom(b), b.id);
}

unsigned TierOf(std::uint64_t rows) noexcept {
  unsigned tier = 0;
  for (std::uint64_t bound = kSmallestTier; rows >= bound && tier < 30; bound *= kFanIn) ++tier;
  return tier;
}

class Planner {
 public:
  explicit Planner(const CompactionLimits& limits) : limits_(limits) {}

  // `segments` of one partition, oldest first; `over`: no more come to it.
  void PlanPartition(const std::vector<PlannedSegment>& segments, bool over) {
    if (limits_.full || over) {
      Pack(segments, 2);
    } else {
      std::map<unsigned, std::vector<PlannedSegment>> tiers;
      for (const PlannedSegment& segment : segments) {
        // One that is more than half of the largest is done.
        if (segment.rows_left() * 2 <= limits_.max_spans &&
            segment.memory * 2 <= limits_.max_memory) {
          tiers[TierOf(segment.rows_left())].push_back(segment);
        }
      }
      for (const auto& [tier, like] : tiers) Pack(like, kFanIn);
    }
    for (const PlannedSegment& segment : segments) {
      if (NeedsRewrite(segment) && !IsPlanned(segment.info.id)) {
        jobs_.push_back({{segment.info.id}, segment.rows_left(), segment.info.file_bytes,
                         segment.memory});
      }
    }
  }

  std::vector<CompactionJob> Finish() {
    std::stable_sort(jobs_.begin(), jobs_.end(), [](const auto& a, const auto& b) {
      return a.spans < b.spans;
    });
    return std::move(jobs_);
  }

 private:
  bool NeedsRewrite(const PlannedSegment& segment) const {
    if (segment.hidden_rows == 0) return false;
    return limits_.full || segment.hidden_rows * kRewriteShare >= segment.info.rows;
  }
  bool IsPlanned(SegmentId id) const {
    return std::any_of(jobs_.begin(), jobs_.end(), [&](const CompactionJob& job) {
      return std::find(job.segments.begin(), job.segments.end(), id) != job.segments.end();
    });
  }
  // Neighbours go together up to the limits. A group of fewer than `least` waits for more, unless
  // the limits end it and it makes half of the largest segment.
  void Pack(const std::vector<PlannedSegment>& segments, std::size_t least) {
    CompactionJob job;
    const auto flush = [&](bool full) {
      const bool half = job.spans * 2 >= limits_.max_spans ||
                        job.bytes * 2 >= limits_.max_bytes ||
                        job.memory * 2 >= limits_.max_memory;
      const bool large = full && job.segments.size() >= 2 && half;
      if (job.segments.size() >= least || large) jobs_.push_back(std::move(job));
      job = {};
    };
    for (const PlannedSegment& segment : segments) {
      if (job.spans + segment.rows_left() > limits_.max_spans ||
          job.bytes + segment.info.file_bytes > limits_.max_bytes ||
          job.memory + segment.memory > limits_.max_memory) {
        flush(true);
      }
      job.segments.push_back(segment.info.id);
      job.spans += segment.rows_left();
      job.bytes += segment.info.file_bytes;
      job.memory += segment.memory;
    }
    flush(false);
  }

  const CompactionLimits& limits_;
  std::vector<CompactionJob> jobs_;
};

}  // namespace

std::uint64_t AgesFrom(const SegmentInfo& info) noexcept {
  const bool absurd = info.max_time_ns > info.max_arrival_ns &&
                      info.max_time_ns - info.max_arrival_ns > kMostAheadNs;
  return absurd ? info.max_arrival_ns : std::max(info.max_time_ns, info.max_arrival_ns);
}

std::int64_t PartitionOf(const SegmentInfo& info, std::uint64_t partition_ns) noexcept {
  const std::uint64_t number = AgesFrom(info) / std::max<std::uint64_t>(partition_ns, 1);
  return static_cast<std::int64_t>(std::min<std::uint64_t>(number, INT64_MAX));
}

std::vector<CompactionJob> PlanCompaction(std::vector<PlannedSegment> segments,
                                          const CompactionLimits& limits) {
  std::sort(segments.begin(), segments.end(),
            [](const auto& a, const auto& b) { return AgesEarlier(a.info, b.info); });
  std::map<std::int64_t, std::vector<PlannedSegment>> partitions;
  for (const PlannedSegment& segment : segments)
    partitions[PartitionOf(segment.info, limits.partition_ns)].push_back(segment);
  Planner planner(limits);
  for (const auto& [number, members] : partitions)
    planner.PlanPartition(members, number < partitions.rbegin()->first);
  return planner.Finish();
}

std::vector<SegmentId> PlanRetention(std::vector<SegmentInfo> segments, std::uint64_t now_ns,
                                     const RetentionLimits& limits) {
  std::sort(segments.begin(), segments.end(), AgesEarlier);
  std::uint64_t bytes = 0;
  for (const SegmentInfo& info : segments) bytes += info.file_bytes;
  std::vector<SegmentId> dropped;
  for (const SegmentInfo& info : segments) {
    const std::uint64_t from = AgesFrom(info);
    const bool old = limits.age_ns != 0 && now_ns > from && now_ns - from > limits.age_ns;
    const bool over = limits.bytes != 0 && bytes > limits.bytes &&
                      dropped.size() + 1 < segments.size();
    if (!old && !over) break;
    dropped.push_back(info.id);
    bytes -= info.file_bytes;
  }
  return dropped;
}

}  // namespace tracestore::store
