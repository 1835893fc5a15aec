#include "sampling/head_sampler.h"

#include <array>
#include <limits>
#include <string_view>

#include "base/hash.h"

namespace tracestore::sampling {

std::uint64_t SamplingHash(TraceId id, std::uint64_t salt) noexcept {
  std::array<char, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(id.low >> (8 * i));
    bytes[8 + i] = static_cast<char>(salt >> (8 * i));
  }
  return base::Hash64({bytes.data(), bytes.size()});
}

std::uint64_t SamplingBound(double probability) noexcept {
  if (!(probability > 0)) return 0;
  if (probability >= 1) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(probability * 18446744073709551616.0);
}

HeadSampler::HeadSampler(double probability) noexcept
    : all_(probability >= 1), below_(SamplingBound(probability)) {}

bool HeadSampler::Keeps(TraceId id) const noexcept { return all_ || SamplingHash(id, 0) < below_; }

}  // namespace tracestore::sampling
