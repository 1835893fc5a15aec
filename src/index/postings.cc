// Layout: docs/format/postings.md.
#include "index/postings.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "base/try.h"
#include "codec/column/int_stream.h"
#include "index/page_list.h"
#include "index/postings_format.h"

namespace tracestore::index {
namespace {

constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("postings: ") + what};
}

std::uint64_t KeyOf(std::uint64_t a, std::uint64_t b) noexcept { return (a << 32) | b; }

}  // namespace

struct Postings::Streams {
  std::vector<std::uint64_t> a, b, forms, singles, lengths;
};

// Rebuilds the keys from their differences; they come out ascending or are refused.
Status Postings::SetTerms(const Streams& streams) {
  for (const Kind& kind : kinds_) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    for (std::size_t i = kind.begin; i < kind.end; ++i) {
      if (streams.a[i] > kMax32 || streams.b[i] > kMax32) return Corrupt("id past 32 bits");
      const bool same_a = i > kind.begin && streams.a[i] == 0;
      a += streams.a[i];
      b = same_a ? b + 1 + streams.b[i] : streams.b[i];
      if (a > kMax32 || b > kMax32) return Corrupt("id past 32 bits");
      keys_[i] = KeyOf(a, b);
    }
  }
  return {};
}

Status Postings::SetLists(const Streams& streams, std::string_view rest) {
  std::uint64_t end = 0;
  for (const std::uint64_t length : streams.lengths) {
    if (length == 0 || length > rest.size() - end) return Corrupt("page lists past the end");
    end += length;
    if (end > kMax32) return Corrupt("page lists of more than 4 GiB");
    list_ends_.push_back(static_cast<std::uint32_t>(end));
  }
  lists_ = std::string(rest.substr(0, static_cast<std::size_t>(end)));
  const std::string_view padding = rest.substr(static_cast<std::size_t>(end));
  if (padding.find_first_not_of('\0') != std::string_view::npos) {
    return Corrupt("bytes after the page lists");
  }
  std::size_t single = 0;
  std::uint32_t list = 0;
  for (std::size_t i = 0; i < forms_.size(); ++i) {
    if (forms_[i] == kSingle) {
      const std::uint64_t page = streams.singles[single++];
      if (page >= page_count_) return Corrupt("page number past the last page");
      where_[i] = static_cast<std::uint32_t>(page);
    } else if (forms_[i] != kDense) {
      where_[i] = list++;
    }
  }
  return {};
}

Result<Postings> Postings::Parse(std::string_view section, std::uint32_t page_count) {
  base::ByteReader in(section);
  Postings parsed;
  parsed.page_count_ = page_count;
  const std::uint8_t version = in.U8();
  if (!in.ok()) return Corrupt("empty section");
  if (version != kPostingsVersion) {
    return Error(ErrorCode::kUnsupported,
                 "postings: version " + std::to_string(version) + " is newer than this program");
  }
  const std::uint64_t most_terms = std::min<std::uint64_t>(section.size() * kTermsPerByte, kMax32);
  const std::uint64_t kinds = in.BoundedVarint(256);
  std::uint64_t terms = 0;
  for (std::uint64_t i = 0; i < kinds && in.ok(); ++i) {
    const std::uint8_t kind = in.U8();
    const std::uint64_t count = in.BoundedVarint(most_terms - terms);
    if (!in.ok() || count == 0) return Corrupt("bad term count");
    if (i > 0 && kind <= parsed.kinds_.back().kind) return Corrupt("kinds not ascending");
    parsed.kinds_.push_back({kind, static_cast<std::size_t>(terms),
                             static_cast<std::size_t>(terms + count)});
    terms += count;
  }
  if (!in.ok()) return Corrupt("term table cut short");
  const auto n = static_cast<std::size_t>(terms);
  Streams streams;
  TS_TRY(column::DecodeInts(in, n, streams.a));
  TS_TRY(column::DecodeInts(in, n, streams.b));
  TS_TRY(column::DecodeInts(in, n, parsed.counts_));
  TS_TRY(column::DecodeInts(in, n, streams.forms));
  std::size_t singles = 0;
  std::size_t lists = 0;
  parsed.forms_.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (streams.forms[i] >= kFormEnd) return Corrupt("unknown form of a page list");
    parsed.forms_[i] = static_cast<std::uint8_t>(streams.forms[i]);
    singles += parsed.forms_[i] == kSingle ? 1 : 0;
    lists += parsed.forms_[i] > kSingle ? 1 : 0;
  }
  TS_TRY(column::DecodeInts(in, singles, streams.singles));
  TS_TRY(column::DecodeInts(in, lists, streams.lengths));
  parsed.keys_.resize(n);
  parsed.where_.resize(n);
  TS_TRY(parsed.SetTerms(streams));
  TS_TRY(parsed.SetLists(streams, in.Raw(in.remaining())));
  return parsed;
}

const Postings::Kind* Postings::KindOf(std::uint8_t kind) const noexcept {
  for (const Kind& one : kinds_) {
    if (one.kind == kind) return &one;
  }
  return nullptr;
}

std::optional<std::size_t> Postings::IndexOf(Term term) const noexcept {
  const Kind* const kind = KindOf(term.kind);
  if (kind == nullptr) return std::nullopt;
  const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(kind->begin);
  const auto end = keys_.begin() + static_cast<std::ptrdiff_t>(kind->end);
  const std::uint64_t key = KeyOf(term.a, term.b);
  const auto at = std::lower_bound(begin, end, key);
  if (at == end || *at != key) return std::nullopt;
  return static_cast<std::size_t>(at - keys_.begin());
}

std::string_view Postings::ListOf(std::size_t index) const noexcept {
  const std::uint32_t list = where_[index];
  const std::size_t begin = list == 0 ? 0 : list_ends_[list - 1];
  return std::string_view(lists_).substr(begin, list_ends_[list] - begin);
}

Result<PageSet> Postings::PagesAt(std::size_t index) const {
  switch (forms_[index]) {
    case kDense: return PageSet::Full(page_count_);
    case kSingle: return PageSet::Of({&where_[index], 1});
    case kRoaring: return PageSet::Parse(ListOf(index), page_count_);
    default: break;
  }
  std::vector<std::uint32_t> pages;
  if (!ReadRice(ListOf(index), forms_[index] - kRice, page_count_, pages)) {
    return Corrupt("bad packed page list");
  }
  return PageSet::Of(pages);
}

std::optional<Postings::Hit> Postings::Find(Term term) const {
  const auto index = IndexOf(term);
  if (!index) return std::nullopt;
  auto pages = PagesAt(*index);
  if (!pages) return Hit{counts_[*index], true, PageSet::Full(page_count_)};
  return Hit{counts_[*index], forms_[*index] == kDense, std::move(*pages)};
}

std::optional<std::uint64_t> Postings::CountOf(Term term) const {
  const auto index = IndexOf(term);
  if (!index) return std::nullopt;
  return counts_[*index];
}

void Postings::ForEach(std::uint8_t kind, std::optional<std::uint32_t> a,
                       const std::function<void(Term, std::uint64_t count)>& visit) const {
  const Kind* const range = KindOf(kind);
  if (range == nullptr) return;
  std::size_t at = range->begin;
  if (a) {
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(range->begin);
    const auto end = keys_.begin() + static_cast<std::ptrdiff_t>(range->end);
    at = static_cast<std::size_t>(std::lower_bound(begin, end, KeyOf(*a, 0)) - keys_.begin());
  }
  for (; at < range->end; ++at) {
    const auto key_a = static_cast<std::uint32_t>(keys_[at] >> 32);
    if (a && key_a != *a) break;
    visit(Term{kind, key_a, static_cast<std::uint32_t>(keys_[at] & kMax32)}, counts_[at]);
  }
}

Status Postings::Verify() const {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (forms_[i] == kDense || forms_[i] == kSingle) continue;
    if (auto pages = PagesAt(i); !pages) return std::move(pages).error();
  }
  return {};
}

}  // namespace tracestore::index
