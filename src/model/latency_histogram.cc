#include "model/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tracestore::model {
namespace {

constexpr std::uint64_t kInOctave = 1ULL << LatencyHistogram::kBitsInOctave;

}  // namespace

std::uint32_t LatencyHistogram::BucketOf(std::uint64_t ns) noexcept {
  if (ns < 2 * kInOctave) return static_cast<std::uint32_t>(ns);
  const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - kBitsInOctave;
  return static_cast<std::uint32_t>(shift * kInOctave + (ns >> shift));
}

std::pair<std::uint64_t, std::uint64_t> LatencyHistogram::RangeOf(std::uint32_t bucket) noexcept {
  if (bucket < 2 * kInOctave) return {bucket, 1};
  const auto shift = static_cast<unsigned>(bucket / kInOctave) - 1;
  return {(kInOctave + bucket % kInOctave) << shift, 1ULL << shift};
}

void LatencyHistogram::Add(std::uint64_t duration_ns, std::uint64_t count) {
  AddToBucket(BucketOf(duration_ns), count);
}

void LatencyHistogram::AddToBucket(std::uint32_t bucket, std::uint64_t count) {
  if (count == 0) return;
  const auto at = std::lower_bound(
      buckets_.begin(), buckets_.end(), bucket,
      [](const auto& entry, std::uint32_t wanted) { return entry.first < wanted; });
  if (at != buckets_.end() && at->first == bucket) at->second += count;
  else buckets_.insert(at, {bucket, count});
  count_ += count;
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  std::vector<std::pair<std::uint32_t, std::uint64_t>> merged;
  merged.reserve(buckets_.size() + other.buckets_.size());
  auto a = buckets_.begin();
  auto b = other.buckets_.begin();
  while (a != buckets_.end() || b != other.buckets_.end()) {
    if (b == other.buckets_.end() || (a != buckets_.end() && a->first < b->first)) {
      merged.push_back(*a++);
    } else if (a == buckets_.end() || b->first < a->first) {
      merged.push_back(*b++);
    } else {
      merged.push_back({a->first, a->second + b->second});
      ++a;
      ++b;
    }
  }
  buckets_ = std::move(merged);
  count_ += other.count_;
}

void LatencyHistogram::Subtract(const LatencyHistogram& other) {
  auto taken = other.buckets_.begin();
  for (auto& [bucket, count] : buckets_) {
    while (taken != other.buckets_.end() && taken->first < bucket) ++taken;
    if (taken == other.buckets_.end()) break;
    if (taken->first == bucket) count -= std::min(count, taken->second);
  }
  std::erase_if(buckets_, [](const auto& entry) { return entry.second == 0; });
  count_ -= std::min(count_, other.count_);
}

std::optional<std::uint64_t> LatencyHistogram::Quantile(double q) const noexcept {
  if (count_ == 0) return std::nullopt;
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  std::uint64_t rank = 1;
  if (wanted >= static_cast<double>(count_)) rank = count_;
  else if (wanted > 1) rank = static_cast<std::uint64_t>(wanted);
  std::uint64_t before = 0;
  for (const auto& [bucket, count] : buckets_) {
    before += count;
    if (before < rank) continue;
    const auto [least, width] = RangeOf(bucket);
    return least + (width - 1) / 2;
  }
  return std::nullopt;
}

}  // namespace tracestore::model
