#include "query/read_spans.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "assembly/duplicates.h"
#include "base/stop.h"
#include "base/try.h"
#include "predicate/batch_binding.h"
#include "query/candidates.h"
#include "query/fetch.h"
#include "query/search.h"

namespace tracestore::query {
namespace {

using store::SegmentReader;
using store::SnapshotData;

Result<store::Projection> ProjectionOf(const SegmentReader& segment, const SpanParts& parts) {
  store::Projection projection;
  projection.keep_pages = parts.keep_pages;
  // A condition may be on anything.
  if (parts.matching || (parts.attributes && parts.keys.empty() && parts.events)) return projection;
  projection.events = parts.events;
  projection.attributes = parts.attributes;
  projection.all_columns = parts.attributes && parts.keys.empty();
  if (projection.all_columns) return projection;
  projection.columns.push_back(store::kStatusMessageColumn);
  if (!parts.attributes) return projection;
  predicate::Needs needs;
  needs.span_attributes = true;
  needs.attribute_keys = {parts.keys.begin(), parts.keys.end()};
  TS_TRY_ASSIGN(const store::Projection keys, ProjectionFor(segment, needs));
  projection.columns.insert(projection.columns.end(), keys.columns.begin(), keys.columns.end());
  return projection;
}

// Collects the spans of traces. Those that stand once, in one segment, are read by ranges of rows.
class SpanReader {
 public:
  SpanReader(const SnapshotData& data, const SpanParts& parts)
      : data_(data), parts_(parts), out_(std::make_shared<HeldBatch>(data)) {}

  Status Add(TraceId id) {
    TS_TRY_ASSIGN(const auto places, FindPlaces(data_, id));
    if (places.size() == 1 && !InHead(data_, id)) {
      TS_TRY_ASSIGN(const auto* table, places[0].segment->traces());
      const store::TracePart& part = table->parts[places[0].ordinal];
      if (!part.has_repeats) {
        ranges_[places[0].segment].emplace_back(part.first_row, part.first_row + part.rows);
        in_ranges_ += part.rows;
        return {};
      }
    }
    return AddDistinct(id);
  }

  Status ReadRanges() {
    model::SpanBatch& out = out_->batch;
    out.spans.reserve(span_count());
    TS_TRY(out_->hold.Set(out.memory_bytes()));
    for (auto& [segment, ranges] : ranges_) {
      TS_TRY_ASSIGN(const store::Projection projection, ProjectionOf(*segment, parts_));
      std::sort(ranges.begin(), ranges.end());
      for (std::size_t i = 0; i < ranges.size();) {
        const std::uint32_t first = ranges[i].first;
        std::uint32_t last = ranges[i].second;
        while (++i < ranges.size() && ranges[i].first == last) last = ranges[i].second;
        TS_TRY(ReadHeld(*segment, first, last, projection, data_.stop, out_->hold, out));
      }
    }
    in_ranges_ = 0;  // they are in out_ now
    return {};
  }

  // Of all traces added so far.
  std::size_t span_count() const { return out_->batch.size() + in_ranges_; }

  std::shared_ptr<model::SpanBatch> Take() { return BatchOf(std::move(out_)); }

 private:
  // Whether two spans are equal only all of their fields say.
  Status AddDistinct(TraceId id) {
    model::SpanBatch spans;
    TS_TRY(FetchInto(data_, id, spans));
    model::BatchAppender appender(out_->batch);
    appender.SetSource(spans);
    for (const std::uint32_t row : assembly::FindDistinct(spans).rows) appender.Append(row);
    return out_->hold.Set(out_->batch.memory_bytes());
  }

  const SnapshotData& data_;
  const SpanParts& parts_;
  std::shared_ptr<HeldBatch> out_;
  std::map<const SegmentReader*, std::vector<std::pair<std::uint32_t, std::uint32_t>>> ranges_;
  std::size_t in_ranges_ = 0;  // rows
};

Result<std::shared_ptr<model::SpanBatch>> OnlyMatching(const SnapshotData& data,
                                                       const Query& query,
                                                       const model::SpanBatch& spans) {
  TS_TRY_ASSIGN(const auto compiled, predicate::CompiledQuery::Compile(query));
  predicate::BatchBinding binding(compiled, spans);
  auto out = std::make_shared<HeldBatch>(data);
  model::BatchAppender appender(out->batch);
  appender.SetSource(spans);
  for (std::uint32_t row = 0; row < spans.size(); ++row) {
    for (std::size_t leaf = 0; leaf < compiled.leaf_count(); ++leaf) {
      if (!binding.MatchesLeaf(leaf, row)) continue;
      appender.Append(row);
      break;
    }
  }
  TS_TRY(out->hold.Set(out->batch.memory_bytes()));
  return BatchOf(std::move(out));
}

}  // namespace

Result<SpanPage> ReadSpans(const SnapshotData& data, const Query& query, const SpanParts& parts) {
  TS_TRY_ASSIGN(SearchPage found, FindTraces(data, query));
  SpanPage page;
  SpanReader reader(data, parts);
  for (const FoundTrace& trace : found.traces) {
    TS_TRY(CheckStop(data.stop));
    TS_TRY(CheckStop(StopWhen{query.deadline, query.cancel}));
    TS_TRY(reader.Add(trace.trace_id));
    ++page.traces;
    if (parts.max_spans != 0 && reader.span_count() >= parts.max_spans) break;
  }
  if (page.traces < found.traces.size()) {
    TS_TRY_ASSIGN(found.next_cursor, CursorAfter(query, found.traces[page.traces - 1]));
  }
  TS_TRY(reader.ReadRanges());
  auto spans = reader.Take();
  if (parts.matching) {
    TS_TRY_ASSIGN(spans, OnlyMatching(data, query, *spans));
  }
  page.spans = SpanList(std::move(spans));
  page.next_cursor = std::move(found.next_cursor);
  page.total = found.total;
  return page;
}

}  // namespace tracestore::query
