// StringTable: the distinct strings of one batch, each stored and hashed once.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::model {

// Names a string within one StringTable. 0 is always the empty string.
using StringId = std::uint32_t;

// Bytes of any kind, not only UTF-8. One thread builds; once building has ended, any number read.
// A view from Get() holds until the next Intern().
class StringTable {
 public:
  StringTable();

  StringId Intern(std::string_view text);
  // The same where the caller has base::Hash64(text) already.
  StringId Intern(std::string_view text, std::uint64_t hash);

  // Fetches what Intern() of a text with this hash will look at first: for many texts that are known
  // before they are taken, most of which are new.
  void Prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(slots_.data() + (hash & (slots_.size() - 1)));
  }

  std::string_view Get(StringId id) const noexcept {
    const std::uint64_t begin = id == 0 ? 0 : ends_[id - 1];
    return {bytes_.data() + begin, static_cast<std::size_t>(ends_[id] - begin)};
  }
  // All of them, one behind the other.
  std::string_view joined() const noexcept { return bytes_; }
  std::uint64_t HashOf(StringId id) const noexcept { return hashes_[id]; }
  std::optional<StringId> Find(std::string_view text) const noexcept;

  std::size_t size() const noexcept { return ends_.size(); }
  std::size_t text_bytes() const noexcept { return bytes_.size(); }
  // Memory held, in bytes.
  std::size_t memory_bytes() const noexcept {
    return bytes_.capacity() + ends_.capacity() * 8 + hashes_.capacity() * 8 +
           slots_.capacity() * 4;
  }
  // Makes room for so many texts more and their bytes.
  void Reserve(std::size_t texts, std::size_t bytes);
  void Clear();

 private:
  std::size_t SlotOf(std::string_view text, std::uint64_t hash) const noexcept;
  void SetSlots(std::size_t slots);

  std::string bytes_;
  std::vector<std::uint64_t> ends_;    // by id: where its text ends in bytes_
  std::vector<std::uint64_t> hashes_;  // by id
  std::vector<std::uint32_t> slots_;   // open addressing, id + 1, 0 = free; a power of two
};

}  // namespace tracestore::model
