#include "store/segment/shape_builder.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

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
  ShapeBuilder(const SpanBatch& batch, const RowOrder& order, RowHints& hints)
      : batch_(batch), order_(order), shape_hints_(std::move(hints.shapes)),
        known_shapes_(hints.shape_count), known_values_(hints.value_count, kNoValue) {
    // The hints of attributes give way to their values, one by one.
    static_assert(kNoHint == kNoValue);
    shapes_.attribute_values = std::move(hints.values);
    shapes_.attribute_values.resize(batch.attributes.size(), kNoValue);
    shapes_.tables.columns.push_back({0, static_cast<std::uint8_t>(ValueType::kString)});
    columns_.FindOrAdd(0xFFFFFFFF, 0);
    (void)event_list_table_.FindOrAdd({}, shapes_.tables.event_lists, 1);
    CopyResources();
    CopyScopes();
  }

  Shapes Build() {
    shapes_.rows.resize(order_.rows.size());
    row_slots_.resize(order_.rows.size());
    for (std::size_t i = 0; i < order_.rows.size(); ++i) ShapeRow(i);
    // What each slot has in all is known now: so it is known to be raw as soon as it has enough
    // different values, and the others need not be told apart.
    for (std::size_t i = 0; i < keyset_slots_.size(); ++i) {
      for (const std::uint32_t slot : keyset_slots_[i])
        shapes_.slots[slot].total += keyset_uses_[i];
    }
    last_values_.resize(shapes_.slots.size());
    first_values_.assign(shapes_.slots.size(), kNoValue);
    for (std::size_t i = 0; i < order_.rows.size(); ++i) CountRow(i);
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

  // The number of an owner's key set, of whose slots this is one use more.
  std::uint32_t UseSlots(bool of_event, std::uint32_t owner, std::uint32_t keyset) {
    const std::uint32_t number =
        keyset_slots_index_.FindOrAdd(owner * 2 + (of_event ? 1 : 0), keyset);
    if (number == keyset_slots_.size()) {
      std::vector<std::uint32_t> slots;
      for (const std::uint32_t column : shapes_.tables.keysets[keyset]) {
        const std::uint32_t slot = slot_index_.FindOrAdd(owner * 2 + (of_event ? 1 : 0), column);
        if (slot == shapes_.slots.size())
          shapes_.slots.push_back({of_event, owner, column, 0, 0, false});
        slots.push_back(slot);
      }
      keyset_slots_.push_back(std::move(slots));
      keyset_uses_.push_back(0);
    }
    ++keyset_uses_[number];
    return number;
  }

  std::uint32_t CountValue(std::uint32_t slot, std::uint64_t bits) {
    SlotCount& counts = shapes_.slots[slot];
    if (counts.raw) return first_values_[slot];
    LastValue& last = last_values_[slot];  // often the same again: it spares the hash table
    if (last.number != kNoValue && last.bits == bits) {
      shapes_.values.Again(last.number);
      return last.number;
    }
    const std::size_t before = shapes_.values.size();
    last = {bits, shapes_.values.FindOrAdd(slot, bits)};
    if (last.number == before) {
      if (++counts.distinct == 1) first_values_[slot] = last.number;
      counts.raw = counts.distinct > 1 && counts.distinct * 6ULL >= counts.total;
    }
    return last.number;
  }

  void CountAttributes(model::Range range, const std::vector<std::uint32_t>& slots,
                       std::size_t first_slot) {
    for (std::uint32_t i = 0; i < range.count; ++i) {
      const std::uint32_t at = range.begin + i;
      const std::uint32_t slot = slots[first_slot + i];
      std::uint32_t& value = shapes_.attribute_values[at];
      if (value == kNoHint) {
        value = CountValue(slot, batch_.attributes[at].bits);
        continue;
      }
      std::uint32_t& known = known_values_[value];
      if (known == kNoValue) known = CountValue(slot, batch_.attributes[at].bits);
      else if (!shapes_.slots[slot].raw) shapes_.values.Again(known);
      value = known;
    }
  }

  // Of attributes that go to the residue nothing is counted.
  void ForgetHints(model::Range range) {
    std::fill_n(shapes_.attribute_values.begin() + range.begin, range.count, kNoValue);
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
    const std::uint32_t from = order_.rows[at];
    const SpanRecord& span = batch_.spans[from];
    RowShape& row = shapes_.rows[at];
    KnownShape* known = nullptr;
    if (from < shape_hints_.size() && shape_hints_[from] != kNoHint)
      known = &known_shapes_[shape_hints_[from]];
    if (known == nullptr || known->shape.op == 0) {
      ShapeUnknown(span, row, row_slots_[at]);
      if (known != nullptr && !row.odd) *known = {row, row_slots_[at]};
    } else {
      row = known->shape;
      row_slots_[at] = known->slots;
      ++keyset_uses_[known->slots];
    }
    if (row.op == 0) return;
    TableOp& table = shapes_.tables.ops[row.op - 1];
    row.resource_rank = RankIn(table.resources, row.op - 1, 1, span.resource);
    if (row.events_in_residue) return;
    type_slots_.resize(shapes_.tables.event_types.size());
    for (const std::uint32_t type : shapes_.tables.event_lists[table.event_lists[row.event_rank]])
      type_slots_[type] = UseSlots(true, type, shapes_.tables.event_types[type].keyset);
  }

  void ShapeUnknown(const SpanRecord& span, RowShape& row, std::uint32_t& slots) {
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
    row.status_rank = RankIn(table.statuses, op, 2, StatusShape(span.status, message));
    const std::uint32_t event_list = EventListOf(span);
    row.events_in_residue = event_list == kNoValue;
    row.odd |= row.events_in_residue;
    row.event_rank = RankIn(table.event_lists, op, 3, row.events_in_residue ? 0U : event_list);
    slots = UseSlots(false, op, keyset);
  }

  void CountRow(std::size_t at) {
    const SpanRecord& span = batch_.spans[order_.rows[at]];
    RowShape& row = shapes_.rows[at];
    if (row.op == 0) {
      ForgetHints(span.attributes);
    } else {
      const auto& slots = keyset_slots_[row_slots_[at]];
      const bool message = span.status_message != 0;
      if (message) row.message_value = CountValue(slots[0], span.status_message);
      CountAttributes(span.attributes, slots, message ? 1 : 0);
    }
    if (span.events.count == 0) return;
    const bool counted = row.op != 0 && !row.events_in_residue;
    const auto* types = counted ? &EventTypesOf(row) : nullptr;
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      const model::Range attributes = batch_.events[span.events.begin + i].attributes;
      if (types == nullptr) ForgetHints(attributes);
      else CountAttributes(attributes, keyset_slots_[type_slots_[(*types)[i]]], 0);
    }
  }

  const std::vector<std::uint32_t>& EventTypesOf(const RowShape& row) const {
    const TableOp& op = shapes_.tables.ops[row.op - 1];
    return shapes_.tables.event_lists[op.event_lists[row.event_rank]];
  }

  void DecideSlots() {
    const auto& values = shapes_.values.entries();
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
  struct KnownShape {
    RowShape shape;  // op 0: not met yet
    std::uint32_t slots = 0;
  };

  const SpanBatch& batch_;
  const RowOrder& order_;
  Shapes shapes_;
  std::vector<std::uint32_t> shape_hints_;   // by row of the batch
  std::vector<KnownShape> known_shapes_;     // by hint
  std::vector<std::uint32_t> known_values_;  // by hint: a value, or kNoValue
  std::vector<LastValue> last_values_;       // by slot
  std::vector<std::uint32_t> first_values_;  // by slot
  FlatMap columns_, ops_, ranks_, event_types_, slot_index_, keyset_slots_index_;
  ListTable keyset_table_, event_list_table_;
  std::vector<std::uint32_t> rank_of_;                     // by entry of ranks_
  // By entry of keyset_slots_index_: slots in the order of the key set, and how many rows or events
  // have it; by row and by event type: such an entry.
  std::vector<std::vector<std::uint32_t>> keyset_slots_;
  std::vector<std::uint32_t> keyset_uses_;
  std::vector<std::uint32_t> row_slots_, type_slots_;
  std::vector<std::uint32_t> scratch_, list_scratch_;
};

}  // namespace

Shapes BuildShapes(const SpanBatch& batch, const RowOrder& order, RowHints& hints) {
  return ShapeBuilder(batch, order, hints).Build();
}

}  // namespace tracestore::store
