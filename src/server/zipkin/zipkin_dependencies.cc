#include "server/zipkin/zipkin_dependencies.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/id_hash.h"
#include "base/stop.h"
#include "base/try.h"
#include "model/span_batch.h"
#include "query/remembered.h"
#include "server/zipkin/zipkin_link_counts.h"
#include "server/zipkin/zipkin_link_reader.h"
#include "store/engine/hidden_parts.h"
#include "store/engine/snapshot.h"

namespace tracestore::server {
namespace {

using store::SegmentReader;
using store::SnapshotData;
using Lows = std::vector<std::uint64_t>;  // halves of trace ids, ascending

// Beside those of query::FactKind and of tags, in SegmentAnswers.
constexpr int kZipkinLinks = 200;

// Spans that started in the window's milliseconds, the last one whole.
TimeRange StartsIn(const ZipkinWindow& window) {
  constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
  constexpr std::uint64_t kNsEach = 1'000'000;
  const auto at = [](std::uint64_t ms) {
    return ms >= kForever / kNsEach ? kForever : ms * kNsEach;
  };
  return {at(window.begin_ms), at(window.end_ms + 1)};
}

bool MayStartIn(const SegmentReader& segment, TimeRange range) noexcept {
  const store::SegmentMeta& meta = segment.meta();
  return meta.max_start_ns >= range.begin_ns &&
         (meta.min_start_ns < range.end_ns || range.Contains(meta.min_start_ns));
}

void MakeAscending(Lows& lows) {
  std::sort(lows.begin(), lows.end());
  lows.erase(std::unique(lows.begin(), lows.end()), lows.end());
}

Lows Union(const Lows& a, const Lows& b) {
  Lows all;
  all.reserve(a.size() + b.size());
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  return all;
}

// Rows trace by trace.
std::vector<std::uint32_t> ByTrace(const model::SpanBatch& spans) {
  std::vector<std::uint32_t> rows(spans.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::stable_sort(rows.begin(), rows.end(), [&](std::uint32_t x, std::uint32_t y) {
    return spans.spans[x].trace_id < spans.spans[y].trace_id;
  });
  return rows;
}

// The traces under one low half of their ids.
struct LowTraces {
  ZipkinStarts starts;
  bool in_range = false;  // one of the starts is
  std::vector<assembly::ServiceLink> links;  // where it is
};

Result<LowTraces> ReadLow(const Snapshot& snapshot, std::uint64_t low, TimeRange range) {
  LowTraces traces;
  TS_TRY_ASSIGN(const auto ids, snapshot.TracesWithLowId(low));
  SpanList spans;
  for (const TraceId id : ids) {
    TS_TRY_ASSIGN(spans, snapshot.Get(id));
    for (const model::SpanRecord& span : spans.batch()->spans) {
      if (!span.has_start() || span.firehose()) continue;
      traces.starts.Add(span.start_ns);
      traces.in_range |= range.Contains(span.start_ns);
    }
  }
  if (!traces.in_range) return traces;
  std::vector<std::uint32_t> rows(spans.size());
  std::iota(rows.begin(), rows.end(), 0U);
  if (ids.size() != 1 || !ZipkinLinkReader(*spans.batch()).Read(rows, traces.links)) {
    TS_TRY_ASSIGN(traces.links, ZipkinLinksOfAll(snapshot, ids.front()));
  }
  return traces;
}

// Counts all traces that a search finds in a snapshot, some thousands at a time.
class Counter {
 public:
  explicit Counter(const Snapshot& snapshot) : snapshot_(snapshot) {}

  Result<ZipkinLinkCounts> Run() {
    Query query;
    query.limit = 1'000;  // traces at a time
    SpanParts parts;
    parts.keys = ZipkinLinkKeys();
    parts.events = false;
    parts.max_spans = 100'000;
    parts.keep_pages = false;
    do {
      TS_TRY_ASSIGN(const SpanPage page, snapshot_.ReadSpans(query, parts));
      if (!page.spans.empty()) TS_TRY(AddPage(*page.spans.batch()));
      query.cursor = page.next_cursor;
    } while (!query.cursor.empty());
    counts_.Finish();
    return std::move(counts_);
  }

 private:
  Status AddPage(const model::SpanBatch& spans) {
    ZipkinLinkReader reader(spans);
    const std::vector<std::uint32_t> rows = ByTrace(spans);
    for (std::size_t i = 0; i < rows.size();) {
      const TraceId id = spans.spans[rows[i]].trace_id;
      const std::size_t begin = i;
      while (i < rows.size() && spans.spans[rows[i]].trace_id == id) ++i;
      TS_TRY(AddTrace(id, spans, std::span(rows).subspan(begin, i - begin), reader));
    }
    return {};
  }

  Status AddTrace(TraceId id, const model::SpanBatch& spans, std::span<const std::uint32_t> rows,
                  ZipkinLinkReader& reader) {
    TS_TRY_ASSIGN(const auto same, snapshot_.TracesWithLowId(id.low));
    if (same.size() != 1) {
      if (!shared_.insert(id.low).second) return {};
      TS_TRY_ASSIGN(const LowTraces traces, ReadLow(snapshot_, id.low, {}));
      counts_.Add(id.low, traces.starts, traces.links);
      return {};
    }
    ZipkinStarts starts;
    for (const std::uint32_t row : rows) {
      const model::SpanRecord& span = spans.spans[row];
      if (span.has_start() && !span.firehose()) starts.Add(span.start_ns);
    }
    if (!starts.any) return {};
    std::vector<assembly::ServiceLink> links;
    if (!reader.Read(rows, links)) {
      TS_TRY_ASSIGN(links, ZipkinLinksOfAll(snapshot_, id));
    }
    counts_.Add(id.low, starts, links);
    return {};
  }

  const Snapshot& snapshot_;
  ZipkinLinkCounts counts_;
  std::unordered_set<std::uint64_t, base::IdHash> shared_;  // low halves of several ids
};

// Of a segment's traces as if it were all there is.
Result<std::shared_ptr<const ZipkinLinkCounts>> CountsOf(
    const SnapshotData& data, const std::shared_ptr<const SegmentReader>& segment) {
  if (data.memory != nullptr) {
    if (auto kept = data.memory->by_segment().Find<ZipkinLinkCounts>(segment, kZipkinLinks))
      return kept;
  }
  auto alone = std::make_shared<SnapshotData>();
  alone->segments = {segment};
  alone->straddlers = std::make_shared<const store::StraddlerSet>();
  alone->stop = data.stop;
  alone->account = data.account;
  TS_TRY_ASSIGN(ZipkinLinkCounts made, Counter(Snapshot(std::move(alone))).Run());
  auto counts = std::make_shared<const ZipkinLinkCounts>(std::move(made));
  if (data.memory != nullptr) {
    data.memory->by_segment().Keep(segment, kZipkinLinks, counts, counts->memory_bytes());
  }
  return counts;
}

// Traces of segments of which no segment says all: they lie in several, or deletes hide rows.
struct Apart {
  Lows lows;
  ZipkinLinkCounts counts;  // of what the segments have of them
};

Result<Apart> ReadApart(const SnapshotData& data) {
  Apart apart;
  if (data.straddlers != nullptr)
    apart.lows.assign(data.straddlers->begin(), data.straddlers->end());
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    TS_TRY_ASSIGN(const auto hidden, store::HiddenParts(data, i));
    if (hidden.empty()) continue;
    TS_TRY_ASSIGN(const auto* table, data.segments[i]->traces());
    for (const std::uint32_t part : hidden) apart.lows.push_back(table->parts[part].id.low);
  }
  MakeAscending(apart.lows);
  auto sealed = std::make_shared<SnapshotData>(data);
  sealed->head.clear();
  const Snapshot snapshot(std::move(sealed));
  for (const std::uint64_t low : apart.lows) {
    TS_TRY(CheckStop(data.stop));
    TS_TRY_ASSIGN(const LowTraces traces, ReadLow(snapshot, low, {}));
    apart.counts.Add(low, traces.starts, traces.links);
  }
  apart.counts.Finish();
  return apart;
}

Lows LowsOfHead(const SnapshotData& data) {
  Lows lows;
  for (const auto& batch : data.head) {
    for (const model::SpanRecord& span : batch->batch().spans) {
      if (lows.empty() || lows.back() != span.trace_id.low) lows.push_back(span.trace_id.low);
    }
  }
  MakeAscending(lows);
  return lows;
}

}  // namespace

Result<std::vector<DependencyLink>> ZipkinDependencies(const Snapshot& snapshot,
                                                       const ZipkinWindow& window) {
  const SnapshotData& data = *snapshot.data();
  const TimeRange range = StartsIn(window);
  const auto read = [&] { return ReadApart(data); };
  const auto bytes_of = [](const Apart& made) {
    return made.counts.memory_bytes() + made.lows.capacity() * sizeof made.lows[0];
  };
  TS_TRY_ASSIGN(const auto apart,
                query::Remembered<Apart>(data, "zipkin links apart", read, bytes_of));
  Lows single = LowsOfHead(data);
  ZipkinLinkSum sum(range);
  Lows unsure;
  sum.Add(apart->counts, single, unsure);
  const Lows without = Union(apart->lows, single);
  for (const auto& segment : data.segments) {
    TS_TRY(CheckStop(data.stop));
    if (!MayStartIn(*segment, range)) continue;
    TS_TRY_ASSIGN(const auto counts, CountsOf(data, segment));
    sum.Add(*counts, without, unsure);
  }
  single.insert(single.end(), unsure.begin(), unsure.end());
  for (const std::uint64_t low : single) {
    TS_TRY(CheckStop(data.stop));
    TS_TRY_ASSIGN(const LowTraces traces, ReadLow(snapshot, low, range));
    sum.Add(traces.links);
  }
  return sum.List();
}

}  // namespace tracestore::server
