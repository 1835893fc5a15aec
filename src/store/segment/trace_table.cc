// Layout: docs/format/segment.md, "Table of traces": one integer stream a column.
#include "store/segment/trace_table.h"

#include <algorithm>

#include "base/try.h"
#include "codec/column/frame.h"
#include "codec/column/int_stream.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

Error Damaged(const char* what) {
  return {ErrorCode::kCorruption, std::string("table of traces: ") + what};
}

template <typename Get>
void Write(const std::vector<TracePart>& parts, std::string& out, Get get) {
  std::vector<std::uint64_t> values;
  values.reserve(parts.size());
  for (const TracePart& part : parts) values.push_back(get(part));
  column::EncodeInts(values, out);
}

template <typename Set>
Status Read(base::ByteReader& in, std::vector<TracePart>& parts, std::uint64_t most, Set set) {
  std::vector<std::uint64_t> values;
  TS_TRY(column::DecodeInts(in, parts.size(), values));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (values[i] > most) return Damaged("a number is out of its range");
    set(parts[i], values[i]);
  }
  return {};
}

unsigned Flags(const TracePart& p) {
  return (p.has_firehose ? 1U : 0U) | (p.has_repeats ? 2U : 0U) | (p.has_start ? 4U : 0U);
}

// Three varints a count: one of them is at least three bytes.
constexpr std::size_t kLeastCountBytes = 3;

Result<ServiceLists> ReadLists(std::string_view raw, std::size_t most_lists,
                               std::uint32_t dictionary_size) {
  base::ByteReader r(raw);
  ServiceLists lists;
  const auto count = static_cast<std::size_t>(r.BoundedVarint(most_lists));
  lists.Reserve(raw.size() / kLeastCountBytes, count);
  std::vector<ServiceCount> list;
  for (std::size_t i = 0; i < count && r.ok(); ++i) {
    list.resize(r.Count(kLeastCountBytes));
    for (ServiceCount& s : list) {
      s.service = static_cast<std::uint32_t>(r.BoundedVarint(dictionary_size - 1));
      s.spans = static_cast<std::uint32_t>(r.BoundedVarint(kMaxSegmentRows));
      s.errors = static_cast<std::uint32_t>(r.BoundedVarint(kMaxSegmentRows));
    }
    lists.Add(list);
  }
  if (!r.ok() || !r.done()) return Damaged("the service lists are cut short");
  return lists;
}

}  // namespace

void ServiceLists::Reserve(std::size_t counts, std::size_t lists) {
  counts_.reserve(counts);
  ends_.reserve(lists);
}

void ServiceLists::Add(std::span<const ServiceCount> list) {
  counts_.insert(counts_.end(), list.begin(), list.end());
  ends_.push_back(static_cast<std::uint32_t>(counts_.size()));
}

std::string TraceTable::Encode(const ServiceLists& lists) const {
  std::string out;
  base::ByteWriter(out).Varint(parts.size());
  Write(parts, out, [](const TracePart& p) { return p.id.high; });
  Write(parts, out, [](const TracePart& p) { return p.id.low; });
  std::uint64_t before = 0;
  Write(parts, out, [&](const TracePart& p) {
    const std::uint64_t step = p.start_ns - before;
    before = p.start_ns;
    return step;
  });
  Write(parts, out, [](const TracePart& p) { return p.end_ns - p.start_ns; });
  Write(parts, out, [](const TracePart& p) { return p.rows; });
  Write(parts, out, [](const TracePart& p) { return p.errors; });
  Write(parts, out, [](const TracePart& p) { return p.orphans; });
  Write(parts, out, [](const TracePart& p) {
    return p.root_row == kNoRoot ? 0 : p.root_row - p.first_row + 1ULL;
  });
  Write(parts, out, [](const TracePart& p) { return p.root_name; });
  Write(parts, out, [](const TracePart& p) { return p.root_service; });
  Write(parts, out, [](const TracePart& p) { return p.profile; });
  Write(parts, out, [](const TracePart& p) { return Flags(p); });
  std::string raw;
  base::ByteWriter w(raw);
  w.Varint(lists.size());
  for (std::uint32_t i = 0; i < lists.size(); ++i) {
    w.Varint(lists[i].size());
    for (const ServiceCount& s : lists[i]) {
      w.Varint(s.service);
      w.Varint(s.spans);
      w.Varint(s.errors);
    }
  }
  column::AppendFrame(raw, out);
  return out;
}

Result<TraceTable> TraceTable::Parse(std::string_view section, std::uint32_t rows,
                                     std::uint32_t dictionary_size) {
  base::ByteReader in(section);
  TraceTable table;
  if (dictionary_size == 0) return Damaged("there is no dictionary");
  table.parts.resize(static_cast<std::size_t>(in.BoundedVarint(rows)));
  auto& parts = table.parts;
  constexpr std::uint64_t kAny = ~0ULL;
  TS_TRY(Read(in, parts, kAny, [](TracePart& p, std::uint64_t v) { p.id.high = v; }));
  TS_TRY(Read(in, parts, kAny, [](TracePart& p, std::uint64_t v) { p.id.low = v; }));
  std::uint64_t start = 0;
  TS_TRY(Read(in, parts, kAny, [&](TracePart& p, std::uint64_t v) { p.start_ns = start += v; }));
  TS_TRY(Read(in, parts, kAny,
              [](TracePart& p, std::uint64_t v) { p.end_ns = p.start_ns + v; }));
  std::uint64_t row = 0;
  TS_TRY(Read(in, parts, rows, [&](TracePart& p, std::uint64_t v) {
    p.first_row = static_cast<std::uint32_t>(row);
    p.rows = static_cast<std::uint32_t>(v);
    row = std::min<std::uint64_t>(row + v, rows + 1ULL);
  }));
  if (row != rows) return Damaged("its rows don't add up to the segment's");
  TS_TRY(Read(in, parts, rows, [](TracePart& p, std::uint64_t v) {
    p.errors = static_cast<std::uint32_t>(v);
  }));
  TS_TRY(Read(in, parts, rows, [](TracePart& p, std::uint64_t v) {
    p.orphans = static_cast<std::uint32_t>(v);
  }));
  bool good = true;
  TS_TRY(Read(in, parts, rows, [&](TracePart& p, std::uint64_t v) {
    good = good && p.rows > 0 && v <= p.rows;
    if (v > 0) p.root_row = static_cast<std::uint32_t>(p.first_row + v - 1);
  }));
  if (!good) return Damaged("a root lies outside its trace, or a trace has no rows");
  TS_TRY(Read(in, parts, dictionary_size - 1, [](TracePart& p, std::uint64_t v) {
    p.root_name = static_cast<std::uint32_t>(v);
  }));
  TS_TRY(Read(in, parts, dictionary_size - 1, [](TracePart& p, std::uint64_t v) {
    p.root_service = static_cast<std::uint32_t>(v);
  }));
  TS_TRY(Read(in, parts, 0xFFFFFFFF, [](TracePart& p, std::uint64_t v) {
    p.profile = static_cast<std::uint32_t>(v);
  }));
  TS_TRY(Read(in, parts, 7, [](TracePart& p, std::uint64_t v) {
    p.has_firehose = (v & 1) != 0;
    p.has_repeats = (v & 2) != 0;
    p.has_start = (v & 4) != 0;
  }));
  table.lists_at = section.size() - in.remaining();
  return table;
}

Result<ServiceLists> TraceTable::ParseLists(std::string_view section, std::uint32_t rows,
                                            std::uint32_t dictionary_size) const {
  if (dictionary_size == 0) return Damaged("there is no dictionary");
  base::ByteReader in(section.substr(std::min(lists_at, section.size())));
  std::string scratch;
  // Each row is counted once in each list that has it, each list belongs to a part.
  const std::size_t most = 32 + std::size_t{rows} * 12 + parts.size() * 4;
  TS_TRY_ASSIGN(const std::string_view raw, column::ReadFrame(in, most, scratch));
  if (!in.ok() || !in.done()) return Damaged("bytes follow its end");
  TS_TRY_ASSIGN(ServiceLists lists, ReadLists(raw, parts.size(), dictionary_size));
  for (const TracePart& part : parts) {
    if (part.profile >= lists.size()) return Damaged("a service list is missing");
  }
  return lists;
}

std::size_t TraceTable::PartOf(std::uint32_t row) const noexcept {
  const auto after = std::upper_bound(
      parts.begin(), parts.end(), row,
      [](std::uint32_t wanted, const TracePart& part) { return wanted < part.first_row; });
  return static_cast<std::size_t>(after - parts.begin()) - 1;
}

}  // namespace tracestore::store
