// ZipkinSampler: the share of traces that Zipkin's collector keeps (COLLECTOR_SAMPLE_RATE), by its
// own rule, so that collectors of both kinds beside each other decide alike. Pure.
#pragma once
#include <tracestore/status.h>

#include <cstdint>

#include "model/span_batch.h"

namespace tracestore::sampling {

// Immutable; any thread.
class ZipkinSampler {
 public:
  // `rate`: 0 keeps nothing but debug spans, 1 everything. Errors: kInvalidArgument, "rate should
  // be between 0 and 1: was 1.5".
  static Result<ZipkinSampler> Make(double rate);

  // The low 64 bits of the id as a signed number, without its sign, are compared with the rate's
  // share of the greatest one.
  bool Keeps(TraceId id) const noexcept;
  // Debug spans are kept whatever their trace.
  bool Keeps(const model::SpanRecord& span) const noexcept {
    return (span.flags & model::kFlagDebug) != 0 || Keeps(span.trace_id);
  }
  bool keeps_all() const noexcept { return boundary_ == kGreatest; }

 private:
  static constexpr std::uint64_t kGreatest = ~std::uint64_t{0} >> 1;
  explicit ZipkinSampler(std::uint64_t boundary) : boundary_(boundary) {}
  std::uint64_t boundary_;
};

}  // namespace tracestore::sampling
