// Which pages of a segment could hold a term: its posting lists, the filters of texts that are in
// no list, and a look into the pages that the filters name.
#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "store/segment/index_builder.h"
#include "store/segment/page_probe.h"
#include "store/segment/segment_reader.h"

namespace tracestore::store {

Result<const SegmentReader::TextFilters*> SegmentReader::text_filters() const {
  return text_filters_.Get([this]() -> Result<TextFilters> {
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kTextFilters));
    base::ByteReader in(bytes);
    TextFilters filters;
    const std::size_t count = in.Count(2);
    std::uint32_t next_page = 0;
    for (std::size_t i = 0; i < count; ++i) {
      TextFilters::Block block;
      block.first_page = static_cast<std::uint32_t>(in.BoundedVarint(page_count() - 1));
      if (block.first_page < next_page) in.Fail();
      next_page = block.first_page + 1;
      const std::string_view filter = in.Bytes();
      if (!filter.empty()) {
        TS_TRY_ASSIGN(block.filter, index::FuseFilter::Parse(filter));
      }
      filters.blocks.push_back(std::move(block));
    }
    if (!in.ok() || !in.done()) return Damaged("its text filters are damaged");
    return filters;
  });
}

Status SegmentReader::AddFilterHits(std::uint64_t hash, index::PageSet& pages) const {
  TS_TRY_ASSIGN(const TextFilters* filters, text_filters());
  for (std::size_t i = 0; i < filters->blocks.size(); ++i) {
    const auto& block = filters->blocks[i];
    if (block.filter && !block.filter->MayContain(hash)) continue;
    const std::uint32_t end =
        i + 1 < filters->blocks.size() ? filters->blocks[i + 1].first_page : page_count();
    for (std::uint32_t page = block.first_page; page < end; ++page) pages.Add(page);
  }
  return {};
}

Result<bool> SegmentReader::MayHaveHash(std::uint32_t page, std::uint64_t hash) const {
  TS_TRY_ASSIGN(const TextFilters* filters, text_filters());
  const auto& blocks = filters->blocks;
  const auto after = std::upper_bound(
      blocks.begin(), blocks.end(), page,
      [](std::uint32_t sought, const TextFilters::Block& block) {
        return sought < block.first_page;
      });
  if (after == blocks.begin()) return false;
  const TextFilters::Block& block = *std::prev(after);
  return !block.filter || block.filter->MayContain(hash);
}

Result<index::PageSet> SegmentReader::PagesOf(TermKind kind, std::uint32_t a,
                                              std::uint32_t b) const {
  TS_TRY_ASSIGN(const index::Postings* lists, postings());
  auto hit = lists->Find({static_cast<std::uint8_t>(kind), a, b});
  if (!hit) return index::PageSet{};
  if (hit->dense) return index::PageSet::Full(page_count());
  return std::move(hit->pages);
}

Result<bool> SegmentReader::MayHaveValue(std::string_view key, std::string_view value) const {
  TS_TRY_ASSIGN(const TextFilters* filters, text_filters());
  const std::uint64_t hash = KeyValueHash(base::Hash64(key), base::Hash64(value));
  const bool unlisted =
      std::any_of(filters->blocks.begin(), filters->blocks.end(), [&](const auto& block) {
        return !block.filter || block.filter->MayContain(hash);
      });
  if (unlisted) return true;
  TS_TRY_ASSIGN(const auto* strings, dictionary());
  const auto key_id = strings->Find(key);
  if (!key_id) return false;
  TS_TRY_ASSIGN(const index::Postings* lists, postings());
  const auto has = [&](TermKind kind, std::uint32_t b) {
    return lists->CountOf({static_cast<std::uint8_t>(kind), *key_id, b}).has_value();
  };
  if (has(TermKind::kKeyHidden, 0)) return true;
  const auto value_id = strings->Find(value);
  return value_id && has(TermKind::kKeyValue, *value_id);
}

Result<index::PageSet> SegmentReader::PagesWithValue(std::string_view key, std::string_view value,
                                                     const index::PageSet& within) const {
  TS_TRY_ASSIGN(const auto* strings, dictionary());
  const auto key_id = strings->Find(key);
  if (!key_id) return index::PageSet{};
  TS_TRY_ASSIGN(index::PageSet pages, PagesOf(TermKind::kKeyHidden, *key_id));
  if (const auto value_id = strings->Find(value)) {
    TS_TRY_ASSIGN(const index::PageSet listed, PagesOf(TermKind::kKeyValue, *key_id, *value_id));
    pages.Or(listed);
  }
  pages.And(within);
  index::PageSet others = within;
  others.AndNot(pages);
  TS_TRY_ASSIGN(const index::PageSet hits, PagesWithUnlisted(*key_id, key, value, others));
  pages.Or(hits);
  return pages;
}

// A filter stands for many pages: each that has the key is probed.
Result<index::PageSet> SegmentReader::PagesWithUnlisted(std::uint32_t key_id, std::string_view key,
                                                        std::string_view value,
                                                        const index::PageSet& within) const {
  index::PageSet hits;
  TS_TRY(AddFilterHits(KeyValueHash(base::Hash64(key), base::Hash64(value)), hits));
  hits.And(within);
  if (hits.empty()) return hits;
  TS_TRY_ASSIGN(const index::PageSet with_key, PagesOf(TermKind::kKey, key_id));
  hits.And(with_key);
  TS_TRY_ASSIGN(const PageContext context, Context());
  const std::vector<std::uint32_t> columns = StringColumnsOf(*context.tables, key_id);
  for (const std::uint32_t page : hits.ToVector()) {
    TS_TRY_ASSIGN(const std::string payload, ReadPage(page));
    auto may = PageMayHaveText(payload, pages_[page].rows, context, columns, value);
    if (!may.has_value()) return InPage(page, std::move(may).error());
    if (!*may) hits.Remove(page);
  }
  return hits;
}

Result<index::PageSet> SegmentReader::PagesWithLink(TraceId id) const {
  index::PageSet pages;
  TS_TRY(AddFilterHits(LinkHash(id), pages));
  return pages;
}

}  // namespace tracestore::store
