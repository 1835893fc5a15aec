#include <algorithm>
#include <map>

#include <tracestore/store.h>

#include "base/stop.h"
#include "base/try.h"
#include "query/dependencies.h"
#include "query/fetch.h"
#include "query/hidden_rows.h"
#include "query/names.h"
#include "query/read_spans.h"
#include "query/search.h"
#include "query/subtree.h"

namespace tracestore {

Snapshot Snapshot::StoppingWhen(const StopWhen& stop) const {
  auto data = std::make_shared<store::SnapshotData>(*data_);
  data->stop = stop;
  return Snapshot(std::move(data));
}

Result<SearchPage> Snapshot::Find(const Query& query) const {
  return query::FindTraces(*data_, query);
}

Result<SummaryPage> Snapshot::FindSummaries(const Query& query) const {
  TS_TRY_ASSIGN(SearchPage found, Find(query));
  SummaryPage page;
  for (const FoundTrace& trace : found.traces) {
    TS_TRY(CheckStop(StopWhen{query.deadline, query.cancel}));
    TS_TRY_ASSIGN(TraceSummary summary, Summarize(trace.trace_id));
    page.summaries.push_back(std::move(summary));
  }
  page.next_cursor = std::move(found.next_cursor);
  page.total = found.total;
  return page;
}

Result<SpanList> Snapshot::FindSpans(const Query& query) const {
  TS_TRY_ASSIGN(auto spans, query::FindSpans(*data_, query));
  return SpanList(std::move(spans));
}

Result<SpanPage> Snapshot::ReadSpans(const Query& query, const SpanParts& parts) const {
  return query::ReadSpans(*data_, query, parts);
}

Result<SpanList> Snapshot::Get(TraceId id) const {
  TS_TRY_ASSIGN(auto spans, query::FetchTrace(*data_, id));
  if (spans->empty())
    return Error(ErrorCode::kNotFound, "there is no trace " + id.ToShortHex());
  return SpanList(std::move(spans));
}

Result<SpanList> Snapshot::GetSubtree(TraceId id, SpanId top) const {
  TS_TRY_ASSIGN(auto spans, query::FetchSubtree(*data_, id, top));
  if (spans->empty()) {
    return Error(ErrorCode::kNotFound,
                 "there is no span " + top.ToHex() + " in a trace " + id.ToShortHex());
  }
  return SpanList(std::move(spans));
}

Result<std::vector<TraceId>> Snapshot::TracesWithLowId(std::uint64_t low) const {
  return query::TracesWithLowId(*data_, low);
}

Result<TraceSummary> Snapshot::Summarize(TraceId id) const { return query::SummaryOf(*data_, id); }

Result<std::vector<NamedCount>> Snapshot::Services() const { return query::Services(*data_); }
Result<std::vector<OperationInfo>> Snapshot::Operations(std::string_view service) const {
  return query::Operations(*data_, service);
}
Result<std::vector<NamedCount>> Snapshot::Keys() const { return query::Keys(*data_); }
Result<std::vector<NamedCount>> Snapshot::Values(std::string_view key, std::size_t limit) const {
  return query::Values(*data_, key, limit);
}
Result<std::vector<DependencyLink>> Snapshot::Dependencies(TimeRange range) const {
  return query::Dependencies(*data_, range);
}

Result<StoreStats> Snapshot::Stats(bool by_column) const {
  StoreStats stats;
  bool any = false;
  const auto widen = [&](std::uint64_t low, std::uint64_t high) {
    stats.min_start_ns = any ? std::min(stats.min_start_ns, low) : low;
    stats.max_start_ns = std::max(stats.max_start_ns, high);
    any = true;
  };
  std::map<std::string, std::uint64_t> columns;
  for (std::size_t i = 0; i < data_->segments.size(); ++i) {
    TS_TRY(CheckStop(data_->stop));
    const auto& segment = data_->segments[i];
    TS_TRY_ASSIGN(const std::uint64_t hidden, query::HiddenRowCount(*data_, i));
    stats.deleted_spans += hidden;
    stats.spans += segment->meta().rows - hidden;
    stats.segment_bytes += segment->file_bytes();
    widen(segment->meta().min_start_ns, segment->meta().max_start_ns);
    if (!by_column) continue;
    TS_TRY_ASSIGN(const auto bytes, segment->BytesByColumn());
    for (const auto& [name, count] : bytes) columns[name] += count;
  }
  for (const auto& batch : data_->head) {
    stats.head_spans += batch->batch().size();
    for (const model::SpanRecord& span : batch->batch().spans) {
      if (span.has_start()) widen(span.start_ns, span.start_ns);
    }
  }
  stats.spans += stats.head_spans;
  stats.segments = data_->segments.size();
  stats.log_bytes = data_->log_bytes;
  for (const auto& [name, count] : columns) stats.bytes_by_column.push_back({name, count});
  std::sort(stats.bytes_by_column.begin(), stats.bytes_by_column.end(),
            [](const NamedCount& a, const NamedCount& b) { return a.count > b.count; });
  return stats;
}

namespace {

// Hands traces to a visitor, some thousands of spans at a time.
class BatchVisitor {
 public:
  BatchVisitor(const store::SnapshotData& data, const std::function<bool(const SpanList&)>& visit)
      : data_(data), visit_(visit) {}

  Status Add(TraceId id) {
    TS_TRY(query::FetchInto(data_, id, held_->batch, data_.stop, held_->hold));
    if (held_->batch.size() >= kSpans) Flush();
    return {};
  }
  void Flush() {
    if (held_->batch.empty() || stopped_) return;
    stopped_ = !visit_(SpanList(query::BatchOf(std::move(held_))));
    held_ = std::make_shared<query::HeldBatch>(data_);
  }
  bool stopped() const { return stopped_; }

 private:
  static constexpr std::size_t kSpans = 4096;

  const store::SnapshotData& data_;
  const std::function<bool(const SpanList&)>& visit_;
  std::shared_ptr<query::HeldBatch> held_ = std::make_shared<query::HeldBatch>(data_);
  bool stopped_ = false;
};

}  // namespace

Status Snapshot::ForEachBatch(const std::function<bool(const SpanList&)>& visit) const {
  BatchVisitor visitor(*data_, visit);
  // By way of a search without conditions, in small steps.
  Query query;
  query.limit = 256;
  do {
    TS_TRY_ASSIGN(const SearchPage page, Find(query));
    for (const FoundTrace& trace : page.traces) {
      TS_TRY(visitor.Add(trace.trace_id));
      if (visitor.stopped()) return {};
    }
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  TS_TRY_ASSIGN(const std::vector<TraceId> firehose, query::FirehoseTraces(*data_));
  for (const TraceId id : firehose) {
    TS_TRY(visitor.Add(id));
    if (visitor.stopped()) return {};
  }
  visitor.Flush();
  return {};
}

}  // namespace tracestore
