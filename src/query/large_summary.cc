#include "query/large_summary.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "assembly/duplicates.h"
#include "assembly/summary.h"
#include "base/try.h"
#include "query/trace_index.h"

namespace tracestore::query {
namespace {

using store::SnapshotData;

using Numbers = std::vector<std::uint32_t>;

struct HeadRow {
  const model::SpanBatch* batch = nullptr;
  std::uint32_t row = 0;
};

std::vector<HeadRow> HeadRowsOf(const SnapshotData& data, TraceId id) {
  std::vector<HeadRow> rows;
  for (const auto& batch : data.head)
    batch->ForEachRow(id, [&](std::uint32_t row) { rows.push_back({&batch->batch(), row}); });
  return rows;
}

// Spans are numbered: those of segments as TraceRows has them, then those of the head.
class LargeSummary {
 public:
  LargeSummary(const SnapshotData& data, TraceId id, const std::vector<TracePlace>& places,
               std::vector<HeadRow> head)
      : data_(data), places_(places), head_(std::move(head)) {
    summary_.trace_id = id;
  }

  Status Run() {
    TS_TRY_ASSIGN(rows_, TraceRows::Of(data_, places_));
    if (head_.size() > 0xFFFFFFFF - rows_.size())
      return Error(ErrorCode::kUnsupported, "a trace has more than 4,294,967,295 spans");
    TS_TRY(scan_.Read(rows_, data_.stop));
    AddHeadToScan();
    by_id_ = IdTable(scan_.ids);
    TS_TRY(AddParts());
    for (const HeadRow& row : head_) AddSpan(*row.batch, row.row, Sign::kAdd);
    FindOrphans();
    TS_TRY(TakeOutCopies());
    TS_TRY(FindRoot());
    std::erase_if(services_, [](const auto& service) { return service.second.span_count == 0; });
    for (auto& [name, service] : services_) summary_.services.push_back(std::move(service));
    return {};
  }

  const TraceSummary& summary() const { return summary_; }
  // Of a trace without rows in the head.
  std::shared_ptr<const TraceIndex> MakeIndex() && {
    return std::make_shared<const TraceIndex>(std::move(rows_), std::move(by_id_),
                                              IdTable(scan_.parents));
  }

 private:
  enum class Sign : std::uint8_t { kAdd, kTakeOut };

  void AddHeadToScan() {
    for (std::size_t i = 0; i < head_.size(); ++i) {
      const model::SpanRecord& span = head_[i].batch->spans[head_[i].row];
      const auto number = static_cast<std::uint32_t>(scan_.ids.size());
      scan_.ids.push_back(span.span_id.value);
      if (!span.parent_id.empty()) scan_.parents.push_back({span.parent_id.value, number});
    }
  }

  TraceSummary::Service& ServiceNamed(std::string_view name) {
    auto at = services_.find(name);
    if (at == services_.end())
      at = services_.emplace(name, TraceSummary::Service{std::string(name), 0, 0}).first;
    return at->second;
  }

  Status AddParts() {
    for (const TracePlace& place : places_) {
      TS_TRY_ASSIGN(const auto* table, place.segment->traces());
      TS_TRY_ASSIGN(const auto* lists, place.segment->service_lists());
      TS_TRY_ASSIGN(const auto* strings, place.segment->dictionary());
      const store::TracePart& part = table->parts[place.ordinal];
      if (part.has_start) extent_.Add(part.start_ns, part.end_ns);
      summary_.span_count += part.rows;
      summary_.error_count += part.errors;
      for (const store::ServiceCount& count : (*lists)[part.profile]) {
        TraceSummary::Service& service = ServiceNamed(strings->At(count.service));
        service.span_count += count.spans;
        service.error_count += count.errors;
      }
    }
    SetExtent();
    return {};
  }
  void SetExtent() {
    summary_.has_start = extent_.has_start;
    summary_.start_ns = extent_.start_ns;
    summary_.end_ns = extent_.end_ns;
  }

  void AddSpan(const model::SpanBatch& batch, std::uint32_t row, Sign sign) {
    const model::SpanRecord& span = batch.spans[row];
    const std::uint64_t one = sign == Sign::kAdd ? 1 : ~std::uint64_t{0};
    const std::uint64_t error = span.status == StatusCode::kError ? one : 0;
    TraceSummary::Service& service = ServiceNamed(model::ServiceOf(batch, span));
    summary_.span_count += one;
    summary_.error_count += error;
    service.span_count += one;
    service.error_count += error;
    if (sign == Sign::kTakeOut) return;  // what it is a copy of has the same times
    extent_.Add(span);
    SetExtent();
  }

  bool HasId(std::uint64_t id) const {
    bool has = false;
    by_id_.ForEachCandidate(id, [&](std::uint32_t number) { has |= scan_.ids[number] == id; });
    return has;
  }

  // A parent in a span's page is in the trace.
  void FindOrphans() {
    for (const IdTable::Entry& parent : scan_.parents) {
      if (!HasId(parent.id)) orphans_.push_back(parent.row);
    }
    summary_.orphan_count = orphans_.size();
  }

  // Of spans that share an id, those equal in every field count once.
  Status TakeOutCopies() {
    Numbers shared;
    // A row of another id, seldom, may stand between two of one: FindDistinct() tells them apart.
    by_id_.ForEachPair([&](std::uint32_t a, std::uint32_t b) {
      shared.push_back(a);
      shared.push_back(b);
    });
    if (shared.empty()) return {};
    std::sort(shared.begin(), shared.end());
    shared.erase(std::unique(shared.begin(), shared.end()), shared.end());
    model::SpanBatch spans;
    TS_TRY(ReadSpans(shared, {}, spans));
    std::vector<bool> distinct(spans.size());
    for (const std::uint32_t row : assembly::FindDistinct(spans).rows) distinct[row] = true;
    for (std::uint32_t row = 0; row < spans.size(); ++row) {
      if (distinct[row]) continue;
      AddSpan(spans, row, Sign::kTakeOut);
      if (std::binary_search(orphans_.begin(), orphans_.end(), shared[row]))
        --summary_.orphan_count;
    }
    return {};
  }

  // The spans of these numbers, in their order.
  Status ReadSpans(const Numbers& numbers, const store::Projection& projection,
                   model::SpanBatch& out) {
    const auto head = std::lower_bound(numbers.begin(), numbers.end(), rows_.size());
    model::BatchAppender appender(out);
    TS_TRY(rows_.Read({numbers.begin(), head}, projection, data_.stop,
                      [&](const model::SpanBatch& rows, const auto& some) -> Status {
                        appender.SetSource(rows);
                        for (const std::uint32_t number : some)
                          appender.Append(number - some.front());
                        return {};
                      }));
    const model::SpanBatch* source = nullptr;
    for (auto at = head; at != numbers.end(); ++at) {
      const HeadRow& row = head_[*at - rows_.size()];
      if (row.batch != source) appender.SetSource(*row.batch);
      source = row.batch;
      appender.Append(row.row);
    }
    return {};
  }

  // The best of those without a parent, of which each part knows its own; else of the orphans;
  // else, where parents go in a circle, of all.
  Status FindRoot() {
    Numbers candidates;
    TS_TRY(FindParentless(candidates));
    if (candidates.empty()) candidates = orphans_;
    if (candidates.empty()) {
      candidates.resize(scan_.ids.size());
      for (std::uint32_t i = 0; i < candidates.size(); ++i) candidates[i] = i;
    }
    store::Projection structure;
    structure.attributes = structure.all_columns = structure.events = false;
    assembly::SummaryBuilder builder;
    const auto head = std::lower_bound(candidates.begin(), candidates.end(), rows_.size());
    TS_TRY(rows_.Read({candidates.begin(), head}, structure, data_.stop,
                      [&](const model::SpanBatch& rows, const auto& some) -> Status {
                        for (const std::uint32_t number : some)
                          builder.Add(rows, number - some.front());
                        return {};
                      }));
    for (auto at = head; at != candidates.end(); ++at)
      builder.Add(*head_[*at - rows_.size()].batch, head_[*at - rows_.size()].row);
    const TraceSummary found = builder.Build();
    summary_.root_service = found.root_service;
    summary_.root_operation = found.root_operation;
    return {};
  }

  Status FindParentless(Numbers& out) const {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (!scan_.parentless[i]) continue;
      TS_TRY_ASSIGN(const auto* table, places_[i].segment->traces());
      const store::TracePart& part = table->parts[places_[i].ordinal];
      if (part.root_row < part.first_row || part.root_row - part.first_row >= part.rows)
        return Error(ErrorCode::kCorruption,
                     "segment " + places_[i].segment->name() +
                          ": a trace's root is none of its rows");
      out.push_back(rows_.parts()[i].begin + (part.root_row - part.first_row));
    }
    for (std::size_t i = 0; i < head_.size(); ++i) {
      if (head_[i].batch->spans[head_[i].row].parent_id.empty())
        out.push_back(rows_.size() + static_cast<std::uint32_t>(i));
    }
    return {};
  }

  const SnapshotData& data_;
  const std::vector<TracePlace>& places_;
  const std::vector<HeadRow> head_;
  TraceRows rows_;
  TraceScan scan_;
  IdTable by_id_;
  TraceSummary summary_;
  model::TraceExtent extent_;
  std::map<std::string, TraceSummary::Service, std::less<>> services_;
  Numbers orphans_;  // ascending
};

std::size_t BytesOf(const TraceSummary& summary) {
  std::size_t bytes = sizeof summary + summary.root_service.size() + summary.root_operation.size();
  for (const auto& service : summary.services) bytes += sizeof service + service.name.size();
  return bytes;
}

}  // namespace

Result<TraceSummary> SummarizeLarge(const SnapshotData& data, TraceId id,
                                    const std::vector<TracePlace>& places) {
  auto head = HeadRowsOf(data, id);
  const bool keeps = head.empty() && data.memo != nullptr;
  const std::string key = "summary " + id.ToHex();
  if (keeps) {
    if (const auto known = data.memo->Find<TraceSummary>(key)) return *known;
  }
  LargeSummary made(data, id, places, std::move(head));
  TS_TRY(made.Run());
  TraceSummary summary = made.summary();
  if (keeps) {
    TraceIndex::Keep(data, id, std::move(made).MakeIndex());
    auto kept = std::make_shared<const TraceSummary>(summary);
    const std::size_t bytes = BytesOf(*kept) + key.size();
    data.memo->Keep(key, std::move(kept), bytes);
  }
  return summary;
}

}  // namespace tracestore::query
