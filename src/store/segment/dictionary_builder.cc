#include "store/segment/dictionary_builder.h"

#include <algorithm>

#include "model/text.h"

namespace tracestore::store {
namespace {

bool Textual(std::uint8_t type_byte) {
  return model::IsTextual(static_cast<ValueType>(type_byte & 0x7F));
}

}  // namespace

DictionaryBuilder::DictionaryBuilder(const model::SpanBatch& batch, const Shapes& shapes)
    : batch_(batch), needed_(batch.strings.size(), false) {
  NeedAll(shapes);
  Need(0);
  for (model::StringId id = 0; id < needed_.size(); ++id) {
    if (needed_[id]) sorted_.push_back(batch.text(id));
  }
  sorted_.insert(sorted_.end(), canonical_.begin(), canonical_.end());
  std::sort(sorted_.begin(), sorted_.end());
  sorted_.erase(std::unique(sorted_.begin(), sorted_.end()), sorted_.end());
  ids_.assign(needed_.size(), kNoValue);
  for (model::StringId id = 0; id < needed_.size(); ++id) {
    if (needed_[id]) ids_[id] = IdOfText(batch.text(id));
  }
}

std::uint32_t DictionaryBuilder::IdOfText(std::string_view text) const noexcept {
  const auto found = std::lower_bound(sorted_.begin(), sorted_.end(), text);
  return found != sorted_.end() && *found == text
             ? static_cast<std::uint32_t>(found - sorted_.begin())
             : kNoValue;
}

std::uint32_t DictionaryBuilder::IdOfCanonical(std::uint8_t type_byte, std::uint64_t bits) const {
  if (static_cast<ValueType>(type_byte & 0x7F) == ValueType::kString)
    return ids_[static_cast<std::size_t>(bits)];
  return IdOfText(model::CanonicalText(batch_, {bits, 0, type_byte}));
}

void DictionaryBuilder::NeedCanonical(std::uint8_t type_byte, std::uint64_t bits) {
  if (Textual(type_byte)) Need(static_cast<model::StringId>(bits));
  if (static_cast<ValueType>(type_byte & 0x7F) != ValueType::kString)
    canonical_.push_back(model::CanonicalText(batch_, {bits, 0, type_byte}));
}

void DictionaryBuilder::NeedAttribute(std::uint32_t key, std::uint8_t type_byte,
                                      std::uint64_t bits) {
  Need(key);
  NeedCanonical(type_byte, bits);
}

void DictionaryBuilder::NeedAll(const Shapes& shapes) {
  const SegmentTables& tables = shapes.tables;
  for (const TableResource& r : tables.resources) {
    Need(r.schema_url);
    Need(r.unknown_fields);
    for (const TableAttribute& a : r.attributes) NeedAttribute(a.key, a.type_byte, a.bits);
  }
  for (const TableScope& s : tables.scopes) {
    for (const std::uint32_t id : {s.name, s.version, s.schema_url, s.unknown_fields}) Need(id);
    for (const TableAttribute& a : s.attributes) NeedAttribute(a.key, a.type_byte, a.bits);
  }
  for (const Column& column : tables.columns) Need(column.key);
  for (const auto& span : batch_.spans) Need(span.name);
  for (const auto& event : batch_.events) Need(event.name);
  for (const auto& attribute : batch_.attributes) Need(attribute.key);
  const auto need_slots = [&](const std::vector<Slot>& slots) {
    for (const Slot& slot : slots) {
      for (const std::uint64_t bits : slot.values)
        NeedCanonical(tables.columns[slot.column].type_byte, bits);
    }
  };
  for (const TableOp& op : tables.ops) need_slots(op.slots);
  for (const TableEventType& type : tables.event_types) need_slots(type.slots);
  std::sort(canonical_.begin(), canonical_.end());
  canonical_.erase(std::unique(canonical_.begin(), canonical_.end()), canonical_.end());
}

void DictionaryBuilder::MapTables(SegmentTables& tables) const {
  const auto map = [&](std::uint32_t& id) { id = ids_[id]; };
  const auto map_attributes = [&](std::vector<TableAttribute>& list) {
    for (TableAttribute& a : list) {
      map(a.key);
      if (Textual(a.type_byte)) a.bits = ids_[static_cast<std::size_t>(a.bits)];
    }
  };
  for (TableResource& r : tables.resources) {
    map(r.schema_url);
    map(r.unknown_fields);
    map_attributes(r.attributes);
  }
  for (TableScope& s : tables.scopes) {
    for (std::uint32_t* id : {&s.name, &s.version, &s.schema_url, &s.unknown_fields}) map(*id);
    map_attributes(s.attributes);
  }
  for (Column& column : tables.columns) map(column.key);
  const auto map_slots = [&](std::vector<Slot>& slots) {
    for (Slot& slot : slots) {
      if (!Textual(tables.columns[slot.column].type_byte)) continue;
      for (std::uint64_t& bits : slot.values) bits = ids_[static_cast<std::size_t>(bits)];
    }
  };
  for (TableOp& op : tables.ops) {
    map(op.name);
    map_slots(op.slots);
  }
  for (TableEventType& type : tables.event_types) {
    map(type.name);
    map_slots(type.slots);
  }
}

}  // namespace tracestore::store
