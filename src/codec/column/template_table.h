// The templates of one high-cardinality string column of a segment: what repeats in its texts, with
// the place and bit width of what varies (docs/format/column-encodings.md, "Template table").
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/column/template_splitter.h"
#include <tracestore/status.h>

namespace tracestore::column {

// More templates than this gain nothing measurable, and their table would grow with hostile input.
inline constexpr std::size_t kMaxTemplates = 2048;

// A slot of a template with the range that its values may have: base … base + 2^bits - 1.
struct SlotCoding {
  TemplateSlot slot;
  std::uint8_t bits = 0;
  std::uint64_t base = 0;
};

// Immutable once made; any thread may read. Whether a text is coded by a template or escaped
// depends on the text and the table alone, so two values of a column are equal iff their codes are.
class TemplateTable {
 public:
  // No templates: every value of the column is a plain text.
  TemplateTable() = default;

  struct Template {
    std::uint32_t literal_begin = 0;
    std::uint32_t literal_size = 0;
    std::uint32_t slot_begin = 0;
    std::uint32_t slot_count = 0;
    std::uint32_t bits = 0;      // of all values together
    std::uint32_t max_text = 0;  // the most bytes a text has
  };

  std::size_t size() const noexcept { return templates_.size(); }
  bool empty() const noexcept { return templates_.empty(); }
  // Precondition: id < size().
  const Template& At(std::size_t id) const noexcept { return templates_[id]; }
  std::span<const SlotCoding> Slots(const Template& t) const noexcept {
    return std::span(slots_).subspan(t.slot_begin, t.slot_count);
  }
  std::string_view Literals(const Template& t) const noexcept {
    return std::string_view(literals_).substr(t.literal_begin, t.literal_size);
  }
  // The template that codes the split text, if there is one and all values are in its ranges.
  std::optional<std::uint32_t> Find(const SplitText& split) const noexcept;
  // The template with these literals and slots, whose hash that is, whatever its ranges.
  std::optional<std::uint32_t> FindTemplate(std::uint64_t hash, std::string_view literals,
                                            std::span<const TemplateSlot> slots) const noexcept;
  // Whether the values, one for each slot of the template, are in its ranges.
  bool HasRoomFor(std::uint32_t id, const std::uint64_t* values) const noexcept;

  // Adds a template. False, and no change, where its slots are impossible (out of order, outside
  // the literals, an unknown kind or width, a range past 64 bits), where it is there already, or
  // where the table is full.
  bool Add(std::string_view literals, std::span<const SlotCoding> slots);

 private:
  void Reindex(std::size_t buckets);
  std::size_t Bucket(std::uint64_t hash, std::string_view literals,
                     std::span<const TemplateSlot> slots) const noexcept;
  bool Same(std::uint32_t id, std::string_view literals,
            std::span<const TemplateSlot> slots) const noexcept;

  std::string literals_;
  std::vector<SlotCoding> slots_;
  std::vector<Template> templates_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> index_;  // open addressing, a power of two: 0 or id + 1
};

// The hash that both the table and its builder use for a template.
std::uint64_t HashTemplate(std::string_view literals, std::span<const TemplateSlot> slots) noexcept;

std::string EncodeTemplateTable(const TemplateTable& table);
// `bytes` is a whole encoded table. Bounded: kMaxTemplates of kMaxTemplateText bytes each.
// Errors: kCorruption.
Result<TemplateTable> ParseTemplateTable(std::string_view bytes);

}  // namespace tracestore::column
