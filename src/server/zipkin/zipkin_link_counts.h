// ZipkinLinkCounts: what Zipkin's link rule says of the traces of one source, a few bytes a link,
// so that they are read once. ZipkinLinkSum: such counts, and single traces, added up.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include <tracestore/query.h>
#include <tracestore/store.h>

#include "assembly/links.h"
#include "model/string_table.h"

namespace tracestore::server {

// Of spans that a search finds; none where none of them has a start.
struct ZipkinStarts {
  std::uint64_t earliest_ns = 0;
  std::uint64_t latest_ns = 0;
  bool any = false;

  void Add(std::uint64_t start_ns) noexcept;
};

// Names are lower case. One thread builds; after Finish() any number reads.
class ZipkinLinkCounts {
 public:
  // Of the traces whose ids have one low half.
  struct Group {
    std::uint64_t low = 0;
    ZipkinStarts starts;
    std::size_t begin = 0;  // in packed_
    std::size_t end = 0;
  };
  struct Counts {
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;
  };
  struct Link {
    model::StringId parent = 0;
    model::StringId child = 0;
    Counts counts;  // of all groups
  };

  // Those without a start are in no window, and not kept. Each `low` once.
  void Add(std::uint64_t low, const ZipkinStarts& starts,
           const std::vector<assembly::ServiceLink>& links);
  void Finish();

  const std::vector<Group>& groups() const noexcept { return groups_; }  // by low, ascending
  const std::vector<Link>& links() const noexcept { return links_; }
  const model::StringTable& names() const noexcept { return names_; }
  const ZipkinStarts& starts() const noexcept { return starts_; }  // of all groups
  std::size_t memory_bytes() const noexcept;

  // Calls `visit(number of the link, Counts)` for each link of the group.
  template <typename Visit>
  void ForEachLink(const Group& group, const Visit& visit) const {
    for (std::size_t at = group.begin; at < group.end;) {
      const std::uint32_t word = packed_[at++];
      Counts counts{1, 0};
      if ((word & kCounted) != 0) {
        counts = {packed_[at], packed_[at + 1]};
        at += 2;
      }
      visit(word >> 1, counts);
    }
  }

 private:
  // A link's number, and with this bit two words more: calls and errors. Else one call, no error.
  static constexpr std::uint32_t kCounted = 1;

  model::StringTable names_;
  std::vector<Link> links_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  // by parent << 32 | child; building
  std::vector<std::uint32_t> packed_;
  std::vector<Group> groups_;
  ZipkinStarts starts_;
};

// One thread.
class ZipkinLinkSum {
 public:
  explicit ZipkinLinkSum(TimeRange window) : window_(window) {}

  // The groups with a start in the window, but those in `without`, which ascends. Where a group's
  // starts lie on both sides of the window its low half comes to `unsure` instead.
  void Add(const ZipkinLinkCounts& source, std::span<const std::uint64_t> without,
           std::vector<std::uint64_t>& unsure);
  void Add(const std::vector<assembly::ServiceLink>& links);

  // By parent, then child.
  std::vector<DependencyLink> List() const;

 private:
  struct Sum {
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;
  };
  std::uint32_t NumberOf(model::StringId parent, model::StringId child);
  std::vector<std::uint32_t> NumbersOf(const ZipkinLinkCounts& source);
  void AddGroup(const ZipkinLinkCounts& source, const ZipkinLinkCounts::Group& group,
                const std::vector<std::uint32_t>& numbers, bool take_out);

  const TimeRange window_;
  model::StringTable names_;
  std::vector<std::uint64_t> ends_;  // parent << 32 | child; parallel to sums_
  std::vector<Sum> sums_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  // by ends
};

}  // namespace tracestore::server
