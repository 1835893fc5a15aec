#include "store/segment/shape_builder.h"

#include <algorithm>
#include <unordered_map>

#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

using model::Attribute;
using model::EventRecord;
using model::SpanBatch;
using model::SpanRecord;

// Lists of numbers, each kept once and named by its number.
class ListTable {
 public:
  // kNoValue where the table is full.
  std::uint32_t FindOrAdd(const std::vector<std::uint32_t>& list,
                          std::vector<std::vector<std::uint32_t>>& lists, std::uint32_t most) {
    std::uint64_t hash = list.size();
    for (const std::uint32_t v : list) hash = (hash ^ v) * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 32;
    for (auto [at, end] = by_hash_.equal_range(hash); at != end; ++at) {
      if (lists[at->second] == list) return at->second;
    }
    if (lists.size() >= most) return kNoValue;
    const auto number = static_cast<std::uint32_t>(lists.size());
    lists.push_back(list);
    by_hash_.emplace(hash, number);
    return number;
  }

 private:
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash_;
};

class ShapeBuilder {
 public:
  ShapeBuilder(const SpanBatch& batch, const RowOrder& order) : batch_(batch), order_(order) {
    shapes_.attribute_values.assign(batch.attributes.size(), kNoValue);
    shapes_.tables.columns.push_back({0, static_cast<std::uint8_t>(ValueType::kString)});
    columns_.FindOrAdd(0xFFFFFFFF, 0);
    (void)event_list_table_.FindOrAdd({}, shapes_.tables.event_lists, 1);
    CopyResources();
    CopyScopes();
  }

  Shapes Build() {
    shapes_.rows.resize(order_.rows.size());
    for (std::size_t i = 0; i < order_.rows.size(); ++i) ShapeRow(i);
    DecideSlots();
    return std::move(shapes_);
  }

 private:
  std::vector<TableAttribute> CopyAttributes(model::Range range) const {
    std::vector<TableAttribute> list;
    for (const Attribute& a : AttributesOf(batch_, range))
      list.push_back({a.key, a.type_byte, a.bits});
    return list;
  }
  void CopyResources() {
    for (const model::ResourceRecord& r : batch_.resources) {
      shapes_.tables.resources.push_back({r.origin, r.schema_url, r.unknown_fields,
                                          r.dropped_attributes, CopyAttributes(r.attributes)});
    }
  }
  void CopyScopes() {
    for (const model::ScopeRecord& s : batch_.scopes) {
      shapes_.tables.scopes.push_back({s.name, s.version, s.schema_url, s.unknown_fields,
                                       s.dropped_attributes, CopyAttributes(s.attributes)});
    }
  }

  // The key set of some attributes; kNoValue where a table is full. `message` puts the status
  // message's column in front.
  std::uint32_t KeysetOf(model::Range range, bool message) {
    if (range.count > kMaxKeysetColumns) return kNoValue;
    scratch_.clear();
    if (message) scratch_.push_back(kStatusMessageColumn);
    for (const Attribute& a : AttributesOf(batch_, range)) {
      const std::uint32_t column = columns_.FindOrAdd(a.type_byte, a.key);
      if (column >= shapes_.tables.columns.size()) {
        if (column >= kMaxColumns) return kNoValue;
        shapes_.tables.columns.push_back({a.key, a.type_byte});
      }
      scratch_.push_back(column);
    }
    return keyset_table_.FindOrAdd(scratch_, shapes_.tables.keysets, kMaxKeysets);
  }

  std::uint32_t OpOf(const SpanRecord& span) {
    const std::uint64_t name_and_flags =
        static_cast<std::uint64_t>(span.name) << 32 | span.flags;
    const std::uint32_t scope_and_kind = span.scope * 8 + static_cast<std::uint32_t>(span.kind);
    const std::uint32_t op = ops_.FindOrAdd(scope_and_kind, name_and_flags);
    if (op >= kMaxOps) return kNoValue;
    if (op == shapes_.tables.ops.size()) {
      TableOp fresh;
      fresh.scope = span.scope;
      fresh.name = span.name;
      fresh.kind = span.kind;
      fresh.flags = span.flags;
      shapes_.tables.ops.push_back(std::move(fresh));
    }
    return op;
  }

  // The rank of `value` in the op's list of that kind, which gets it where it is new.
  template <typename T>
  std::uint32_t RankIn(std::vector<T>& list, std::uint32_t op, unsigned kind, T value) {
    const std::uint64_t key = static_cast<std::uint64_t>(kind) << 32 | value;
    const std::uint32_t entry = ranks_.FindOrAdd(op, key);
    if (entry == rank_of_.size()) {
      rank_of_.push_back(static_cast<std::uint32_t>(list.size()));
      list.push_back(value);
    }
    return rank_of_[entry];
  }

  // The slots of an owner's key set, in the key set's order; made at first sight.
  const std::vector<std::uint32_t>& SlotsOf(bool of_event, std::uint32_t owner,
                                            std::uint32_t keyset) {
    const std::uint32_t shape = keyset_slots_index_.FindOrAdd(owner * 2 + (of_event ? 1 : 0), keyset);
    if (shape < keyset_slots_.size()) return keyset_slots_[shape];
    std::vector<std::uint32_t> slots;
    for (const std::uint32_t column : shapes_.tables.keysets[keyset]) {
      const std::uint32_t slot = slot_index_.FindOrAdd(owner * 2 + (of_event ? 1 : 0), column);
      if (slot == shapes_.slots.size()) shapes_.slots.push_back({of_event, owner, column, 0, 0, false});
      slots.push_back(slot);
    }
    keyset_slots_.push_back(std::move(slots));
    return keyset_slots_.back();
  }

  std::uint32_t CountValue(std::uint32_t slot, std::uint64_t bits) {
    ++shapes_.slots[slot].total;
    if (slot >= last_values_.size()) last_values_.resize(slot + 1);
    LastValue& last = last_values_[slot];  // often the same again: it spares the hash table
    if (last.number != kNoValue && last.bits == bits) {
      shapes_.values.Again(last.number);
    } else {
      last = {bits, shapes_.values.FindOrAdd(slot, bits)};
    }
    return last.number;
  }

  void CountAttributes(model::Range range, const std::vector<std::uint32_t>& slots,
                       std::size_t first_slot) {
    for (std::uint32_t i = 0; i < range.count; ++i) {
      const std::uint32_t at = range.begin + i;
      shapes_.attribute_values[at] = CountValue(slots[first_slot + i], batch_.attributes[at].bits);
    }
  }

  // The number of the span's list of event types, kNoValue where it has to go to the residue.
  std::uint32_t EventListOf(const SpanRecord& span) {
    if (span.events.count == 0) return 0;
    if (span.events.count > kMaxEventsInList) return kNoValue;
    list_scratch_.clear();
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      const EventRecord& event = batch_.events[span.events.begin + i];
      if (event.unknown_fields != 0 || event.dropped_attributes != 0) return kNoValue;
      const std::uint32_t keyset = KeysetOf(event.attributes, false);
      if (keyset == kNoValue) return kNoValue;
      const std::uint32_t type = event_types_.FindOrAdd(event.name, keyset);
      if (type >= kMaxEventTypes) return kNoValue;
      if (type == shapes_.tables.event_types.size())
        shapes_.tables.event_types.push_back({event.name, keyset, {}});
      list_scratch_.push_back(type);
    }
    return event_list_table_.FindOrAdd(list_scratch_, shapes_.tables.event_lists, kMaxEventLists);
  }

  static bool IsOdd(const SpanRecord& span) {
    return span.presence != (model::kHasStart | model::kHasDuration) || span.trace_state != 0 ||
           span.unknown_fields != 0 || span.parent_position != 0 || span.references.count != 0 ||
           (span.dropped_attributes | span.dropped_events | span.dropped_links) != 0;
  }

  void ShapeRow(std::size_t at) {
    const SpanRecord& span = batch_.spans[order_.rows[at]];
    RowShape& row = shapes_.rows[at];
    row.odd = IsOdd(span);
    const bool message = span.status_message != 0;
    const std::uint32_t keyset = KeysetOf(span.attributes, message);
    const std::uint32_t op = keyset == kNoValue ? kNoValue : OpOf(span);
    if (op == kNoValue) {
      row.odd = true;
      row.events_in_residue = span.events.count != 0;
      return;
    }
    TableOp& table = shapes_.tables.ops[op];
    row.op = op + 1;
    row.keyset_rank = RankIn(table.keysets, op, 0, keyset);
    row.resource_rank = RankIn(table.resources, op, 1, span.resource);
    row.status_rank = RankIn(table.statuses, op, 2, StatusShape(span.status, message));
    const std::uint32_t event_list = EventListOf(span);
    row.events_in_residue = event_list == kNoValue;
    row.odd |= row.events_in_residue;
    row.event_rank = RankIn(table.event_lists, op, 3, row.events_in_residue ? 0U : event_list);
    const auto& slots = SlotsOf(false, op, keyset);
    if (message) row.message_value = CountValue(slots[0], span.status_message);
    CountAttributes(span.attributes, slots, message ? 1 : 0);
    if (!row.events_in_residue) CountEvents(span, event_list);
  }

  void CountEvents(const SpanRecord& span, std::uint32_t event_list) {
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      const std::uint32_t type = shapes_.tables.event_lists[event_list][i];
      const auto& slots = SlotsOf(true, type, shapes_.tables.event_types[type].keyset);
      CountAttributes(batch_.events[span.events.begin + i].attributes, slots, 0);
    }
  }

  void DecideSlots() {
    const auto& values = shapes_.values.entries();
    for (const FlatMap::Entry& value : values) ++shapes_.slots[value.scope].distinct;
    for (SlotCount& slot : shapes_.slots)
      slot.raw = slot.distinct > 1 && slot.distinct * 6ULL >= slot.total;
    // By slot, then by frequency: ranks. Ties stand in the order of first sight.
    std::vector<std::uint32_t> sorted;
    for (std::uint32_t i = 0; i < values.size(); ++i) {
      if (!shapes_.slots[values[i].scope].raw) sorted.push_back(i);
    }
    std::sort(sorted.begin(), sorted.end(), [&](std::uint32_t x, std::uint32_t y) {
      if (values[x].scope != values[y].scope) return values[x].scope < values[y].scope;
      if (values[x].count != values[y].count) return values[x].count > values[y].count;
      return x < y;
    });
    shapes_.value_ranks.assign(values.size(), kNoValue);
    std::vector<Slot> made(shapes_.slots.size());
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i].column = shapes_.slots[i].column;
      made[i].raw = shapes_.slots[i].raw;
    }
    for (const std::uint32_t value : sorted) {
      auto& list = made[values[value].scope].values;
      shapes_.value_ranks[value] = static_cast<std::uint32_t>(list.size());
      list.push_back(values[value].key);
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
      const SlotCount& slot = shapes_.slots[i];
      auto& owner = slot.of_event ? shapes_.tables.event_types[slot.owner].slots
                                  : shapes_.tables.ops[slot.owner].slots;
      owner.push_back(std::move(made[i]));
    }
    const auto by_column = [](const Slot& a, const Slot& b) { return a.column < b.column; };
    for (TableOp& op : shapes_.tables.ops) std::sort(op.slots.begin(), op.slots.end(), by_column);
    for (TableEventType& type : shapes_.tables.event_types)
      std::sort(type.slots.begin(), type.slots.end(), by_column);
  }

  struct LastValue {
    std::uint64_t bits = 0;
    std::uint32_t number = kNoValue;
  };

  const SpanBatch& batch_;
  const RowOrder& order_;
  Shapes shapes_;
  std::vector<LastValue> last_values_;  // by slot
  FlatMap columns_, ops_, ranks_, event_types_, slot_index_, keyset_slots_index_;
  ListTable keyset_table_, event_list_table_;
  std::vector<std::uint32_t> rank_of_;                     // by entry of ranks_
  std::vector<std::vector<std::uint32_t>> keyset_slots_;   // by entry of keyset_slots_index_
  std::vector<std::uint32_t> scratch_, list_scratch_;
};

}  // namespace

Shapes BuildShapes(const SpanBatch& batch, const RowOrder& order) {
  return ShapeBuilder(batch, order).Build();
}

}  // namespace tracestore::store
