#include "model/string_table.h"

#include <bit>

#include "base/hash.h"

namespace tracestore::model {
namespace {
constexpr std::size_t kFirstSlots = 64;
}

StringTable::StringTable() { Clear(); }

void StringTable::Clear() {
  bytes_.clear();
  ends_.assign(1, 0);
  hashes_.assign(1, base::Hash64({}));
  slots_.assign(kFirstSlots, 0);
  slots_[hashes_[0] & (slots_.size() - 1)] = 1;
}

std::size_t StringTable::SlotOf(std::string_view text, std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot] != 0) {
    const StringId id = slots_[slot] - 1;
    if (hashes_[id] == hash && Get(id) == text) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

StringId StringTable::Intern(std::string_view text) { return Intern(text, base::Hash64(text)); }

StringId StringTable::Intern(std::string_view text, std::uint64_t hash) {
  std::size_t slot = SlotOf(text, hash);
  if (slots_[slot] != 0) return slots_[slot] - 1;
  const auto id = static_cast<StringId>(ends_.size());
  bytes_.append(text);
  ends_.push_back(bytes_.size());
  hashes_.push_back(hash);
  slots_[slot] = id + 1;
  if (ends_.size() * 2 > slots_.size()) SetSlots(slots_.size() * 2);
  return id;
}

std::optional<StringId> StringTable::Find(std::string_view text) const noexcept {
  const std::size_t slot = SlotOf(text, base::Hash64(text));
  if (slots_[slot] == 0) return std::nullopt;
  return slots_[slot] - 1;
}

void StringTable::Reserve(std::size_t texts, std::size_t bytes) {
  const std::size_t all = ends_.size() + texts;
  bytes_.reserve(bytes_.size() + bytes);
  ends_.reserve(all);
  hashes_.reserve(all);
  if (all * 2 > slots_.size()) SetSlots(std::bit_ceil(all * 2));
}

void StringTable::SetSlots(std::size_t slots) {
  slots_.assign(slots, 0);
  const std::size_t mask = slots_.size() - 1;
  for (StringId id = 0; id < hashes_.size(); ++id) {
    std::size_t slot = hashes_[id] & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = id + 1;
  }
}

}  // namespace tracestore::model
