// Layout: docs/format/segment.md, "Tables". One integer stream holds every number of the tables in
// the order written here, so that they compress together.
#include "store/segment/segment_tables.h"

#include <algorithm>

#include "base/try.h"
#include "codec/column/frame.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

Error Damaged(const char* what) {
  return {ErrorCode::kCorruption, std::string("segment tables: ") + what};
}

std::size_t MostRawBytes(std::size_t section_bytes) {
  const std::size_t by_ratio =
      std::min(section_bytes, kMaxSectionBytes / kTablesMostRatio) * kTablesMostRatio;
  return std::max({kTablesAnyRateBytes, by_ratio, section_bytes});
}

// Writes the tables' numbers as varints; the whole goes through one frame.
class TableWriter {
 public:
  explicit TableWriter(std::string& out) : out_(out) {}
  void Number(std::uint64_t v) { out_.Varint(v); }
  template <typename T>
  void List(const std::vector<T>& list) {
    Number(list.size());
    for (const T v : list) Number(v);
  }
  void Attributes(const std::vector<TableAttribute>& list) {
    Number(list.size());
    for (const TableAttribute& a : list) {
      Number(a.key);
      Number(a.type_byte);
      Number(a.bits);
    }
  }
  void Slots(const std::vector<Slot>& slots) {
    Number(slots.size());
    for (const Slot& slot : slots) {
      Number(slot.column * 2ULL + (slot.raw ? 1 : 0));
      if (slot.raw) continue;
      Number(slot.values.size());
      for (const std::uint64_t v : slot.values) Number(v);
    }
  }

 private:
  base::ByteWriter out_;
};

class TableReader {
 public:
  TableReader(std::string_view bytes, std::uint32_t dictionary_size)
      : in_(bytes), dictionary_size_(dictionary_size) {}

  bool ok() const { return in_.ok(); }
  bool done() const { return in_.done(); }
  std::size_t Count() { return in_.Count(); }
  std::size_t CountUpTo(std::size_t most) {
    return static_cast<std::size_t>(in_.BoundedVarint(std::min(most, in_.remaining())));
  }
  std::size_t Records(std::size_t least_bytes) { return in_.Count(least_bytes); }
  std::uint64_t Number() { return in_.Varint(); }
  std::uint32_t Below(std::size_t size) {
    if (size == 0) {
      in_.Fail();
      return 0;
    }
    return static_cast<std::uint32_t>(in_.BoundedVarint(size - 1));
  }
  std::uint32_t U32() { return static_cast<std::uint32_t>(in_.BoundedVarint(0xFFFFFFFF)); }
  std::uint32_t Text() { return Below(dictionary_size_); }
  std::uint8_t TypeByte() {
    const auto byte = static_cast<std::uint8_t>(in_.BoundedVarint(0xFF));
    if ((byte & 0x7F) > static_cast<std::uint8_t>(ValueType::kMap)) in_.Fail();
    return byte;
  }
  std::uint64_t Bits(std::uint8_t type_byte) {
    const auto type = static_cast<ValueType>(type_byte & 0x7F);
    const bool text = type == ValueType::kString || type >= ValueType::kBytes;
    return text ? Text() : Number();
  }
  std::vector<std::uint32_t> Indexes(std::size_t size, std::size_t most = SIZE_MAX) {
    std::vector<std::uint32_t> list(CountUpTo(most));
    for (auto& v : list) v = Below(size);
    return list;
  }
  std::vector<TableAttribute> Attributes() {
    std::vector<TableAttribute> list(in_.Count(3));
    for (TableAttribute& a : list) {
      a.key = Text();
      a.type_byte = TypeByte();
      a.bits = Bits(a.type_byte);
    }
    return list;
  }
  std::vector<Slot> Slots(const std::vector<Column>& columns) {
    std::vector<Slot> slots(CountUpTo(columns.size()));
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Slot& slot = slots[i];
      const std::uint64_t head = Number();
      slot.column = static_cast<std::uint32_t>(head / 2);
      slot.raw = (head & 1) != 0;
      if (head / 2 >= columns.size() || (i > 0 && slots[i - 1].column >= slot.column)) {
        in_.Fail();
        return {};
      }
      if (slot.raw) continue;
      slot.values.resize(Count());
      if (slot.values.empty()) in_.Fail();
      for (auto& v : slot.values) v = Bits(columns[slot.column].type_byte);
    }
    return slots;
  }

 private:
  base::ByteReader in_;
  std::uint32_t dictionary_size_;
};

void WriteShared(const SegmentTables& t, TableWriter& w) {
  w.Number(t.columns.size());
  for (const Column& c : t.columns) {
    w.Number(c.key);
    w.Number(c.type_byte);
  }
  w.Number(t.keysets.size());
  for (const auto& keyset : t.keysets) w.List(keyset);
  w.Number(t.resources.size());
  for (const TableResource& r : t.resources) {
    w.Number(static_cast<std::uint64_t>(r.origin));
    w.Number(r.schema_url);
    w.Number(r.unknown_fields);
    w.Number(r.dropped_attributes);
    w.Attributes(r.attributes);
  }
  w.Number(t.scopes.size());
  for (const TableScope& s : t.scopes) {
    for (const std::uint32_t v :
         {s.name, s.version, s.schema_url, s.unknown_fields, s.dropped_attributes}) {
      w.Number(v);
    }
    w.Attributes(s.attributes);
  }
}

void ReadShared(TableReader& r, SegmentTables& t) {
  t.columns.resize(r.CountUpTo(kMaxColumns));
  for (Column& c : t.columns) {
    c.key = r.Text();
    c.type_byte = r.TypeByte();
  }
  t.keysets.resize(r.CountUpTo(kMaxKeysets));
  for (auto& keyset : t.keysets) keyset = r.Indexes(t.columns.size(), kMaxKeysetColumns + 1);
  t.resources.resize(r.Records(5));
  for (TableResource& resource : t.resources) {
    resource.origin = static_cast<Origin>(r.Below(3));
    resource.schema_url = r.Text();
    resource.unknown_fields = r.Text();
    resource.dropped_attributes = r.U32();
    resource.attributes = r.Attributes();
  }
  t.scopes.resize(r.Records(6));
  for (TableScope& s : t.scopes) {
    s.name = r.Text();
    s.version = r.Text();
    s.schema_url = r.Text();
    s.unknown_fields = r.Text();
    s.dropped_attributes = r.U32();
    s.attributes = r.Attributes();
  }
}

void ReadOp(TableReader& r, const SegmentTables& t, TableOp& op) {
  op.scope = r.Below(t.scopes.size());
  op.name = r.Text();
  op.kind = static_cast<SpanKind>(r.Below(6));
  op.flags = r.U32();
  const std::uint32_t bases = r.Below(4);
  op.start_base = static_cast<StartBase>(bases & 1);
  op.duration_base = static_cast<DurationBase>(bases >> 1);
  op.resources = r.Indexes(t.resources.size());
  op.keysets = r.Indexes(t.keysets.size());
  op.statuses.resize(r.Count());
  for (auto& status : op.statuses) status = static_cast<std::uint8_t>(r.Below(6));
  op.event_lists = r.Indexes(t.event_lists.size());
  op.slots = r.Slots(t.columns);
}

}  // namespace

std::string SegmentTables::Encode() const {
  std::string raw;
  TableWriter w(raw);
  WriteShared(*this, w);
  w.Number(event_types.size());
  for (const TableEventType& type : event_types) {
    w.Number(type.name);
    w.Number(type.keyset);
    w.Slots(type.slots);
  }
  w.Number(event_lists.size());
  for (const auto& list : event_lists) w.List(list);
  w.Number(ops.size());
  for (const TableOp& op : ops) {
    w.Number(op.scope);
    w.Number(op.name);
    w.Number(static_cast<std::uint64_t>(op.kind));
    w.Number(op.flags);
    w.Number(static_cast<unsigned>(op.start_base) + 2U * static_cast<unsigned>(op.duration_base));
    w.List(op.resources);
    w.List(op.keysets);
    w.List(op.statuses);
    w.List(op.event_lists);
    w.Slots(op.slots);
  }
  std::string section;
  column::AppendFrame(raw, section);
  if (raw.size() > MostRawBytes(section.size())) {
    section.clear();
    column::AppendRawFrame(raw, section);
  }
  return section;
}

Result<SegmentTables> SegmentTables::Parse(std::string_view section,
                                           std::uint32_t dictionary_size) {
  base::ByteReader frame(section);
  std::string scratch;
  TS_TRY_ASSIGN(const std::string_view raw, column::ReadFrame(frame, MostRawBytes(section.size()),
                                                           scratch));
  TableReader r(raw, dictionary_size);
  SegmentTables t;
  ReadShared(r, t);
  // The status message's column: a page reads texts by it, whatever the table says.
  if (t.columns.empty() || t.columns[kStatusMessageColumn].type_byte !=
                               static_cast<std::uint8_t>(ValueType::kString)) {
    return Damaged("the first column isn't that of the status message");
  }
  t.event_types.resize(r.CountUpTo(kMaxEventTypes));
  for (TableEventType& type : t.event_types) {
    type.name = r.Text();
    type.keyset = r.Below(t.keysets.size());
    type.slots = r.Slots(t.columns);
  }
  t.event_lists.resize(r.CountUpTo(kMaxEventLists));
  for (auto& list : t.event_lists) list = r.Indexes(t.event_types.size(), kMaxEventsInList);
  t.ops.resize(r.CountUpTo(kMaxOps));
  for (TableOp& op : t.ops) ReadOp(r, t, op);
  if (!r.ok()) return Damaged("a number is out of its range or the section ends early");
  if (!r.done()) return Damaged("bytes follow the last op");
  return t;
}

const Slot* FindSlot(const std::vector<Slot>& slots, std::uint32_t column) noexcept {
  const auto found = std::lower_bound(slots.begin(), slots.end(), column,
                                      [](const Slot& s, std::uint32_t c) { return s.column < c; });
  return found != slots.end() && found->column == column ? &*found : nullptr;
}

}  // namespace tracestore::store
