// SHA-256 (FIPS 180-4), for values that shall not be read back: hashed attributes.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tracestore::base {

std::array<std::uint8_t, 32> Sha256(std::string_view bytes);

// 64 lower-case hex digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace tracestore::base
