#include "ingest/pending_traces.h"

namespace tracestore::ingest {

std::vector<std::pair<TraceId, std::uint32_t>> TracesOf(const model::SpanBatch& batch) {
  std::vector<std::pair<TraceId, std::uint32_t>> out;
  std::unordered_map<TraceId, std::size_t, TraceIdHash> known;
  for (const model::SpanRecord& span : batch.spans) {
    if (!out.empty() && out.back().first == span.trace_id) {
      ++out.back().second;
      continue;
    }
    const auto [at, added] = known.emplace(span.trace_id, out.size());
    if (added)
      out.emplace_back(span.trace_id, 1);
    else
      ++out[at->second].second;
  }
  return out;
}

void PendingTraces::Add(store::LogPosition at, model::SpanBatch&& batch,
                        const std::vector<std::pair<TraceId, std::uint32_t>>& traces,
                        std::uint64_t now_ns) {
  const RecordId id = first_record_ + records_.size();
  Record record{at, nullptr, 0, static_cast<std::uint32_t>(traces.size())};
  for (const auto& [trace_id, spans] : traces) {
    const auto [found, added] = traces_.try_emplace(trace_id);
    if (added) {
      found->second.since_ns = now_ns;
      found->second.number = next_number_;
      order_.emplace_back(trace_id, next_number_++);
    }
    found->second.spans += spans;
    found->second.records.push_back(id);
    spans_ += spans;
  }
  const std::uint64_t bytes = batch.memory_bytes();
  if (memory_ + bytes <= memory_limit_) {
    record.batch = std::make_shared<const model::SpanBatch>(std::move(batch));
    record.memory = bytes;
    memory_ += bytes;
  } else {
    ++spilled_;
  }
  records_.push_back(std::move(record));
}

const PendingTraces::Trace* PendingTraces::Current(
    const std::pair<TraceId, std::uint64_t>& entry) const {
  const Trace* trace = Find(entry.first);
  return trace != nullptr && trace->number == entry.second ? trace : nullptr;
}

std::vector<TraceId> PendingTraces::Oldest(std::uint64_t before_ns, std::size_t most) const {
  while (!order_.empty() && Current(order_.front()) == nullptr) order_.pop_front();
  std::vector<TraceId> out;
  for (const auto& entry : order_) {
    const Trace* trace = Current(entry);
    if (trace == nullptr) continue;
    if (out.size() == most || trace->since_ns >= before_ns) break;
    out.push_back(entry.first);
  }
  return out;
}

const PendingTraces::Trace* PendingTraces::Find(TraceId id) const {
  const auto found = traces_.find(id);
  return found == traces_.end() ? nullptr : &found->second;
}

PendingTraces::Trace PendingTraces::Take(TraceId id) {
  const auto found = traces_.find(id);
  Trace trace = std::move(found->second);
  traces_.erase(found);
  spans_ -= trace.spans;
  return trace;
}

void PendingTraces::Release(RecordId id, std::uint32_t traces) {
  Record& record = records_[static_cast<std::size_t>(id - first_record_)];
  record.traces -= traces;
  if (record.traces != 0) return;
  if (record.batch == nullptr) --spilled_;
  memory_ -= record.memory;
  record.batch.reset();
  record.memory = 0;
  while (!records_.empty() && records_.front().traces == 0) {
    records_.pop_front();
    ++first_record_;
  }
}

PendingTraces::Place PendingTraces::PlaceOf(RecordId id) const {
  const Record& record = records_[static_cast<std::size_t>(id - first_record_)];
  return {record.at, record.batch};
}

}  // namespace tracestore::ingest
