#include "query/fetch.h"

#include <algorithm>
#include <set>

#include "assembly/summary.h"
#include "base/try.h"
#include "query/large_summary.h"

namespace tracestore::query {

using store::SegmentReader;
using store::SnapshotData;

bool InHead(const SnapshotData& data, TraceId id) {
  return std::any_of(data.head.begin(), data.head.end(),
                     [&](const auto& batch) { return batch->HasTrace(id); });
}

Result<std::vector<TracePlace>> FindPlaces(const SnapshotData& data, TraceId id) {
  std::vector<TracePlace> places;
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    const auto& segment = data.segments[i];
    TS_TRY_ASSIGN(const auto ordinals, segment->FindTrace(id));
    if (ordinals.empty() || data.Hidden(i, id)) continue;
    TS_TRY_ASSIGN(const auto* table, segment->traces());
    for (const std::uint32_t ordinal : ordinals) places.push_back({segment.get(), ordinal, i, table->parts[ordinal].rows});
  }
  return places;
}

Status FetchInto(const SnapshotData& data, TraceId id, model::SpanBatch& out) {
  return FetchInto(data, id, out, data.stop);
}

// Rows that are read between two looks at what they take: about eight pages.
constexpr std::uint32_t kHeldRows = 8'192;

Status ReadHeld(const SegmentReader& segment, std::uint32_t first, std::uint32_t last,
                const store::Projection& projection, const StopWhen& stop, MemoryHold& hold,
                model::SpanBatch& out) {
  if (!hold.counts()) return segment.ReadRows(first, last, projection, out, stop);
  for (std::uint32_t row = first; row < last;) {
    std::uint32_t end = last;
    // To the end of a page: no page is decoded twice.
    if (last - row > kHeldRows) {
      const store::PageInfo& page = segment.pages()[segment.PageOfRow(row + kHeldRows)];
      end = std::min(last, page.first_row + page.rows);
    }
    TS_TRY(segment.ReadRows(row, end, projection, out, stop));
    TS_TRY(hold.Set(out.memory_bytes()));
    row = end;
  }
  return {};
}

Status FetchInto(const SnapshotData& data, TraceId id, model::SpanBatch& out,
                 const StopWhen& stop) {
  MemoryHold hold(data.account);
  return FetchInto(data, id, out, stop, hold);
}

Status FetchInto(const SnapshotData& data, TraceId id, model::SpanBatch& out,
                 const StopWhen& stop, MemoryHold& hold) {
  TS_TRY_ASSIGN(const auto places, FindPlaces(data, id));
  for (const TracePlace& place : places) {
    TS_TRY_ASSIGN(const auto* table, place.segment->traces());
    const store::TracePart& part = table->parts[place.ordinal];
    TS_TRY(ReadHeld(*place.segment, part.first_row, part.first_row + part.rows, {}, stop, hold,
                    out));
  }
  AppendHeadRows(data, id, out);
  return hold.Set(out.memory_bytes());
}

void AppendHeadRows(const SnapshotData& data, TraceId id, model::SpanBatch& out) {
  model::BatchAppender appender(out);
  for (const auto& batch : data.head) {
    if (!batch->HasTrace(id)) continue;
    appender.SetSource(batch->batch());
    batch->ForEachRow(id, [&](std::uint32_t row) { appender.Append(row); });
  }
}

Result<std::shared_ptr<model::SpanBatch>> FetchTrace(const SnapshotData& data, TraceId id) {
  auto held = std::make_shared<HeldBatch>(data);
  TS_TRY(FetchInto(data, id, held->batch, data.stop, held->hold));
  return BatchOf(std::move(held));
}

std::shared_ptr<model::SpanBatch> BatchOf(std::shared_ptr<HeldBatch> held) {
  model::SpanBatch* const batch = &held->batch;
  return {std::move(held), batch};
}

Result<model::TraceExtent> ExtentOf(const SnapshotData& data, TraceId id) {
  model::TraceExtent extent;
  TS_TRY_ASSIGN(const auto places, FindPlaces(data, id));
  for (const TracePlace& place : places) {
    TS_TRY_ASSIGN(const auto* table, place.segment->traces());
    const store::TracePart& part = table->parts[place.ordinal];
    if (part.has_start) extent.Add(part.start_ns, part.end_ns);
  }
  for (const auto& batch : data.head) {
    batch->ForEachRow(id, [&](std::uint32_t row) { extent.Add(batch->batch().spans[row]); });
  }
  return extent;
}

namespace {

Result<TraceSummary> FromTable(const SegmentReader& segment, const store::TracePart& part) {
  TS_TRY_ASSIGN(const auto* lists, segment.service_lists());
  TS_TRY_ASSIGN(const auto* strings, segment.dictionary());
  TraceSummary summary;
  summary.trace_id = part.id;
  summary.has_start = part.has_start;
  summary.start_ns = part.start_ns;
  summary.end_ns = part.end_ns;
  summary.root_service = strings->At(part.root_service);
  summary.root_operation = strings->At(part.root_name);
  summary.span_count = part.rows;
  summary.error_count = part.errors;
  summary.orphan_count = part.orphans;
  for (const store::ServiceCount& s : (*lists)[part.profile])
    summary.services.push_back({std::string(strings->At(s.service)), s.spans, s.errors});
  std::sort(summary.services.begin(), summary.services.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return summary;
}

// Page by page and without attributes. Spans that share an id may be equal, which only all of their
// fields tell: true then.
Result<bool> SummarizeStructure(const SnapshotData& data, TraceId id,
                                const std::vector<TracePlace>& places,
                                assembly::SummaryBuilder& builder) {
  store::Projection structure;
  structure.attributes = structure.all_columns = structure.events = false;
  for (const TracePlace& place : places) {
    TS_TRY_ASSIGN(const auto* table, place.segment->traces());
    const store::TracePart& part = table->parts[place.ordinal];
    const std::uint32_t end = part.first_row + part.rows;
    for (std::uint32_t row = part.first_row; row < end;) {
      const store::PageInfo& page = place.segment->pages()[place.segment->PageOfRow(row)];
      const std::uint32_t stop = std::min(end, page.first_row + page.rows);
      model::SpanBatch spans;
      TS_TRY(place.segment->ReadRows(row, stop, structure, spans, data.stop));
      for (std::uint32_t i = 0; i < spans.size(); ++i) builder.Add(spans, i);
      row = stop;
    }
  }
  for (const auto& batch : data.head)
    batch->ForEachRow(id, [&](std::uint32_t row) { builder.Add(batch->batch(), row); });
  return builder.HasRepeatedIds();
}

// Where reading spans costs more than reading all of their ids: several pages.
bool IsLarge(const std::vector<TracePlace>& places) {
  constexpr std::uint64_t kLargeRows = 4096;
  std::uint64_t rows = 0;
  for (const TracePlace& place : places) rows += place.rows;
  return rows >= kLargeRows;
}

}  // namespace

Result<TraceSummary> SummaryOf(const SnapshotData& data, TraceId id) {
  TS_TRY_ASSIGN(const auto places, FindPlaces(data, id));
  if (places.size() == 1 && !InHead(data, id)) {
    TS_TRY_ASSIGN(const auto* table, places[0].segment->traces());
    const store::TracePart& part = table->parts[places[0].ordinal];
    if (!part.has_repeats) return FromTable(*places[0].segment, part);
  }
  if (places.empty() && !InHead(data, id))
    return Error(ErrorCode::kNotFound, "there is no trace " + id.ToShortHex());
  if (IsLarge(places)) return SummarizeLarge(data, id, places);
  assembly::SummaryBuilder builder;
  TS_TRY_ASSIGN(const bool repeats, SummarizeStructure(data, id, places, builder));
  if (!repeats) return builder.Build();
  model::SpanBatch spans;
  TS_TRY(FetchInto(data, id, spans));
  return assembly::Summarize(spans);
}

Result<std::vector<TraceId>> TracesWithLowId(const SnapshotData& data, std::uint64_t low) {
  std::set<TraceId> ids;
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    TS_TRY_ASSIGN(const auto found, data.segments[i]->FindLowId(low));
    for (const TraceId id : found) {
      if (!data.Hidden(i, id)) ids.insert(id);
    }
  }
  for (const auto& batch : data.head) {
    batch->ForEachTraceWithLow(low, [&](TraceId id) { ids.insert(id); });
  }
  return std::vector<TraceId>(ids.begin(), ids.end());
}

namespace {

// Whether no row of the trace is one that a search finds.
Result<bool> IsFirehoseOnly(const SnapshotData& data, TraceId id) {
  bool only = true;
  for (const auto& batch : data.head) {
    batch->ForEachRow(id, [&](std::uint32_t row) { only &= batch->batch().spans[row].firehose(); });
  }
  TS_TRY_ASSIGN(const auto places, FindPlaces(data, id));
  store::Projection structure;
  structure.attributes = structure.all_columns = structure.events = false;
  for (const TracePlace& place : places) {
    TS_TRY_ASSIGN(const auto* table, place.segment->traces());
    const store::TracePart& part = table->parts[place.ordinal];
    if (!only || !part.has_firehose) return false;
    model::SpanBatch rows;
    TS_TRY(place.segment->ReadRows(part.first_row, part.first_row + part.rows, structure, rows,
                                   data.stop));
    only = std::all_of(rows.spans.begin(), rows.spans.end(),
                       [](const model::SpanRecord& span) { return span.firehose(); });
  }
  return only;
}

}  // namespace

Result<std::vector<TraceId>> FirehoseTraces(const SnapshotData& data) {
  std::set<TraceId> some;  // those with such a span
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    TS_TRY_ASSIGN(const auto* table, data.segments[i]->traces());
    for (const store::TracePart& part : table->parts) {
      if (part.has_firehose && !data.Hidden(i, part.id)) some.insert(part.id);
    }
  }
  for (const auto& batch : data.head) {
    for (const model::SpanRecord& span : batch->batch().spans) {
      if (span.firehose()) some.insert(span.trace_id);
    }
  }
  std::vector<TraceId> only;
  for (const TraceId id : some) {
    TS_TRY_ASSIGN(const bool firehose, IsFirehoseOnly(data, id));
    if (firehose) only.push_back(id);
  }
  return only;
}

}  // namespace tracestore::query
