#include "codec/tchannel/checksum.h"

#include <zlib.h>

#include <array>

namespace tracestore::codec {
namespace {

// CRC-32C byte by byte (RFC 3720, B.4): nobody among our libraries has it, agents send CRC-32.
constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = value >> 1 ^ ((value & 1) != 0 ? std::uint32_t{0x82F63B78} : 0);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = MakeTable();

std::uint32_t Crc32c(std::uint32_t running, std::string_view bytes) noexcept {
  std::uint32_t value = ~running;
  for (const char byte : bytes)
    value = value >> 8 ^ kTable[(value ^ static_cast<std::uint8_t>(byte)) & 0xFF];
  return ~value;
}

}  // namespace

std::uint32_t ContinueTchannelChecksum(TchannelChecksum type, std::uint32_t running,
                                       std::string_view bytes) noexcept {
  switch (type) {
    case TchannelChecksum::kCrc32:
      return static_cast<std::uint32_t>(
          crc32_z(running, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    case TchannelChecksum::kCrc32c: return Crc32c(running, bytes);
    case TchannelChecksum::kNone:
    case TchannelChecksum::kFarm32: break;
  }
  return 0;
}

}  // namespace tracestore::codec
