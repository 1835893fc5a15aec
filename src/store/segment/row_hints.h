// RowHints: of rows that were decoded of segments, by which entries of their tables, so that what
// is to know of an entry is found out once and not for each row.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "codec/column/template_union.h"
#include "model/string_table.h"
#include "store/segment/flat_map.h"
#include "store/segment/segment_tables.h"

namespace tracestore::store {

inline constexpr std::uint32_t kNoHint = 0xFFFFFFFF;

// How texts of a batch are split by the templates that they were decoded by.
class TextSplits {
 public:
  // Valid until the next Add().
  column::KnownSplit Of(model::StringId text) const noexcept {
    if (text >= begins_.size() || begins_[text] == 0) return nullptr;
    return words_.data() + (begins_[text] - 1);
  }
  const column::TemplateUnion& templates() const noexcept { return templates_; }
  column::TemplateUnion& templates() noexcept { return templates_; }
  // `number`: in templates(); `values`: as many as the template has slots.
  void Add(model::StringId text, std::uint32_t number, const std::uint64_t* values);
  // Of the splits, but for what is only reserved.
  std::size_t used_bytes() const noexcept { return begins_.size() * 4 + words_.size() * 8; }

 private:
  column::TemplateUnion templates_;
  std::vector<std::uint32_t> begins_;  // by text: 1 + where its split begins in words_, or 0
  std::vector<std::uint64_t> words_;
};

// Of one batch. A segment is the same with and without; wrong hints make wrong segments.
struct RowHints {
  // By span: those with one number are alike in all that is in an op, in their attributes' keys and
  // types, their status, and their events' names, keys and types, and none is odd or has a status
  // message. By attribute: those with one number stand in one slot and have one value. kNoHint, or
  // past the end: nothing is known.
  std::vector<std::uint32_t> shapes;
  std::vector<std::uint32_t> values;
  std::uint32_t shape_count = 0;  // numbers are below
  std::uint32_t value_count = 0;
  TextSplits splits;
};

struct PageShape;

// Adds the hints of rows of one segment, as they are decoded, to those of their batch. One thread.
class HintRecorder {
 public:
  // Both must outlive the recorder; `hints` gets nothing from others meanwhile.
  HintRecorder(const SegmentTables& tables, RowHints& hints);

  // The hints of an owner's values, by slot: of the first of its list. Those of the list follow.
  const std::uint32_t* OfOp(std::uint32_t op) const noexcept {
    return first_hints_.data() + first_slots_[op];
  }
  const std::uint32_t* OfEventType(std::uint32_t type) const noexcept {
    return first_hints_.data() + first_slots_[ops_ + type];
  }
  void AddValue(std::size_t attribute, std::uint32_t hint) {
    hints_.values.resize(attribute, kNoHint);
    hints_.values.push_back(hint);
  }
  // `text` was decoded from template `id` of the column's table.
  void AddSplit(model::StringId text, std::uint32_t column, const column::TemplateTable& table,
                std::uint32_t id, const std::uint64_t* values);
  // The hint of rows of that shape that have no residue.
  std::uint32_t OfShape(const PageShape& shape);
  void AddRow(std::size_t row, std::uint32_t hint) {
    hints_.shapes.resize(row, kNoHint);
    hints_.shapes.push_back(hint);
  }

 private:
  RowHints& hints_;
  const std::size_t ops_;
  std::vector<std::size_t> first_slots_;    // of each op, then of each event type
  std::vector<std::uint32_t> first_hints_;  // by slot
  FlatMap shapes_;
  const std::uint32_t first_shape_;
  // By column, by template of its table: its number in the union, or kNoHint.
  std::map<std::uint32_t, std::vector<std::uint32_t>> template_numbers_;
};

}  // namespace tracestore::store
