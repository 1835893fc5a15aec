// RootSpans: which spans of a batch began a trace, and what they say of how they were sampled.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::sampling {

enum class SamplerKind : std::uint8_t {
  kSilent,         // said nothing: an OpenTelemetry SDK
  kProbabilistic,  // sampled by a probability
  kLowerBound,     // sampled only so that the operation is seen at all
};

struct RootSpan {
  std::string service;
  std::string operation;
  SamplerKind sampler = SamplerKind::kSilent;
  double probability = 0;  // unless silent
};

// The roots that tell of a rate: named, of a named service, without a parent. What says of itself
// that it was sampled otherwise (const, ratelimiting), or is a debug span that says nothing, is
// left out. A span says so by the attributes sampler.type and sampler.param (Jaeger's clients),
// jaeger.sampler.* (OpenTelemetry's remote sampler), or a threshold in trace state (`ot=th:…`,
// W3C).
std::vector<RootSpan> RootSpansOf(const model::SpanBatch& batch);

// The probability of a W3C trace state's ot=th:…, 1 - th / 2^56; nullopt without one.
std::optional<double> ThresholdProbability(std::string_view trace_state);

}  // namespace tracestore::sampling
