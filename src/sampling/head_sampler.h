// HeadSampler: keeps a share of all traces, told from the trace id alone. Pure.
#pragma once
#include <tracestore/ids.h>

#include <cstdint>

#include "model/span_batch.h"

namespace tracestore::sampling {

// Every collector with the same probability decides alike, and one with a lower probability keeps a
// subset. Only the low 64 bits of the id count, so that a trace whose clients cut its id to them
// (Zipkin's lenient ids) is decided as one. Immutable; any thread.
class HeadSampler {
 public:
  // `probability`: 0 keeps nothing, 1 everything.
  explicit HeadSampler(double probability) noexcept;

  bool Keeps(TraceId id) const noexcept;
  // Debug and firehose spans are kept whatever their trace.
  bool Keeps(const model::SpanRecord& span) const noexcept {
    return (span.flags & (model::kFlagDebug | model::kFlagFirehose)) != 0 || Keeps(span.trace_id);
  }
  bool keeps_all() const noexcept { return all_; }

 private:
  bool all_ = false;
  std::uint64_t below_ = 0;  // kept are the ids whose hash is lower
};

// The hash that sampling by id is told from: of the id's low 64 bits with `salt`.
std::uint64_t SamplingHash(TraceId id, std::uint64_t salt) noexcept;
// The bound that a share of all hashes lies below; the greatest number for 1 and more.
std::uint64_t SamplingBound(double probability) noexcept;

}  // namespace tracestore::sampling
