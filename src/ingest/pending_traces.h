// PendingTraces: which traces await a decision, and in which records of the pending log their spans
// are. Spans stay in memory as long as there is room; what came later is read back from the log.
#pragma once
#include <tracestore/ids.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ingest/decision_cache.h"
#include "model/span_batch.h"
#include "store/log/log_format.h"

namespace tracestore::ingest {

// The traces of a batch with the number of their spans, each once, in the order of the rows.
std::vector<std::pair<TraceId, std::uint32_t>> TracesOf(const model::SpanBatch& batch);

// One thread at a time.
class PendingTraces {
 public:
  using RecordId = std::uint64_t;

  struct Trace {
    std::uint64_t since_ns = 0;  // when its first span came
    std::uint64_t number = 0;    // counts traces as they came
    std::uint64_t spans = 0;
    std::vector<RecordId> records;  // ascending
  };
  struct Place {
    store::LogPosition at;
    std::shared_ptr<const model::SpanBatch> batch;  // null: only in the log
  };

  explicit PendingTraces(std::uint64_t memory_limit) : memory_limit_(memory_limit) {}

  // A record that was appended to the log at `at`.
  void Add(store::LogPosition at, model::SpanBatch&& batch,
           const std::vector<std::pair<TraceId, std::uint32_t>>& traces, std::uint64_t now_ns);

  // The oldest traces, at most `most`, that came before `before_ns`. They stay.
  std::vector<TraceId> Oldest(std::uint64_t before_ns, std::size_t most) const;
  // Null where the trace isn't pending. Valid until the next call that isn't const.
  const Trace* Find(TraceId id) const;
  // The trace is decided: it is pending no longer, but its records are held until Release().
  Trace Take(TraceId id);
  // `traces` of those in the record need it no longer.
  void Release(RecordId id, std::uint32_t traces);
  Place PlaceOf(RecordId id) const;

  // Files of the log below this number hold no record that is needed. `next`: where there is none.
  std::uint64_t FirstNeededFile(std::uint64_t next) const noexcept {
    return records_.empty() ? next : records_.front().at.file_number;
  }
  std::size_t traces() const noexcept { return traces_.size(); }
  std::uint64_t spans() const noexcept { return spans_; }
  std::uint64_t memory_bytes() const noexcept { return memory_; }
  std::uint64_t spilled_records() const noexcept { return spilled_; }  // that stand now

 private:
  // The trace that an entry of order_ still stands for, or null.
  const Trace* Current(const std::pair<TraceId, std::uint64_t>& entry) const;

  struct Record {
    store::LogPosition at;
    std::shared_ptr<const model::SpanBatch> batch;
    std::uint64_t memory = 0;
    std::uint32_t traces = 0;  // that need it
  };

  const std::uint64_t memory_limit_;
  std::deque<Record> records_;
  RecordId first_record_ = 0;  // the id of records_.front()
  std::unordered_map<TraceId, Trace, TraceIdHash> traces_;
  // Traces and their numbers as they came; what was taken since stays until it is passed.
  mutable std::deque<std::pair<TraceId, std::uint64_t>> order_;
  std::uint64_t next_number_ = 0;
  std::uint64_t spans_ = 0;
  std::uint64_t memory_ = 0;
  std::uint64_t spilled_ = 0;
};

}  // namespace tracestore::ingest
