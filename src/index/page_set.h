// PageSet: a set of page numbers of one segment. Search intersects and unites these; a Roaring
// bitmap (CRoaring's C API, 0.2.66 or newer) does the work.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

namespace tracestore::index {

// A value: copies are deep. The empty set takes no memory, and a moved-from set is empty.
// Threads: const methods may run at the same time; a writer must be alone.
// Every call may throw std::bad_alloc and nothing else.
class PageSet {
 public:
  PageSet() noexcept = default;
  PageSet(const PageSet& other);
  PageSet& operator=(const PageSet& other);
  PageSet(PageSet&&) noexcept = default;
  PageSet& operator=(PageSet&&) noexcept = default;
  ~PageSet() = default;

  // All of 0 … page_count - 1.
  static PageSet Full(std::uint32_t page_count);
  // Any order, duplicates allowed; fastest when ascending.
  static PageSet Of(std::span<const std::uint32_t> pages);

  void Add(std::uint32_t page);
  void Remove(std::uint32_t page);
  bool Contains(std::uint32_t page) const noexcept;
  bool empty() const noexcept;
  std::size_t cardinality() const noexcept;

  // In place: this ∩ other, this ∪ other, this \ other.
  void And(const PageSet& other);
  void Or(const PageSet& other);
  void AndNot(const PageSet& other);

  std::vector<std::uint32_t> ToVector() const;            // ascending
  std::vector<std::uint32_t> ToVectorDescending() const;  // newest pages first

  friend bool operator==(const PageSet& a, const PageSet& b) noexcept;

  // Appends the portable Roaring format (docs/format/postings.md), run containers where smaller.
  void AppendTo(std::string& out) const;
  // Reads what AppendTo wrote; `bytes` must be exactly one set. Everything is checked before
  // CRoaring sees it: keys and containers ascending, cardinalities, offsets, runs apart, every page
  // below page_count. Memory: at most 8 KiB a container, each of which costs bytes of input.
  // Errors: kCorruption.
  static Result<PageSet> Parse(std::string_view bytes, std::uint32_t page_count);

 private:
  struct Free {
    void operator()(void* bitmap) const noexcept;
  };
  void* Own();  // makes the bitmap when there is none

  // A roaring_bitmap_t, which newer versions declare in a namespace and older ones don't; null is
  // the empty set.
  std::unique_ptr<void, Free> bitmap_;
};

}  // namespace tracestore::index
