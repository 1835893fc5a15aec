// What collectors that share adaptive sampling tell each other, and its bytes
// (docs/format/sampling.md, "State").
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::sampling {

// A probability as spans report it, in millionths: two that round to the same are one.
std::uint32_t ToMillionths(double probability) noexcept;

inline constexpr std::size_t kMaxReportedProbabilities = 10;  // Jaeger's bound

// Root spans of one operation that one collector saw in one interval.
struct Throughput {
  std::string service;
  std::string operation;
  std::uint64_t sampled = 0;  // by probability; not by the lower bound
  // That spans said they were sampled with; at most kMaxReportedProbabilities, ascending.
  std::vector<std::uint32_t> millionths;
  bool silent = false;  // some spans said nothing of how they were sampled

  bool operator==(const Throughput&) const = default;
};

struct ThroughputReport {
  std::uint64_t begin_ns = 0;  // counted from here, Unix nanoseconds
  std::uint64_t end_ns = 0;    // until here; when the report was written
  std::vector<Throughput> operations;

  bool operator==(const ThroughputReport&) const = default;
};

// What the leader worked out for one operation.
struct OperationState {
  std::string service;
  std::string operation;
  double probability = 0;
  double samples_per_second = 0;  // as last measured
  std::uint64_t changed_ns = 0;   // when the probability last changed; Unix nanoseconds

  bool operator==(const OperationState&) const = default;
};

std::string EncodeThroughput(const ThroughputReport& report);
std::string EncodeStates(const std::vector<OperationState>& states);
// Errors: kCorruption; kUnsupported for a newer version.
Result<ThroughputReport> DecodeThroughput(std::string_view bytes);
Result<std::vector<OperationState>> DecodeStates(std::string_view bytes);

}  // namespace tracestore::sampling
