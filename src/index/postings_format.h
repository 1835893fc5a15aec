// What the writer and the reader of postings share. Internal to this room.
// Layout: docs/format/postings.md.
#pragma once
#include <cstddef>
#include <cstdint>

#include "index/page_list.h"

namespace tracestore::index {

inline constexpr std::uint8_t kPostingsVersion = 1;

// How a term's pages are stored. From kRice on, the rest is the list's Rice parameter.
inline constexpr std::uint8_t kDense = 0;
inline constexpr std::uint8_t kSingle = 1;
inline constexpr std::uint8_t kRoaring = 2;
inline constexpr std::uint8_t kRice = 3;
inline constexpr std::uint8_t kFormEnd = kRice + kMaxRiceBits + 1;

// Columns of equal values take no bytes, so the term count would be free to claim: a section holds
// at most this many terms a byte, and the writer fills it up with zeros where it must.
inline constexpr std::size_t kTermsPerByte = 64;

}  // namespace tracestore::index
