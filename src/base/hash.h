// XXH3, the one hash and checksum of the project. 64 bits, seed 0.
#pragma once
#include <cstdint>
#include <string_view>

#include <tracestore/ids.h>

namespace tracestore::base {

std::uint64_t Hash64(std::string_view bytes) noexcept;

// The low 32 bits of Hash64: the checksum of log records, pages and sections.
inline std::uint32_t Checksum32(std::string_view bytes) noexcept {
  return static_cast<std::uint32_t>(Hash64(bytes));
}

// Another number in every process: who chooses ids or names can't choose such that collide in a table
// that mixes it in. Nothing that is written depends on it.
std::uint64_t ProcessSecret() noexcept;

// For tables of ids that others chose, in memory: mixes in ProcessSecret().
std::uint64_t HashTraceId(TraceId id) noexcept;

}  // namespace tracestore::base
