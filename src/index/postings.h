// Postings: for each term of a segment, how often it stands there and on which pages. Terms are
// integers into the segment's own dictionaries, so no text is repeated here, and the kinds are the
// caller's. Bytes: docs/format/postings.md.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "index/page_set.h"
#include <tracestore/status.h>

namespace tracestore::index {

// For example: kind = attribute, a = key, b = value. Ordered by kind, a, b.
struct Term {
  std::uint8_t kind = 0;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  constexpr auto operator<=>(const Term&) const noexcept = default;
};

// Lists over more than 1/kDenseFraction of the pages are not kept: a scan on codes is cheaper.
inline constexpr std::uint32_t kDenseFraction = 4;

// Gathers terms in any order. Not thread-safe. Memory: about 48 bytes a term and 8 a (term, page).
// Cost of Add: one probe of a hash table.
class PostingsBuilder {
 public:
  // Cheapest where a term's pages come in ascending order and repeats of a page together. Gives the
  // term's number.
  std::uint32_t Add(Term term, std::uint32_t page, std::uint64_t count = 1);
  // The same of a term that was added before: without a look at the hash table.
  void AddAgain(std::uint32_t number, std::uint32_t page, std::uint64_t count);
  std::size_t term_count() const noexcept { return entries_.size(); }

  // The section; the builder is empty afterwards. Precondition: every page was below page_count.
  std::string Finish(std::uint32_t page_count);

 private:
  struct Entry {
    Term term;
    std::uint32_t newest;       // index into nodes_
    std::uint32_t newest_page;  // its page, to spare a look at it
    std::uint64_t count;
  };
  struct Node {
    std::uint32_t page;
    std::uint32_t older;  // index into nodes_, or kNone
  };
  std::uint32_t NumberOf(Term term);
  void Grow();
  void PagesOf(const Entry& entry, std::vector<std::uint32_t>& out) const;

  std::vector<Entry> entries_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> slots_;  // hash table of indexes into entries_, kNone where free
};

// A parsed section. Immutable; const methods may run on any thread. Owns its bytes; memory: about
// 20 bytes a term beside the page lists as they are on disk, which are decoded on Find only.
class Postings {
 public:
  struct Hit {
    std::uint64_t count = 0;  // sum of the counts added
    bool dense = false;       // no list was kept; `pages` then holds all pages
    PageSet pages;            // every page with the term is in here
  };

  Postings() = default;
  // `section` must be exactly what Finish gave. Everything but the page lists is checked here; the
  // lists' bytes are copied. Memory is at most about 4 KiB a byte of input. Errors: kCorruption,
  // kUnsupported (newer version).
  static Result<Postings> Parse(std::string_view section, std::uint32_t page_count);

  std::size_t term_count() const noexcept { return keys_.size(); }
  std::uint32_t page_count() const noexcept { return page_count_; }

  // nullopt where no row of the segment has the term. A list that breaks the format (only possible
  // past a checksum) gives dense: too many candidates cost time, a missing one would cost a result.
  std::optional<Hit> Find(Term term) const;
  // The count alone; decodes no list.
  std::optional<std::uint64_t> CountOf(Term term) const;
  // All terms of a kind, or those of it with this `a`, in order.
  void ForEach(std::uint8_t kind, std::optional<std::uint32_t> a,
               const std::function<void(Term, std::uint64_t count)>& visit) const;
  // Decodes every list. Errors: kCorruption.
  Status Verify() const;

 private:
  struct Kind {
    std::uint8_t kind;
    std::size_t begin;  // its terms are [begin, end) of keys_
    std::size_t end;
  };
  struct Streams;
  Status SetTerms(const Streams& streams);
  Status SetLists(const Streams& streams, std::string_view lists);
  const Kind* KindOf(std::uint8_t kind) const noexcept;
  std::optional<std::size_t> IndexOf(Term term) const noexcept;
  std::string_view ListOf(std::size_t index) const noexcept;
  Result<PageSet> PagesAt(std::size_t index) const;

  std::uint32_t page_count_ = 0;
  std::vector<Kind> kinds_;            // ascending by kind
  std::vector<std::uint64_t> keys_;    // a << 32 | b; ascending within a kind
  std::vector<std::uint64_t> counts_;  // parallel to keys_
  std::vector<std::uint8_t> forms_;    // parallel to keys_
  std::vector<std::uint32_t> where_;   // parallel: the page, or the list's number
  std::vector<std::uint32_t> list_ends_;
  std::string lists_;
};

}  // namespace tracestore::index
