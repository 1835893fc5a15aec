// PageCache: pages of segments as codes, the most recently used ones, within a number of bytes.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "store/segment/page_codes.h"

namespace tracestore::store {

// Shared by all segments of a store and all who read them; any thread. In shards with a lock each,
// which is held for a look-up or a change of the list, never while a page is read or decoded.
class PageCache {
 public:
  // A page that alone is larger than a shard's share is not kept; with 0 none is.
  explicit PageCache(std::size_t most_bytes);

  // Tells the pages of one segment from another's; never given twice.
  static std::uint64_t NextOwner() noexcept;

  // Null where the page isn't here.
  std::shared_ptr<const PageCodes> Find(std::uint64_t owner, std::uint32_t page);
  void Keep(std::uint64_t owner, std::uint32_t page, std::shared_ptr<const PageCodes> codes);
  // Lets go of what a segment had.
  void Forget(std::uint64_t owner);

  std::size_t most_bytes() const noexcept { return most_bytes_; }
  std::size_t memory_bytes() const;
  std::size_t size() const;

 private:
  struct Key {
    std::uint64_t owner;
    std::uint32_t page;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Entry {
    std::shared_ptr<const PageCodes> codes;
    std::size_t bytes;
    std::list<Key>::iterator use;
  };
  struct Shard {
    mutable std::mutex mutex;  // guards what follows
    std::unordered_map<Key, Entry, Hash> entries;
    std::list<Key> uses;       // most recent first
    std::size_t bytes = 0;
  };
  Shard& ShardOf(const Key& key) noexcept;
  static void Remove(Shard& shard, std::unordered_map<Key, Entry, Hash>::iterator at);

  static constexpr std::size_t kMostShards = 16;
  const std::size_t most_bytes_;
  const std::size_t shard_count_;
  std::array<Shard, kMostShards> shards_;
};

}  // namespace tracestore::store
