#include "index/page_list.h"

#include <algorithm>
#include <bit>

#include "codec/column/bit_pack.h"

namespace tracestore::index {
namespace {

constexpr std::size_t kWindowBits = 56;  // of a unary number looked at in one step

// Calls take(gap) with page - previous page - 1.
template <typename Take>
void ForEachGap(std::span<const std::uint32_t> pages, const Take& take) {
  std::uint32_t next = 0;
  for (const std::uint32_t page : pages) {
    take(page - next);
    next = page + 1;
  }
}

std::size_t RiceBits(std::span<const std::uint32_t> pages, unsigned bits) {
  std::size_t total = pages.size() * (bits + 1);
  ForEachGap(pages, [&](std::uint32_t gap) { total += gap >> bits; });
  return total;
}

}  // namespace

RiceChoice ChooseRice(std::span<const std::uint32_t> pages) {
  // The best parameter is near log2 of the mean gap; the size falls, then rises, around it.
  const std::size_t mean = pages.back() / pages.size();
  const auto middle = static_cast<unsigned>(std::bit_width(mean));
  const unsigned first = middle > 2 ? middle - 2 : 0;
  RiceChoice best{first, column::PackedBytes(RiceBits(pages, first))};
  for (unsigned bits = first + 1; bits <= std::min(middle + 1, kMaxRiceBits); ++bits) {
    const std::size_t size = column::PackedBytes(RiceBits(pages, bits));
    if (size < best.size_bytes) best = {bits, size};
  }
  return best;
}

void AppendRice(std::span<const std::uint32_t> pages, const RiceChoice& choice, std::string& out) {
  const std::size_t used = RiceBits(pages, choice.bits);
  column::BitWriter writer(out, choice.size_bytes * 8);
  ForEachGap(pages, [&](std::uint32_t gap) {
    std::uint32_t quotient = gap >> choice.bits;
    for (; quotient >= 32; quotient -= 32) writer.Put(0xFFFFFFFF, 32);
    writer.Put((std::uint64_t{1} << quotient) - 1, quotient + 1);
    writer.Put(gap & column::LowMask(choice.bits), choice.bits);
  });
  const auto rest = static_cast<unsigned>(choice.size_bytes * 8 - used);
  writer.Put(column::LowMask(rest), rest);  // ones: a unary number that never ends
  writer.Finish();
}

bool ReadRice(std::string_view bytes, unsigned bits, std::uint32_t page_count,
              std::vector<std::uint32_t>& out) {
  out.clear();
  const column::BitReader reader(bytes);
  const std::size_t total = bytes.size() * 8;
  std::uint64_t next = 0;
  for (std::size_t at = 0;;) {
    const std::size_t begin = at;
    std::uint64_t quotient = 0;
    for (;;) {
      if (at == total) return total - begin < 8 && !out.empty();
      const std::size_t width = std::min(kWindowBits, total - at);
      const auto ones = static_cast<std::size_t>(
          std::countr_one(reader.Get(at, static_cast<unsigned>(width))));
      quotient += ones;
      at += ones;
      if (ones < width) break;
    }
    ++at;  // the zero that ends the unary number
    if (bits > total - at || quotient > (page_count >> bits)) return false;
    next += (quotient << bits) + reader.Get(at, bits);
    at += bits;
    if (next >= page_count) return false;
    out.push_back(static_cast<std::uint32_t>(next));
    ++next;
  }
}

}  // namespace tracestore::index
