// ShapeBuilder: finds what the rows of a segment share, and codes each row by it.
#pragma once
#include <cstdint>
#include <vector>

#include "model/span_batch.h"
#include "store/segment/flat_map.h"
#include "store/segment/row_hints.h"
#include "store/segment/row_order.h"
#include "store/segment/segment_tables.h"

namespace tracestore::store {

inline constexpr std::uint32_t kNoValue = 0xFFFFFFFF;

// How one row is coded.
struct RowShape {
  std::uint32_t op = 0;             // 0: generic, all in the residue; else the op's number + 1
  std::uint32_t keyset_rank = 0;
  std::uint32_t resource_rank = 0;
  std::uint32_t event_rank = 0;
  std::uint32_t status_rank = 0;
  std::uint32_t message_value = kNoValue;  // into ValueCounts, of the status message
  bool odd = false;                 // has a residue
  bool events_in_residue = false;
};

// One owner's column with the values met there.
struct SlotCount {
  bool of_event = false;
  std::uint32_t owner = 0;   // op or event type
  std::uint32_t column = 0;
  std::uint32_t total = 0;   // values, with repeats
  std::uint32_t distinct = 0;  // of a raw slot at least so many
  bool raw = false;
};

// Everything is in terms of the batch's StringIds; SegmentWriter maps them to the dictionary.
struct Shapes {
  SegmentTables tables;                       // slots not filled in yet: see FinishSlots
  std::vector<RowShape> rows;                 // in the segment's order
  // (slot, bits) with counts. Of a raw slot only the first values, for once it is known to be raw,
  // every further value has the number of its first.
  FlatMap values;
  std::vector<std::uint32_t> value_ranks;     // by value: its rank in its slot, kNoValue where raw
  std::vector<SlotCount> slots;
  std::vector<std::uint32_t> attribute_values;  // by index into batch.attributes: value or kNoValue
};

// Codes all rows. A list of ranked values is kept for a slot with one value, or where the values
// are fewer than a sixth of the rows that have one (docs/format/segment.md, "Tables"); the others
// are raw. What the hints, which are of the batch or empty, say of rows and values is used up.
// Precondition: no attribute or event is in the lists of two spans or events.
Shapes BuildShapes(const model::SpanBatch& batch, const RowOrder& order, RowHints& hints);

}  // namespace tracestore::store
