#include "store/segment/row_hints.h"

#include <algorithm>

#include "store/segment/page_codes.h"

namespace tracestore::store {

void TextSplits::Add(model::StringId text, std::uint32_t number, const std::uint64_t* values) {
  if (text < begins_.size() && begins_[text] != 0) return;
  if (words_.size() >= UINT32_MAX) return;
  if (text >= begins_.size()) begins_.resize(text + std::size_t{1}, 0);
  begins_[text] = static_cast<std::uint32_t>(words_.size() + 1);
  words_.push_back(number);
  words_.insert(words_.end(), values, values + templates_.Slots(number).size());
}

HintRecorder::HintRecorder(const SegmentTables& tables, RowHints& hints)
    : hints_(hints), ops_(tables.ops.size()), first_shape_(hints.shape_count) {
  const auto add = [this](const std::vector<Slot>& slots) {
    first_slots_.push_back(first_hints_.size());
    for (const Slot& slot : slots) {
      first_hints_.push_back(hints_.value_count);
      hints_.value_count += static_cast<std::uint32_t>(slot.values.size());
    }
  };
  for (const TableOp& op : tables.ops) add(op.slots);
  for (const TableEventType& type : tables.event_types) add(type.slots);
}

void HintRecorder::AddSplit(model::StringId text, std::uint32_t column,
                            const column::TemplateTable& table, std::uint32_t id,
                            const std::uint64_t* values) {
  std::vector<std::uint32_t>& numbers = template_numbers_[column];
  numbers.resize(table.size(), kNoHint);
  std::uint32_t& number = numbers[id];
  if (number == kNoHint) {
    const column::TemplateTable::Template& t = table.At(id);
    number = hints_.splits.templates().NumberOf(table.Literals(t), table.Slots(t));
  }
  hints_.splits.Add(text, number, values);
}

std::uint32_t HintRecorder::OfShape(const PageShape& shape) {
  if (shape.op == 0 || shape.has_message()) return kNoHint;
  // Key sets and event lists are fewer than 2^16 each (segment_format.h).
  const std::uint64_t key =
      std::uint64_t{shape.keyset} << 32 | std::uint64_t{shape.event_list} << 8 | shape.status;
  const std::uint32_t number = first_shape_ + shapes_.FindOrAdd(shape.op, key);
  hints_.shape_count = std::max(hints_.shape_count, number + 1);
  return number;
}

}  // namespace tracestore::store
