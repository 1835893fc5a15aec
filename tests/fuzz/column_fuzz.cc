// Any bytes as each encoding of a column, as a dictionary, and as each index of a segment: a number
// of values or pages (two bytes), then the encoding. What is read in part is what is read whole,
// what was written again is the same, and what is found is there.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "codec/column/int_stream.h"
#include "codec/column/string_dictionary.h"
#include "codec/column/template_codec.h"
#include "codec/column/template_table.h"
#include "codec/column/text_stream.h"
#include "index/fuse_filter.h"
#include "index/id_permutation.h"
#include "index/postings.h"
#include "index/zone_map.h"

namespace {

using namespace tracestore;
using column::StreamRange;
using Numbers = std::vector<std::uint64_t>;
using Texts = std::vector<std::string_view>;

constexpr std::size_t kMostText = 1 << 16;

void Require(bool good) {
  if (!good) std::abort();
}

template <typename Value>
bool IsPart(const std::vector<Value>& part, const std::vector<Value>& whole, StreamRange range) {
  return part.size() == range.size() &&
         std::equal(part.begin(), part.end(),
                    whole.begin() + static_cast<std::ptrdiff_t>(range.begin));
}

void TryNumbers(std::string_view bytes, std::size_t count) {
  base::ByteReader in(bytes);
  Numbers whole;
  const bool good = column::DecodeInts(in, count, whole).has_value();
  const StreamRange range{count / 3, count / 3 + count / 2};
  base::ByteReader again(bytes);
  Numbers part;
  const bool part_good = column::DecodeIntRange(again, count, range, part).has_value();
  Require(good == part_good);
  if (!good) return;
  Require(whole.size() == count && IsPart(part, whole, range) &&
          in.remaining() == again.remaining());
  std::string written;
  column::EncodeInts(whole, written);
  base::ByteReader back(written);
  Numbers read;
  Require(column::DecodeInts(back, count, read).has_value() && back.done() && read == whole);
}

void TryTexts(std::string_view bytes, std::size_t count) {
  base::ByteReader in(bytes);
  std::string arena;
  Texts whole;
  if (!column::DecodeTexts(in, count, kMostText, arena, whole).has_value()) return;
  Require(whole.size() == count);
  const StreamRange range{count / 3, count / 3 + count / 2};
  base::ByteReader again(bytes);
  std::string part_arena;
  Texts part;
  Require(column::DecodeTextRange(again, count, range, kMostText, part_arena, part).has_value() &&
          IsPart(part, whole, range));
  std::string written, back_arena;
  column::EncodeTexts(whole, written);
  base::ByteReader back(written);
  Texts read;
  Require(column::DecodeTexts(back, count, kMostText, back_arena, read).has_value() &&
          back.done() && read == whole);
}

// The table's length (two bytes), the table, the values.
void TryTemplated(std::string_view bytes, std::size_t count) {
  base::ByteReader header(bytes);
  const std::string_view table_bytes =
      header.Raw(std::min<std::size_t>(header.U16(), header.remaining()));
  if (!header.ok()) return;
  const auto table = column::ParseTemplateTable(table_bytes);
  if (!table.has_value()) return;
  const auto same = column::ParseTemplateTable(column::EncodeTemplateTable(*table));
  Require(same.has_value() && same->size() == table->size());
  base::ByteReader in = header;
  std::string arena;
  Texts whole;
  if (!column::DecodeTemplated(in, count, *table, kMostText, arena, whole).has_value()) return;
  Require(whole.size() == count);
  const StreamRange range{count / 3, count / 3 + count / 2};
  base::ByteReader again = header;
  std::string part_arena;
  Texts part;
  Require(column::DecodeTemplatedRange(again, count, *table, range, kMostText, part_arena, part)
              .has_value() &&
          IsPart(part, whole, range));
  if (count == 0) return;
  const std::string wanted(whole[count / 2]);
  base::ByteReader found_in = header;
  std::vector<std::uint32_t> rows;
  Require(column::FindTemplated(found_in, count, *table, kMostText, wanted, rows).has_value());
  // A text may be coded in several ways, of which a search looks for the encoder's.
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Require(rows[i] < count && whole[rows[i]] == wanted && (i == 0 || rows[i - 1] < rows[i]));
  }
}

void TryDictionary(std::string_view bytes) {
  const auto dictionary =
      column::StringDictionary::Parse(bytes, {.max_entries = 4096, .max_total_bytes = kMostText});
  if (!dictionary.has_value()) return;
  for (std::uint32_t id = 0; id < dictionary->size(); ++id) {
    const auto found = dictionary->Find(dictionary->At(id));
    Require(found.has_value() && *found == id);
  }
}

void TryIndexes(std::string_view bytes, std::uint32_t pages) {
  if (const auto filter = index::FuseFilter::Parse(bytes); filter.has_value()) {
    std::string written;
    filter->AppendTo(written);
    const auto same = index::FuseFilter::Parse(written);
    Require(same.has_value() && same->MayContain(7) == filter->MayContain(7));
  }
  if (const auto order = index::IdPermutation::Parse(bytes); order.has_value()) {
    for (std::uint32_t rank = 0; rank < order->size(); ++rank)
      Require(order->OrdinalAt(rank) < order->size());
    (void)order->Find(7, [](std::uint32_t ordinal) { return std::uint64_t{ordinal}; });
  }
  if (const auto zones = index::ZoneMap::Parse(bytes, pages); zones.has_value()) {
    for (std::uint32_t page = 0; page < pages; ++page) {
      const auto zone = zones->ZoneOf(page);
      if (zone) Require(zones->PagesOverlapping(zone->least, zone->greatest).Contains(page));
    }
  }
  if (const auto set = index::PageSet::Parse(bytes, pages); set.has_value()) {
    for (const std::uint32_t page : set->ToVector()) Require(page < pages && set->Contains(page));
  }
  const auto postings = index::Postings::Parse(bytes, pages);
  if (!postings.has_value()) return;
  (void)postings->Verify();
  std::size_t looked = 0;
  for (std::uint8_t kind = 0; kind < 32; ++kind) {
    postings->ForEach(kind, std::nullopt, [&](index::Term term, std::uint64_t count) {
      if (++looked > 64) return;
      const auto hit = postings->Find(term);
      Require(hit.has_value() && hit->count == count && postings->CountOf(term) == count);
      for (const std::uint32_t page : hit->pages.ToVector()) Require(page < pages);
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t count = (data[0] | std::size_t{data[1]} << 8) % 4096;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  TryNumbers(bytes, count);
  TryTexts(bytes, count);
  TryTemplated(bytes, count);
  TryDictionary(bytes);
  TryIndexes(bytes, static_cast<std::uint32_t>(count));
  return 0;
}
