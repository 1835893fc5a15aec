// The tables of a segment: everything that rows share (docs/format/segment.md, "Tables").
//
// A row is coded as an op, a rank within the op's key sets, statuses and so on, and for each
// attribute a rank within the (op, column)'s list of values, or the value itself in the column's
// raw stream. Texts are ids in the segment's dictionary.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/span_types.h>
#include <tracestore/status.h>

namespace tracestore::store {

// A kind of attribute: its key and type. Column 0 is no attribute but the status message.
struct Column {
  std::uint32_t key = 0;
  std::uint8_t type_byte = 0;
  friend bool operator==(const Column&, const Column&) = default;
};
inline constexpr std::uint32_t kStatusMessageColumn = 0;

struct TableAttribute {
  std::uint32_t key = 0;
  std::uint8_t type_byte = 0;
  std::uint64_t bits = 0;  // a dictionary id for textual types
};

struct TableResource {
  Origin origin = Origin::kOtlp;
  std::uint32_t schema_url = 0;
  std::uint32_t unknown_fields = 0;
  std::uint32_t dropped_attributes = 0;
  std::vector<TableAttribute> attributes;
};

struct TableScope {
  std::uint32_t name = 0;
  std::uint32_t version = 0;
  std::uint32_t schema_url = 0;
  std::uint32_t unknown_fields = 0;
  std::uint32_t dropped_attributes = 0;
  std::vector<TableAttribute> attributes;
};

// The values of one column within one owner (op or event type): ranked by frequency, or raw.
struct Slot {
  std::uint32_t column = 0;
  bool raw = false;
  std::vector<std::uint64_t> values;  // by rank: dictionary ids or bits; empty where raw
};

// A span's status: code and whether it has a message (whose text is in column 0).
constexpr std::uint8_t StatusShape(StatusCode code, bool message) noexcept {
  return static_cast<std::uint8_t>(static_cast<unsigned>(code) * 2 + (message ? 1 : 0));
}

// What a start or duration of an op's rows is coded from.
enum class StartBase : std::uint8_t { kSiblingStart = 0, kSiblingEnd = 1 };
enum class DurationBase : std::uint8_t { kZero = 0, kParentEnd = 1 };

struct TableOp {
  std::uint32_t scope = 0;
  std::uint32_t name = 0;
  SpanKind kind = SpanKind::kUnspecified;
  std::uint32_t flags = 0;
  StartBase start_base = StartBase::kSiblingStart;
  DurationBase duration_base = DurationBase::kZero;
  std::vector<std::uint32_t> resources;    // by rank
  std::vector<std::uint32_t> keysets;      // by rank
  std::vector<std::uint8_t> statuses;      // by rank: StatusShape
  std::vector<std::uint32_t> event_lists;  // by rank
  std::vector<Slot> slots;                 // by column, ascending
};

struct TableEventType {
  std::uint32_t name = 0;
  std::uint32_t keyset = 0;
  std::vector<Slot> slots;
};

struct SegmentTables {
  std::vector<Column> columns;
  std::vector<std::vector<std::uint32_t>> keysets;      // ordered columns, repeats kept
  std::vector<std::vector<std::uint32_t>> event_lists;  // ordered event types; list 0 is empty
  std::vector<TableResource> resources;
  std::vector<TableScope> scopes;
  std::vector<TableOp> ops;
  std::vector<TableEventType> event_types;

  std::string Encode() const;
  // Every index is checked against its table and `dictionary_size`. Errors: kCorruption.
  static Result<SegmentTables> Parse(std::string_view section, std::uint32_t dictionary_size);
};

// The slot of a column, by binary search; nullptr where the owner has none.
const Slot* FindSlot(const std::vector<Slot>& slots, std::uint32_t column) noexcept;

}  // namespace tracestore::store
