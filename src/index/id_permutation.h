// IdPermutation: where a trace id stands in a table that is in another order. Only the permutation
// that sorts the ids is kept, ceil(log2 n) bits an entry; the ids stay in their own column.
// Bytes: docs/format/filters.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

namespace tracestore::index {

// Keys are the low 64 bits of trace ids (Zipkin's lenient look-up has no more); who wants a full id
// compares it after. Immutable; const methods may run on any thread. Owns its bytes.
class IdPermutation {
 public:
  IdPermutation() = default;
  // `low_ids[i]` belongs to ordinal i. Precondition: fewer than 2^32 ids.
  static IdPermutation Build(std::span<const std::uint64_t> low_ids);

  std::uint32_t size() const noexcept { return size_; }
  // The ordinal of the id at `rank` in sorted order. Precondition: rank < size().
  std::uint32_t OrdinalAt(std::uint32_t rank) const noexcept;

  // The ordinals whose id is `low`, ascending. `id_at(ordinal)` gives that row's low 64 bits and is
  // called about log2(size) + number of hits times. Where the file's ids don't match its
  // permutation the answer may be short, but every ordinal in it has the id.
  template <typename IdAt>
  std::vector<std::uint32_t> Find(std::uint64_t low, const IdAt& id_at) const {
    std::uint32_t begin = 0;
    std::uint32_t end = size_;
    while (begin < end) {
      const std::uint32_t middle = begin + (end - begin) / 2;
      if (id_at(OrdinalAt(middle)) < low) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    std::vector<std::uint32_t> found;
    for (std::uint32_t rank = begin; rank < size_; ++rank) {
      const std::uint32_t ordinal = OrdinalAt(rank);
      if (id_at(ordinal) != low) break;
      found.push_back(ordinal);
    }
    return found;
  }

  void AppendTo(std::string& out) const;
  // `bytes` must be exactly one permutation; it is copied. Errors: kCorruption, also where an
  // ordinal is missing or stands twice.
  static Result<IdPermutation> Parse(std::string_view bytes);

 private:
  std::uint32_t size_ = 0;
  unsigned width_ = 0;  // bits an entry
  std::string packed_;
};

}  // namespace tracestore::index
