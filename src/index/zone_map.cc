// Layout: docs/format/postings.md, "Zone map".
#include "index/zone_map.h"

#include <algorithm>
#include <cassert>

#include "base/bytes.h"
#include "base/try.h"
#include "codec/column/bit_pack.h"
#include "codec/column/int_stream.h"

namespace tracestore::index {
namespace {

// Whether every page has a value, or a bit a page tells.
enum Presence : std::uint8_t { kEveryPage = 0, kBitAPage = 1 };

constexpr ZoneMap::Range kNoValue{~std::uint64_t{0}, 0};

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("zone map: ") + what};
}

}  // namespace

void ZoneMapBuilder::Add(std::uint32_t page, std::uint64_t value) { AddRange(page, value, value); }

void ZoneMapBuilder::AddRange(std::uint32_t page, std::uint64_t least, std::uint64_t greatest) {
  assert(least <= greatest);
  if (page >= zones_.size()) zones_.resize(std::size_t{page} + 1);
  Zone& zone = zones_[page];
  zone.least = std::min(zone.least, least);
  zone.greatest = std::max(zone.greatest, greatest);
}

std::string ZoneMapBuilder::Finish(std::uint32_t page_count) const {
  assert(zones_.size() <= page_count);
  std::vector<Zone> zones(zones_);
  zones.resize(page_count);
  std::string bits(column::PackedBytes(page_count), '\0');
  std::vector<std::uint64_t> least;
  std::vector<std::uint64_t> width;
  for (std::size_t page = 0; page < zones.size(); ++page) {
    if (zones[page].least > zones[page].greatest) continue;
    bits[page / 8] = static_cast<char>(bits[page / 8] | (1 << (page % 8)));
    least.push_back(zones[page].least);
    width.push_back(zones[page].greatest - zones[page].least);
  }
  std::string out;
  base::ByteWriter writer(out);
  if (least.size() == zones.size()) {
    writer.U8(kEveryPage);
  } else {
    writer.U8(kBitAPage);
    writer.Raw(bits);
  }
  column::EncodeInts(least, out);
  column::EncodeInts(width, out);
  return out;
}

Result<ZoneMap> ZoneMap::Parse(std::string_view bytes, std::uint32_t page_count) {
  base::ByteReader in(bytes);
  const std::uint8_t presence = in.U8();
  if (!in.ok() || presence > kBitAPage) return Corrupt("unknown presence");
  std::string_view bits;
  std::size_t present = page_count;
  if (presence == kBitAPage) {
    bits = in.Raw(column::PackedBytes(page_count));
    if (!in.ok()) return Corrupt("presence bits cut short");
    if (page_count % 8 != 0 &&
        static_cast<unsigned char>(bits.back()) >> (page_count % 8) != 0) {
      return Corrupt("presence bit past the last page");
    }
    present = 0;
    for (const char byte : bits) {
      present += static_cast<std::size_t>(std::popcount(static_cast<unsigned char>(byte)));
    }
  }
  std::vector<std::uint64_t> least;
  std::vector<std::uint64_t> width;
  TS_TRY(column::DecodeInts(in, present, least));
  TS_TRY(column::DecodeInts(in, present, width));
  if (!in.done()) return Corrupt("bytes after the end");
  ZoneMap map;
  map.zones_.assign(page_count, kNoValue);
  std::size_t next = 0;
  for (std::uint32_t page = 0; page < page_count; ++page) {
    if (!bits.empty() && ((bits[page / 8] >> (page % 8)) & 1) == 0) continue;
    if (width[next] > ~std::uint64_t{0} - least[next]) return Corrupt("zone past 64 bits");
    map.zones_[page] = {least[next], least[next] + width[next]};
    ++next;
  }
  return map;
}

std::optional<ZoneMap::Range> ZoneMap::ZoneOf(std::uint32_t page) const noexcept {
  const Range& zone = zones_[page];
  if (zone.least > zone.greatest) return std::nullopt;
  return zone;
}

std::optional<ZoneMap::Range> ZoneMap::Whole() const noexcept {
  Range whole = kNoValue;
  for (const Range& zone : zones_) {
    whole.least = std::min(whole.least, zone.least);
    whole.greatest = std::max(whole.greatest, zone.greatest);
  }
  if (whole.least > whole.greatest) return std::nullopt;
  return whole;
}

PageSet ZoneMap::PagesOverlapping(std::uint64_t low, std::uint64_t high) const {
  std::vector<std::uint32_t> pages;
  for (std::uint32_t page = 0; page < zones_.size(); ++page) {
    const Range& zone = zones_[page];
    if (zone.least <= high && zone.greatest >= low && zone.least <= zone.greatest && low <= high) {
      pages.push_back(page);
    }
  }
  return PageSet::Of(pages);
}

}  // namespace tracestore::index
