// Layout: docs/format/filters.md, "Id permutation".
#include "index/id_permutation.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "codec/column/bit_pack.h"

namespace tracestore::index {
namespace {

unsigned WidthFor(std::uint32_t size) noexcept {
  return size < 2 ? 0U : static_cast<unsigned>(std::bit_width(size - 1));
}

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("id permutation: ") + what};
}

}  // namespace

IdPermutation IdPermutation::Build(std::span<const std::uint64_t> low_ids) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> sorted(low_ids.size());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) sorted[i] = {low_ids[i], i};
  std::sort(sorted.begin(), sorted.end());  // equal ids stay in ordinal order
  IdPermutation made;
  made.size_ = static_cast<std::uint32_t>(sorted.size());
  made.width_ = WidthFor(made.size_);
  column::BitWriter writer(made.packed_, sorted.size() * made.width_);
  for (const auto& [id, ordinal] : sorted) writer.Put(ordinal, made.width_);
  writer.Finish();
  return made;
}

std::uint32_t IdPermutation::OrdinalAt(std::uint32_t rank) const noexcept {
  return static_cast<std::uint32_t>(
      column::BitReader(packed_).Get(static_cast<std::size_t>(rank) * width_, width_));
}

void IdPermutation::AppendTo(std::string& out) const {
  base::ByteWriter writer(out);
  writer.Varint(size_);
  writer.Raw(packed_);
}

Result<IdPermutation> IdPermutation::Parse(std::string_view bytes) {
  base::ByteReader in(bytes);
  IdPermutation parsed;
  parsed.size_ = static_cast<std::uint32_t>(
      in.BoundedVarint(std::numeric_limits<std::uint32_t>::max()));
  if (!in.ok()) return Corrupt("bad count");
  parsed.width_ = WidthFor(parsed.size_);
  const std::size_t bits = static_cast<std::size_t>(parsed.size_) * parsed.width_;
  if (column::PackedBytes(bits) != in.remaining()) return Corrupt("length differs from the count");
  parsed.packed_ = std::string(in.Raw(in.remaining()));
  if (bits % 8 != 0 && static_cast<unsigned char>(parsed.packed_.back()) >> (bits % 8) != 0) {
    return Corrupt("bits after the last entry");
  }
  std::vector<bool> seen(parsed.size_);  // at least one bit of input stands for each entry
  for (std::uint32_t rank = 0; rank < parsed.size_; ++rank) {
    const std::uint32_t ordinal = parsed.OrdinalAt(rank);
    if (ordinal >= parsed.size_) return Corrupt("ordinal past the end");
    if (seen[ordinal]) return Corrupt("ordinal twice");
    seen[ordinal] = true;
  }
  return parsed;
}

}  // namespace tracestore::index
