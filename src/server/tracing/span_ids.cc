#include "server/tracing/span_ids.h"

#include <cstdint>
#include <random>

namespace tracestore::server {
namespace {

// 56 bits are what W3C Trace Context (level 2) calls random in an id.
constexpr std::uint64_t kRandomBits = (std::uint64_t{1} << 56) - 1;

std::uint64_t Random() {
  thread_local std::mt19937_64 engine = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return engine();
}

std::uint64_t RandomButZero() {
  std::uint64_t value = 0;
  while (value == 0) value = Random();
  return value;
}

}  // namespace

TraceId RandomTraceId() { return {RandomButZero(), RandomButZero()}; }
SpanId RandomSpanId() { return {RandomButZero()}; }

bool IsInShare(TraceId id, double share) noexcept {
  if (share >= 1) return true;
  if (!(share > 0)) return false;
  const double left_out = (1 - share) * static_cast<double>(kRandomBits + 1);
  return (id.low & kRandomBits) >= static_cast<std::uint64_t>(left_out);
}

}  // namespace tracestore::server
