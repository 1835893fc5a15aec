// LatencyHistogram: how often which duration, mergeable, quantiles within 1.6 %.
#pragma once
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::model {

// Durations are modulo 2^64: an end before its start wraps round, and is a latency of 0.
constexpr std::uint64_t LatencyOf(std::uint64_t start_ns, std::uint64_t duration_ns) noexcept {
  return start_ns + duration_ns < start_ns ? 0 : duration_ns;
}
inline std::uint64_t LatencyOf(const SpanRecord& span) noexcept {
  return LatencyOf(span.start_ns, span.duration_ns);
}

// Durations below 64 ns are counted exactly; above, each octave has 32 buckets of equal width, so a
// bucket's middle is at most 1/64 of its least value away from anything in it. Merging is exact:
// the buckets are the same in every histogram. A value; memory: 16 bytes a bucket that is not
// empty.
class LatencyHistogram {
 public:
  static constexpr unsigned kBitsInOctave = 5;

  void Add(std::uint64_t duration_ns, std::uint64_t count = 1);
  void Merge(const LatencyHistogram& other);
  // Takes out what is in both. Precondition: all of `other` is in this.
  void Subtract(const LatencyHistogram& other);
  // Adds to a bucket by its number.
  void AddToBucket(std::uint32_t bucket, std::uint64_t count);

  std::uint64_t count() const noexcept { return count_; }
  // The value below or at which the fraction `q` (0 to 1) of the durations lies, by nearest rank;
  // nullopt where there is none.
  std::optional<std::uint64_t> Quantile(double q) const noexcept;

  // Buckets that are not empty, ascending: (number, count).
  const std::vector<std::pair<std::uint32_t, std::uint64_t>>& buckets() const noexcept {
    return buckets_;
  }
  static constexpr std::uint32_t kBuckets = (64 - kBitsInOctave + 1) << kBitsInOctave;
  static std::uint32_t BucketOf(std::uint64_t duration_ns) noexcept;
  // Least value and width of a bucket.
  static std::pair<std::uint64_t, std::uint64_t> RangeOf(std::uint32_t bucket) noexcept;

  friend bool operator==(const LatencyHistogram&, const LatencyHistogram&) = default;

 private:
  std::vector<std::pair<std::uint32_t, std::uint64_t>> buckets_;
  std::uint64_t count_ = 0;
};

}  // namespace tracestore::model
