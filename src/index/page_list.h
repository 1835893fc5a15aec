// One packed page list: Golomb-Rice coded gaps, 2 to 4 bits more an entry than log2(pages/entries).
// Internal to this room. Layout: docs/format/postings.md, "Packed list".
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::index {

inline constexpr unsigned kMaxRiceBits = 31;

struct RiceChoice {
  unsigned bits = 0;           // low bits of a gap that stand as they are, 0 … kMaxRiceBits
  std::size_t size_bytes = 0;  // of the whole list with this choice
};

// The best parameter. Precondition (also below): `pages` ascending, each once, not empty.
RiceChoice ChooseRice(std::span<const std::uint32_t> pages);
void AppendRice(std::span<const std::uint32_t> pages, const RiceChoice& choice, std::string& out);

// False where the bytes are not one list of at least one page, all below page_count; `out` is then
// unspecified. Memory: 4 bytes for each bit of input at most.
bool ReadRice(std::string_view bytes, unsigned bits, std::uint32_t page_count,
              std::vector<std::uint32_t>& out);

}  // namespace tracestore::index
