// Spans of a batch by service: what metrics by service are made of.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::ingest {

// What sampled a trace, of the root span's tag "sampler.type" (Jaeger's clients send it).
enum class SamplerType : std::uint8_t {
  kUnknown,  // no such tag: OpenTelemetry's clients, Zipkin's
  kConst,
  kProbabilistic,
  kRateLimiting,
  kLowerBound,
  kRemote,
  kOther,
};
inline constexpr std::size_t kSamplerTypes = 7;

// "unknown", "const", "probabilistic", "ratelimiting", "lowerbound", "remote", "unrecognized".
const char* SamplerTypeName(SamplerType type) noexcept;

struct ServiceCount {
  std::string service;  // "" for none. From input: bound the number of label values
  // By the debug flag: [0] without, [1] with.
  std::array<std::uint64_t, 2> spans{};
  std::array<std::array<std::uint64_t, kSamplerTypes>, 2> roots{};  // spans without a parent
};

// One entry a service, in the order of their first spans.
std::vector<ServiceCount> CountServices(const model::SpanBatch& batch);

}  // namespace tracestore::ingest
