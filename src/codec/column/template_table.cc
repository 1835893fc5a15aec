// Layout: varint count, literals (text stream), slot counts, then per slot of all templates: offset
// from the slot before, kind | width << 3, bits, base (integer streams).
#include "codec/column/template_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "codec/column/bit_pack.h"
#include "codec/column/int_stream.h"
#include "codec/column/text_stream.h"

namespace tracestore::column {
namespace {

constexpr unsigned kSlotKindBits = 3;

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("template table: ") + what};
}

bool WidthFits(TemplateSlot slot) noexcept {
  switch (slot.kind) {
    case SlotKind::kDigits: return slot.width >= 1 && slot.width <= kMaxDigits;
    case SlotKind::kHex: return slot.width >= 1 && slot.width <= kMaxHexDigits;
    case SlotKind::kNumber:
    case SlotKind::kUuidHigh:
    case SlotKind::kUuidLow: return slot.width == 0;
  }
  return false;
}

bool Possible(const SlotCoding& coding, std::uint32_t least_offset, std::size_t literal_size) {
  const TemplateSlot slot = coding.slot;
  return slot.offset >= least_offset && slot.offset <= literal_size && slot.zero == 0 &&
         WidthFits(slot) && coding.bits <= 64 && coding.base <= MostOfSlot(slot) &&
         coding.base <= ~std::uint64_t{0} - LowMask(coding.bits);
}

}  // namespace

std::uint64_t HashTemplate(std::string_view literals,
                           std::span<const TemplateSlot> slots) noexcept {
  const std::uint64_t of_slots = base::Hash64(
      {reinterpret_cast<const char*>(slots.data()), slots.size_bytes()});
  return base::Hash64(literals) ^ std::rotl(of_slots * 0x9E3779B97F4A7C15ULL, 29);
}

bool TemplateTable::Same(std::uint32_t id, std::string_view literals,
                         std::span<const TemplateSlot> slots) const noexcept {
  const Template& t = templates_[id];
  if (t.slot_count != slots.size() || Literals(t) != literals) return false;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (std::memcmp(&slots_[t.slot_begin + i].slot, &slots[i], sizeof(TemplateSlot)) != 0) {
      return false;
    }
  }
  return true;
}

// The place of the template in the index: its own, or the free one where it belongs.
std::size_t TemplateTable::Bucket(std::uint64_t hash, std::string_view literals,
                                  std::span<const TemplateSlot> slots) const noexcept {
  const std::size_t mask = index_.size() - 1;
  std::size_t at = static_cast<std::size_t>(hash) & mask;
  while (index_[at] != 0) {
    const std::uint32_t id = index_[at] - 1;
    if (hashes_[id] == hash && Same(id, literals, slots)) break;
    at = (at + 1) & mask;
  }
  return at;
}

void TemplateTable::Reindex(std::size_t buckets) {
  index_.assign(buckets, 0);
  const std::size_t mask = buckets - 1;
  for (std::uint32_t id = 0; id < hashes_.size(); ++id) {
    std::size_t at = static_cast<std::size_t>(hashes_[id]) & mask;
    while (index_[at] != 0) at = (at + 1) & mask;
    index_[at] = id + 1;
  }
}

std::optional<std::uint32_t> TemplateTable::FindTemplate(
    std::uint64_t hash, std::string_view literals,
    std::span<const TemplateSlot> slots) const noexcept {
  if (templates_.empty()) return std::nullopt;
  const std::uint32_t found = index_[Bucket(hash, literals, slots)];
  if (found == 0) return std::nullopt;
  return found - 1;
}

bool TemplateTable::HasRoomFor(std::uint32_t id, const std::uint64_t* values) const noexcept {
  for (const SlotCoding& coding : Slots(templates_[id])) {
    const std::uint64_t value = *values++;
    if (value < coding.base || value - coding.base > LowMask(coding.bits)) return false;
  }
  return true;
}

std::optional<std::uint32_t> TemplateTable::Find(const SplitText& split) const noexcept {
  const std::span<const TemplateSlot> slots(split.slots.data(), split.slot_count);
  const auto found =
      FindTemplate(HashTemplate(split.literals(), slots), split.literals(), slots);
  if (!found || !HasRoomFor(*found, split.values.data())) return std::nullopt;
  return found;
}

bool TemplateTable::Add(std::string_view literals, std::span<const SlotCoding> slots) {
  if (templates_.size() == kMaxTemplates || literals.size() > kMaxTemplateText ||
      slots.size() > kMaxTemplateSlots) {
    return false;
  }
  Template added{static_cast<std::uint32_t>(literals_.size()),
                 static_cast<std::uint32_t>(literals.size()),
                 static_cast<std::uint32_t>(slots_.size()),
                 static_cast<std::uint32_t>(slots.size()),
                 0,
                 static_cast<std::uint32_t>(literals.size())};
  TemplateSlot plain[kMaxTemplateSlots];
  std::uint32_t offset = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (!Possible(slots[i], offset, literals.size())) return false;
    offset = slots[i].slot.offset;
    plain[i] = slots[i].slot;
    added.bits += slots[i].bits;
    added.max_text += static_cast<std::uint32_t>(MaxBytesOfSlot(slots[i].slot));
  }
  if (index_.size() < (templates_.size() + 1) * 2) {
    Reindex(std::max<std::size_t>(16, index_.size() * 4));
  }
  const std::uint64_t hash = HashTemplate(literals, {plain, slots.size()});
  const std::size_t bucket = Bucket(hash, literals, {plain, slots.size()});
  if (index_[bucket] != 0) return false;
  literals_.append(literals);
  slots_.insert(slots_.end(), slots.begin(), slots.end());
  templates_.push_back(added);
  hashes_.push_back(hash);
  index_[bucket] = static_cast<std::uint32_t>(templates_.size());
  return true;
}

std::string EncodeTemplateTable(const TemplateTable& table) {
  std::vector<std::string_view> literals;
  std::vector<std::uint64_t> counts, offsets, kinds, bits, bases;
  for (std::size_t id = 0; id < table.size(); ++id) {
    const TemplateTable::Template& t = table.At(id);
    literals.push_back(table.Literals(t));
    counts.push_back(t.slot_count);
    std::uint32_t before = 0;
    for (const SlotCoding& coding : table.Slots(t)) {
      offsets.push_back(coding.slot.offset - before);
      before = coding.slot.offset;
      kinds.push_back(static_cast<std::uint64_t>(coding.slot.kind) |
                      static_cast<std::uint64_t>(coding.slot.width) << kSlotKindBits);
      bits.push_back(coding.bits);
      bases.push_back(coding.base);
    }
  }
  std::string out;
  base::ByteWriter(out).Varint(table.size());
  EncodeTexts(literals, out);
  for (const auto* column : {&counts, &offsets, &kinds, &bits, &bases}) EncodeInts(*column, out);
  return out;
}

Result<TemplateTable> ParseTemplateTable(std::string_view bytes) {
  base::ByteReader in(bytes);
  const auto count = static_cast<std::size_t>(in.BoundedVarint(kMaxTemplates));
  if (!in.ok()) return Corrupt("the count is cut short or too large");
  std::string arena;
  std::vector<std::string_view> literals;
  std::vector<std::uint64_t> counts, offsets, kinds, bits, bases;
  TS_TRY(DecodeTexts(in, count, kMaxTemplates * kMaxTemplateText, arena, literals));
  TS_TRY(DecodeInts(in, count, counts));
  std::size_t slot_count = 0;
  for (const std::uint64_t n : counts) {
    if (n > kMaxTemplateSlots) return Corrupt("too many values in a template");
    slot_count += static_cast<std::size_t>(n);
  }
  for (auto* column : {&offsets, &kinds, &bits, &bases}) {
    TS_TRY(DecodeInts(in, slot_count, *column));
  }
  if (!in.done()) return Corrupt("bytes after the end");
  TemplateTable table;
  std::size_t at = 0;
  for (std::size_t id = 0; id < count; ++id) {
    SlotCoding slots[kMaxTemplateSlots];
    std::uint64_t offset = 0;
    for (std::size_t i = 0; i < counts[id]; ++i, ++at) {
      if (offsets[at] > kMaxTemplateText || kinds[at] > 0xFF || bits[at] > 64) {
        return Corrupt("impossible value");
      }
      offset += offsets[at];
      slots[i].slot.offset = static_cast<std::uint32_t>(offset);
      slots[i].slot.kind = static_cast<SlotKind>(kinds[at] & 7);
      slots[i].slot.width = static_cast<std::uint8_t>(kinds[at] >> kSlotKindBits);
      slots[i].bits = static_cast<std::uint8_t>(bits[at]);
      slots[i].base = bases[at];
    }
    if (!table.Add(literals[id], {slots, static_cast<std::size_t>(counts[id])})) {
      return Corrupt("an impossible template, or one that is there twice");
    }
  }
  return table;
}

}  // namespace tracestore::column
