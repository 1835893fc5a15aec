#include "server/zipkin/zipkin_link_counts.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string>
#include <tuple>

#include "codec/zipkin/zipkin_text.h"

namespace tracestore::server {
namespace {

std::uint64_t EndsOf(model::StringId parent, model::StringId child) noexcept {
  return std::uint64_t{parent} << 32 | child;
}
model::StringId ParentOf(std::uint64_t ends) noexcept {
  return static_cast<model::StringId>(ends >> 32);
}
model::StringId ChildOf(std::uint64_t ends) noexcept {
  return static_cast<model::StringId>(ends & 0xFFFFFFFF);
}

}  // namespace

void ZipkinStarts::Add(std::uint64_t start_ns) noexcept {
  earliest_ns = any ? std::min(earliest_ns, start_ns) : start_ns;
  latest_ns = any ? std::max(latest_ns, start_ns) : start_ns;
  any = true;
}

void ZipkinLinkCounts::Add(std::uint64_t low, const ZipkinStarts& starts,
                           const std::vector<assembly::ServiceLink>& links) {
  if (!starts.any) return;
  starts_.Add(starts.earliest_ns);
  starts_.Add(starts.latest_ns);
  Group group{low, starts, packed_.size(), 0};
  for (const assembly::ServiceLink& link : links) {
    const model::StringId parent = names_.Intern(codec::ZipkinLowerCase(link.parent));
    const model::StringId child = names_.Intern(codec::ZipkinLowerCase(link.child));
    const auto [at, fresh] = numbers_.try_emplace(EndsOf(parent, child),
                                                  static_cast<std::uint32_t>(links_.size()));
    if (fresh) links_.push_back({parent, child, {}});
    Counts& sum = links_[at->second].counts;
    sum.calls += link.calls;
    sum.errors += link.errors;
    const bool counted = link.calls != 1 || link.errors != 0;
    packed_.push_back(at->second << 1 | (counted ? kCounted : 0));
    if (!counted) continue;
    // A trace has fewer spans than 2^32.
    packed_.push_back(static_cast<std::uint32_t>(link.calls));
    packed_.push_back(static_cast<std::uint32_t>(link.errors));
  }
  group.end = packed_.size();
  groups_.push_back(group);
}

void ZipkinLinkCounts::Finish() {
  numbers_ = {};
  packed_.shrink_to_fit();
  groups_.shrink_to_fit();
  std::sort(groups_.begin(), groups_.end(),
            [](const Group& a, const Group& b) { return a.low < b.low; });
}

std::size_t ZipkinLinkCounts::memory_bytes() const noexcept {
  return sizeof *this + names_.memory_bytes() + links_.capacity() * sizeof(Link) +
         packed_.capacity() * sizeof packed_[0] + groups_.capacity() * sizeof(Group);
}

std::uint32_t ZipkinLinkSum::NumberOf(model::StringId parent, model::StringId child) {
  const std::uint64_t ends = EndsOf(parent, child);
  const auto [at, fresh] = numbers_.try_emplace(ends, static_cast<std::uint32_t>(ends_.size()));
  if (fresh) {
    ends_.push_back(ends);
    sums_.emplace_back();
  }
  return at->second;
}

// What the links of `source` are called here.
std::vector<std::uint32_t> ZipkinLinkSum::NumbersOf(const ZipkinLinkCounts& source) {
  std::vector<model::StringId> names(source.names().size());
  for (model::StringId id = 0; id < names.size(); ++id)
    names[id] = names_.Intern(source.names().Get(id), source.names().HashOf(id));
  std::vector<std::uint32_t> numbers;
  numbers.reserve(source.links().size());
  for (const ZipkinLinkCounts::Link& link : source.links())
    numbers.push_back(NumberOf(names[link.parent], names[link.child]));
  return numbers;
}

void ZipkinLinkSum::AddGroup(const ZipkinLinkCounts& source, const ZipkinLinkCounts::Group& group,
                             const std::vector<std::uint32_t>& numbers, bool take_out) {
  source.ForEachLink(group, [&](std::uint32_t link, const ZipkinLinkCounts::Counts& counts) {
    Sum& sum = sums_[numbers[link]];
    // Taken out by adding the complement: numbers are modulo 2^64.
    sum.calls += take_out ? 0 - counts.calls : counts.calls;
    sum.errors += take_out ? 0 - counts.errors : counts.errors;
  });
}

void ZipkinLinkSum::Add(const ZipkinLinkCounts& source, std::span<const std::uint64_t> without,
                        std::vector<std::uint64_t>& unsure) {
  const ZipkinStarts& all = source.starts();
  if (!all.any || all.latest_ns < window_.begin_ns ||
      (all.earliest_ns > window_.begin_ns && !window_.Contains(all.earliest_ns)))
    return;
  const std::vector<std::uint32_t> numbers = NumbersOf(source);
  const bool whole = window_.Contains(all.earliest_ns) && window_.Contains(all.latest_ns);
  if (whole) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      sums_[numbers[i]].calls += source.links()[i].counts.calls;
      sums_[numbers[i]].errors += source.links()[i].counts.errors;
    }
  }
  auto left_out = without.begin();
  for (const ZipkinLinkCounts::Group& group : source.groups()) {
    if (whole && left_out == without.end()) break;
    while (left_out != without.end() && *left_out < group.low) ++left_out;
    const bool out = left_out != without.end() && *left_out == group.low;
    if (whole) {
      if (out) AddGroup(source, group, numbers, true);
      continue;
    }
    if (out) continue;
    const ZipkinStarts& starts = group.starts;
    if (window_.Contains(starts.earliest_ns) || window_.Contains(starts.latest_ns)) {
      AddGroup(source, group, numbers, false);
    } else if (starts.earliest_ns < window_.begin_ns && starts.latest_ns >= window_.begin_ns) {
      unsure.push_back(group.low);
    }
  }
}

void ZipkinLinkSum::Add(const std::vector<assembly::ServiceLink>& links) {
  for (const assembly::ServiceLink& link : links) {
    const model::StringId parent = names_.Intern(codec::ZipkinLowerCase(link.parent));
    const model::StringId child = names_.Intern(codec::ZipkinLowerCase(link.child));
    Sum& sum = sums_[NumberOf(parent, child)];
    sum.calls += link.calls;
    sum.errors += link.errors;
  }
}

std::vector<DependencyLink> ZipkinLinkSum::List() const {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < sums_.size(); ++i) {
    if (sums_[i].calls != 0) order.push_back(i);
  }
  const auto key = [&](std::uint32_t i) {
    return std::tuple(names_.Get(ParentOf(ends_[i])), names_.Get(ChildOf(ends_[i])));
  };
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
  std::vector<DependencyLink> list;
  list.reserve(order.size());
  for (const std::uint32_t i : order) {
    list.push_back({std::string(names_.Get(ParentOf(ends_[i]))),
                    std::string(names_.Get(ChildOf(ends_[i]))), sums_[i].calls, sums_[i].errors});
  }
  return list;
}

}  // namespace tracestore::server
