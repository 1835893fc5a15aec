#include "base/hash.h"

#include <cstring>
#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tracestore::base {

std::uint64_t Hash64(std::string_view bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t ProcessSecret() noexcept {
  static const std::uint64_t secret = [] {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }();
  return secret;
}

std::uint64_t HashTraceId(TraceId id) noexcept {
  char bytes[16];
  std::memcpy(bytes, &id.high, 8);
  std::memcpy(bytes + 8, &id.low, 8);
  return XXH3_64bits_withSeed(bytes, sizeof bytes, ProcessSecret());
}

}  // namespace tracestore::base
