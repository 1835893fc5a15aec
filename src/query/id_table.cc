#include "query/id_table.h"

#include "base/hash.h"

namespace tracestore::query {

// Two rounds of multiplication, as finalisers of hash functions have them.
std::uint64_t IdTable::HashOf(std::uint64_t id) noexcept {
  std::uint64_t hash = (id ^ base::ProcessSecret()) * 0x9E3779B97F4A7C15ULL;
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93ULL;
  return hash ^ hash >> 32;
}

template <typename IdOf, typename RowOf>
void IdTable::Build(std::size_t size, const IdOf& id_of, const RowOf& row_of) {
  // About eight rows a bucket: a cache line.
  shift_ = 63;
  while (shift_ > 40 && (size >> (64 - shift_)) > 8) --shift_;
  begins_.assign((std::size_t{1} << (64 - shift_)) + 1, 0);
  entries_.resize(size);
  // Counts go one place up and are summed to where a bucket begins; filling moves that to its end,
  // which is where the next one begins.
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t bucket = BucketOf(HashOf(id_of(i)));
    if (bucket + 2 < begins_.size()) ++begins_[bucket + 2];
  }
  for (std::size_t i = 2; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t hash = HashOf(id_of(i));
    entries_[begins_[BucketOf(hash) + 1]++] = hash << 32 | row_of(i);
  }
  for (std::size_t bucket = 0; bucket + 1 < begins_.size(); ++bucket) {
    if (IsSorted(bucket))
      std::sort(entries_.begin() + begins_[bucket], entries_.begin() + begins_[bucket + 1]);
  }
}

IdTable::IdTable(std::span<const std::uint64_t> ids) {
  Build(ids.size(), [&](std::size_t i) { return ids[i]; },
        [](std::size_t i) { return static_cast<std::uint32_t>(i); });
}

IdTable::IdTable(std::span<const Entry> entries) {
  Build(entries.size(), [&](std::size_t i) { return entries[i].id; },
        [&](std::size_t i) { return entries[i].row; });
}

}  // namespace tracestore::query
