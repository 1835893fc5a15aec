// Layout: docs/format/postings.md.
#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "codec/column/int_stream.h"
#include "index/page_list.h"
#include "index/postings.h"
#include "index/postings_format.h"

namespace tracestore::index {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kFirstSlots = 1024;

std::size_t HashOf(Term term) noexcept {
  std::uint64_t h = (std::uint64_t{term.a} << 32) | term.b;
  h = (h ^ (std::uint64_t{term.kind} << 56)) * 0x9E3779B97F4A7C15ULL;
  h = (h ^ (h >> 29)) * 0xBF58476D1CE4E5B9ULL;
  return static_cast<std::size_t>(h ^ (h >> 32));
}

// The columns of a section as they grow, term by term in order.
struct Columns {
  std::vector<std::uint64_t> a, b, counts, forms, singles, lengths;
  std::string lists;

  void AddTerm(Term term, const Term* previous) {
    const bool same_kind = previous != nullptr && previous->kind == term.kind;
    a.push_back(term.a - (same_kind ? previous->a : 0));
    b.push_back(same_kind && previous->a == term.a ? term.b - previous->b - 1 : term.b);
  }
  void AddPages(std::span<const std::uint32_t> pages, std::uint32_t page_count);
};

std::size_t Runs(std::span<const std::uint32_t> pages) {
  std::size_t runs = 1;
  for (std::size_t i = 1; i < pages.size(); ++i) runs += pages[i] != pages[i - 1] + 1 ? 1 : 0;
  return runs;
}

void Columns::AddPages(std::span<const std::uint32_t> pages, std::uint32_t page_count) {
  assert(pages.back() < page_count);
  // A page past the end is a bug of the caller; all pages are then still a right answer.
  if (pages.size() > page_count / kDenseFraction || pages.back() >= page_count) {
    forms.push_back(kDense);
    return;
  }
  if (pages.size() == 1) {
    forms.push_back(kSingle);
    singles.push_back(pages.front());
    return;
  }
  const RiceChoice rice = ChooseRice(pages);
  const std::size_t begin = lists.size();
  // Roaring wins where pages stand in long runs: 15 bytes and up to 4 a run after the first.
  if (11 + 4 * Runs(pages) < rice.size_bytes) {
    PageSet::Of(pages).AppendTo(lists);
    if (lists.size() - begin < rice.size_bytes) {
      forms.push_back(kRoaring);
      lengths.push_back(lists.size() - begin);
      return;
    }
    lists.resize(begin);
  }
  AppendRice(pages, rice, lists);
  forms.push_back(kRice + rice.bits);
  lengths.push_back(rice.size_bytes);
}

}  // namespace

std::uint32_t PostingsBuilder::NumberOf(Term term) {
  if (entries_.size() * 2 >= slots_.size()) Grow();
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = HashOf(term) & mask;; at = (at + 1) & mask) {
    if (slots_[at] == kNone) {
      slots_[at] = static_cast<std::uint32_t>(entries_.size());
      entries_.push_back({term, kNone, 0, 0});
      return slots_[at];
    }
    if (entries_[slots_[at]].term == term) return slots_[at];
  }
}

void PostingsBuilder::Grow() {
  slots_.assign(std::max(kFirstSlots, slots_.size() * 2), kNone);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = HashOf(entries_[i].term) & mask;
    while (slots_[at] != kNone) at = (at + 1) & mask;
    slots_[at] = i;
  }
}

std::uint32_t PostingsBuilder::Add(Term term, std::uint32_t page, std::uint64_t count) {
  const std::uint32_t number = NumberOf(term);
  AddAgain(number, page, count);
  return number;
}

void PostingsBuilder::AddAgain(std::uint32_t number, std::uint32_t page, std::uint64_t count) {
  Entry& entry = entries_[number];
  entry.count += count;
  if (entry.newest != kNone && entry.newest_page == page) return;
  nodes_.push_back({page, entry.newest});
  entry.newest_page = page;
  entry.newest = static_cast<std::uint32_t>(nodes_.size() - 1);
}

void PostingsBuilder::PagesOf(const Entry& entry, std::vector<std::uint32_t>& out) const {
  out.clear();
  for (std::uint32_t at = entry.newest; at != kNone; at = nodes_[at].older) {
    out.push_back(nodes_[at].page);
  }
  std::reverse(out.begin(), out.end());
  if (!std::is_sorted(out.begin(), out.end())) std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

std::string PostingsBuilder::Finish(std::uint32_t page_count) {
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& x, const Entry& y) { return x.term < y.term; });
  Columns columns;
  std::vector<std::pair<std::uint8_t, std::size_t>> kinds;  // and how many terms each has
  std::vector<std::uint32_t> pages;
  const Term* previous = nullptr;
  for (const Entry& entry : entries_) {
    const std::uint8_t kind = entry.term.kind;
    if (kinds.empty() || kinds.back().first != kind) kinds.emplace_back(kind, 0);
    ++kinds.back().second;
    columns.AddTerm(entry.term, previous);
    columns.counts.push_back(entry.count);
    PagesOf(entry, pages);
    columns.AddPages(pages, page_count);
    previous = &entry.term;
  }
  std::string out;
  base::ByteWriter writer(out);
  writer.U8(kPostingsVersion);
  writer.Varint(kinds.size());
  for (const auto& [kind, terms] : kinds) {
    writer.U8(kind);
    writer.Varint(terms);
  }
  for (const auto* column : {&columns.a, &columns.b, &columns.counts, &columns.forms,
                             &columns.singles, &columns.lengths}) {
    column::EncodeInts(*column, out);
  }
  out += columns.lists;
  const std::size_t least = (entries_.size() + kTermsPerByte - 1) / kTermsPerByte;
  if (out.size() < least) out.resize(least, '\0');
  *this = PostingsBuilder();
  return out;
}

}  // namespace tracestore::index
