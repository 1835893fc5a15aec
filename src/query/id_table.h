// IdTable: numbered rows by a 64-bit id that they have, about 9 bytes a row.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tracestore::query {

// Of each id 32 bits are kept, so that a row that is found has the id but for one time in billions:
// the caller looks, since he has the ids or can read them. Ids that somebody chose are no worse
// than others: how they are spread is another in every process. Immutable once made; any thread
// reads.
class IdTable {
 public:
  struct Entry {
    std::uint64_t id = 0;
    std::uint32_t row = 0;
  };

  IdTable() = default;
  // ids[i] is the id of row i.
  explicit IdTable(std::span<const std::uint64_t> ids);
  // Their rows ascend.
  explicit IdTable(std::span<const Entry> entries);

  // Calls `visit(row)` for every row of that id, ascending, and seldom for another.
  template <typename Visit>
  void ForEachCandidate(std::uint64_t id, const Visit& visit) const {
    if (entries_.empty()) return;
    const std::uint64_t hash = HashOf(id);
    const std::size_t bucket = BucketOf(hash);
    auto at = entries_.begin() + begins_[bucket];
    const auto end = entries_.begin() + begins_[bucket + 1];
    const std::uint64_t wanted = hash << 32;  // its low half
    if (IsSorted(bucket)) {
      for (at = std::lower_bound(at, end, wanted); at != end && Same(*at, wanted); ++at)
        visit(static_cast<std::uint32_t>(*at));
      return;
    }
    for (; at != end; ++at) {
      if (Same(*at, wanted)) visit(static_cast<std::uint32_t>(*at));
    }
  }
  // Calls `visit(row, row)` for neighbours among rows that may have the same id: all rows of one id
  // come, and seldom others.
  template <typename Visit>
  void ForEachPair(const Visit& visit) const {
    for (std::size_t bucket = 0; bucket + 1 < begins_.size(); ++bucket) {
      const std::uint32_t first = begins_[bucket];
      for (std::uint32_t i = first + 1; i < begins_[bucket + 1]; ++i) {
        // The last before it of the same hash: where they are sorted, none but its neighbour.
        const std::uint32_t least = IsSorted(bucket) ? i - 1 : first;
        std::uint32_t before = i;
        while (before > least && !Same(entries_[before - 1], entries_[i])) --before;
        if (before > least)
          visit(static_cast<std::uint32_t>(entries_[before - 1]),
                static_cast<std::uint32_t>(entries_[i]));
      }
    }
  }

  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t memory_bytes() const noexcept {
    return entries_.capacity() * 8 + begins_.capacity() * 4;
  }

 private:
  // Larger buckets are sorted: to look through a few entries costs less than to sort them.
  static constexpr std::uint32_t kMostUnsorted = 16;

  static std::uint64_t HashOf(std::uint64_t id) noexcept;
  static bool Same(std::uint64_t a, std::uint64_t b) noexcept { return (a ^ b) <= 0xFFFFFFFF; }
  bool IsSorted(std::size_t bucket) const noexcept {
    return begins_[bucket + 1] - begins_[bucket] > kMostUnsorted;
  }
  std::size_t BucketOf(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash >> shift_);
  }
  template <typename IdOf, typename RowOf>
  void Build(std::size_t size, const IdOf& id_of, const RowOf& row_of);

  unsigned shift_ = 63;
  std::vector<std::uint32_t> begins_;   // by bucket, and the end
  // 32 bits of the hash, then the row. In a bucket by row, or where IsSorted() by hash and row.
  std::vector<std::uint64_t> entries_;
};

}  // namespace tracestore::query
