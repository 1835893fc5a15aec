// What compaction merges and what retention drops, decided from what the catalog says of segments.
//
// Segments are grouped into time partitions by the moment they expire from, so that a merged one
// expires within one partition width of its sources. Within a partition: four of like size are
// merged; in a partition that is over, all that fit; a segment of which a quarter is deleted is
// written again. Pure functions.
#pragma once
#include <cstdint>
#include <vector>

#include "store/catalog/catalog.h"

namespace tracestore::store {

struct CompactionLimits {
  // Of a merged segment. The merge holds its spans in memory, some hundred bytes each.
  std::uint64_t max_spans = 300'000;
  // Of its sources' files.
  std::uint64_t max_bytes = 64ULL << 20;
  // Of SegmentMerge::held_bytes(). One that is written again alone takes what it takes.
  std::uint64_t max_memory = 144ULL << 20;
  std::uint64_t partition_ns = 86'400'000'000'000ULL;  // at least 1
  // Merge all that fit, and write each segment again that has deleted rows.
  bool full = false;
};

struct PlannedSegment {
  SegmentInfo info;
  std::uint64_t hidden_rows = 0;  // of info.rows, deleted
  std::uint64_t memory = 0;       // that a merge holds of it, as far as known

  std::uint64_t rows_left() const noexcept {
    return info.rows - (hidden_rows < info.rows ? hidden_rows : info.rows);
  }
};

// Segments that are merged into one; a single one is written again without its deleted rows.
struct CompactionJob {
  std::vector<SegmentId> segments;
  std::uint64_t spans = 0;  // that are left of them
  std::uint64_t bytes = 0;  // of their files
  std::uint64_t memory = 0;
};

// From when the segment's age counts: the later of its spans' times and their arrival, so that a
// backfill isn't dropped at once. Where spans claim to end more than a day after they came, the
// arrival alone counts. Unix nanoseconds.
std::uint64_t AgesFrom(const SegmentInfo& info) noexcept;

std::int64_t PartitionOf(const SegmentInfo& info, std::uint64_t partition_ns) noexcept;

// Jobs that have no segment in common, the smallest first. None: there is nothing to do, and what
// the jobs make gives none again as long as nothing comes.
std::vector<CompactionJob> PlanCompaction(std::vector<PlannedSegment> segments,
                                          const CompactionLimits& limits);

struct RetentionLimits {
  std::uint64_t age_ns = 0;  // 0: for good
  std::uint64_t bytes = 0;   // of all segment files; 0: any number
};

// The segments to drop: those that age from more than `age_ns` before `now_ns`, then the oldest
// while the files of the rest have more than `bytes`; the last one stays for bytes.
std::vector<SegmentId> PlanRetention(std::vector<SegmentInfo> segments, std::uint64_t now_ns,
                                     const RetentionLimits& limits);

}  // namespace tracestore::store
