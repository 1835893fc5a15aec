#include "store/segment/page_cache.h"

#include <algorithm>
#include <atomic>

namespace tracestore::store {
namespace {

// A shard has room for some pages: a page of a thousand rows takes about 80 KiB.
constexpr std::size_t kLeastShardBytes = std::size_t{2} << 20;
// Of the nodes of map and list, and of the blocks that a page is made of.
constexpr std::size_t kEntryBytes = 256;

}  // namespace

PageCache::PageCache(std::size_t most_bytes)
    : most_bytes_(most_bytes),
      shard_count_(std::clamp<std::size_t>(most_bytes / kLeastShardBytes, 1, kMostShards)) {}

std::uint64_t PageCache::NextOwner() noexcept {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

std::size_t PageCache::Hash::operator()(const Key& key) const noexcept {
  const std::uint64_t mixed = (key.owner << 24 ^ key.page) * 0x9E3779B97F4A7C15ULL;
  return static_cast<std::size_t>(mixed ^ mixed >> 32);
}

PageCache::Shard& PageCache::ShardOf(const Key& key) noexcept {
  return shards_[Hash{}(key) % shard_count_];
}

std::shared_ptr<const PageCodes> PageCache::Find(std::uint64_t owner, std::uint32_t page) {
  if (most_bytes_ == 0) return nullptr;
  const Key key{owner, page};
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto at = shard.entries.find(key);
  if (at == shard.entries.end()) return nullptr;
  shard.uses.splice(shard.uses.begin(), shard.uses, at->second.use);
  return at->second.codes;
}

void PageCache::Remove(Shard& shard, std::unordered_map<Key, Entry, Hash>::iterator at) {
  shard.bytes -= at->second.bytes;
  shard.uses.erase(at->second.use);
  shard.entries.erase(at);
}

void PageCache::Keep(std::uint64_t owner, std::uint32_t page,
                     std::shared_ptr<const PageCodes> codes) {
  const std::size_t most = most_bytes_ / shard_count_;
  const std::size_t bytes = codes->memory_bytes() + kEntryBytes;
  if (bytes > most) return;
  const Key key{owner, page};
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  if (shard.entries.contains(key)) return;
  while (shard.bytes + bytes > most) Remove(shard, shard.entries.find(shard.uses.back()));
  shard.uses.push_front(key);
  shard.entries.emplace(key, Entry{std::move(codes), bytes, shard.uses.begin()});
  shard.bytes += bytes;
}

void PageCache::Forget(std::uint64_t owner) {
  if (most_bytes_ == 0) return;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    Shard& shard = shards_[i];
    const std::lock_guard lock(shard.mutex);
    for (auto at = shard.entries.begin(); at != shard.entries.end();) {
      const auto next = std::next(at);
      if (at->first.owner == owner) Remove(shard, at);
      at = next;
    }
  }
}

std::size_t PageCache::memory_bytes() const {
  std::size_t bytes = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    bytes += shard.bytes;
  }
  return bytes;
}

std::size_t PageCache::size() const {
  std::size_t pages = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    pages += shard.entries.size();
  }
  return pages;
}

}  // namespace tracestore::store
