// A sorted set of distinct strings with ids in their order: front-coded and compressed on disk,
// flat in memory (docs/format/column-encodings.md, "String dictionary").
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/status.h>

namespace tracestore::column {

// Precondition: strictly ascending by bytes (so: no duplicates), fewer than 2^32 strings.
std::string EncodeStringDictionary(std::span<const std::string_view> sorted_unique);

// What Parse() may take memory for.
struct StringDictionaryLimits {
  std::size_t max_entries = std::size_t{1} << 22;      // 20 bytes each while parsing, 4 after
  std::size_t max_total_bytes = std::size_t{1} << 28;  // of all strings together; below 2^32
};

// Immutable after Parse(): any thread may read. Owns its bytes; views live as long as it does
// (a move keeps the bytes of all but tiny dictionaries in place: don't keep views over a move).
class StringDictionary {
 public:
  // An empty dictionary.
  StringDictionary() = default;

  // `bytes` is a whole encoded dictionary. Errors: kCorruption, also where a limit is passed or the
  // strings are not strictly ascending.
  static Result<StringDictionary> Parse(std::string_view bytes,
                                        const StringDictionaryLimits& limits = {});

  std::size_t size() const noexcept { return ends_.size(); }
  bool empty() const noexcept { return ends_.empty(); }
  // Bytes of memory held.
  std::size_t memory_bytes() const noexcept {
    return arena_.capacity() + ends_.capacity() * sizeof(std::uint32_t);
  }

  // Precondition: id < size().
  std::string_view At(std::uint32_t id) const noexcept {
    const std::uint32_t begin = id == 0 ? 0 : ends_[id - 1];
    return {arena_.data() + begin, ends_[id] - begin};
  }
  // Cost: one binary search.
  std::optional<std::uint32_t> Find(std::string_view text) const noexcept;
  // The ids [first, second) of all strings that start with `prefix`; empty where none does.
  std::pair<std::uint32_t, std::uint32_t> PrefixRange(std::string_view prefix) const noexcept;

 private:
  // The first id whose string, cut to `length` bytes, is not below `text` (or is above it).
  template <bool kAbove>
  std::uint32_t Bound(std::string_view text, std::size_t length) const noexcept;

  std::string arena_;                // all strings, one after the other
  std::vector<std::uint32_t> ends_;  // where each ends in arena_
};

}  // namespace tracestore::column
