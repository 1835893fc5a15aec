// The checksums of TChannel's calls: running values over the bytes of their arguments.
#pragma once
#include <cstdint>
#include <string_view>

namespace tracestore::codec {

enum class TchannelChecksum : std::uint8_t {
  kNone = 0,
  kCrc32 = 1,   // of zlib and Ethernet
  kFarm32 = 2,  // FarmHash's Fingerprint32: not verified, as in Uber's library for Go
  kCrc32c = 3,  // Castagnoli's
};

// Whether the byte on the wire names one of them.
constexpr bool IsTchannelChecksum(std::uint8_t type) noexcept { return type <= 3; }

// The running value after `bytes`, which is 0 before the first. Of kNone and kFarm32 always 0.
std::uint32_t ContinueTchannelChecksum(TchannelChecksum type, std::uint32_t running,
                                       std::string_view bytes) noexcept;

}  // namespace tracestore::codec
