#include "query/dependencies.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/try.h"
#include "query/fact_tally.h"

namespace tracestore::query {
namespace {

using store::LinkSummary;
using store::SegmentReader;

class LinkTally final : public FactTally {
 public:
  FactKind kind() const override { return FactKind::kCalls; }

  Result<const store::SummarySteps*> StepsOf(const SegmentReader& segment) const override {
    TS_TRY_ASSIGN(const LinkSummary* const links, segment.links());
    return links == nullptr ? nullptr : &links->steps;
  }

  Status AddSummary(const SegmentReader& segment, const Steps& steps) override {
    TS_TRY_ASSIGN(const LinkSummary* const summary, segment.links());
    TS_TRY_ASSIGN(const auto* strings, segment.dictionary());
    const auto& cells = summary->cells;
    for (std::size_t i = 0; i < cells.size();) {
      const LinkSummary::Cell& link = cells[i];
      Sum sum;
      for (; i < cells.size() && cells[i].caller == link.caller && cells[i].callee == link.callee;
           ++i) {
        if (!steps.Has(cells[i].step, summary->steps.startless())) continue;
        sum.calls += cells[i].calls;
        sum.errors += cells[i].errors;
      }
      if (sum.calls > 0) Add(strings->At(link.caller), strings->At(link.callee), sum);
    }
    return {};
  }

  void Add(const TraceFacts& facts, TimeRange window, const PartFilter& counts,
           Sign sign) override {
    std::unordered_map<std::uint64_t, Sum> sums;  // by caller << 32 | callee
    const auto [first, last] = InRange(facts.calls, window);
    for (const CallFact* call = first; call != last; ++call) {
      if (!Counts(*call, window) || !counts(call->part)) continue;
      Sum& sum = sums[std::uint64_t{call->caller} << 32 | call->callee];
      ++sum.calls;
      sum.errors += call->error ? 1 : 0;
    }
    for (const auto& [services, sum] : sums) {
      const auto caller = static_cast<model::StringId>(services >> 32);
      const auto callee = static_cast<model::StringId>(services & 0xFFFFFFFF);
      // Taken out by adding the complement: numbers are modulo 2^64.
      Add(facts.strings.Get(caller), facts.strings.Get(callee),
          sign == Sign::kAdd ? sum : Sum{0 - sum.calls, 0 - sum.errors});
    }
  }

  std::vector<DependencyLink> List() const {
    std::vector<DependencyLink> list;
    list.reserve(links_.size());
    for (const auto& [services, link] : links_) {
      if (link.calls > 0)
        list.push_back({services.first, services.second, link.calls, link.errors});
    }
    return list;
  }
  std::size_t memory_bytes() const noexcept { return links_.size() * 256; }

 private:
  struct Sum {
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;
  };
  void Add(std::string_view caller, std::string_view callee, Sum sum) {
    Sum& link = links_[{std::string(caller), std::string(callee)}];
    link.calls += sum.calls;
    link.errors += sum.errors;
  }

  std::map<std::pair<std::string, std::string>, Sum> links_;
};

}  // namespace

Result<std::vector<DependencyLink>> Dependencies(const store::SnapshotData& data, TimeRange range) {
  const std::string key =
      "links " + std::to_string(range.begin_ns) + " " + std::to_string(range.end_ns);
  TS_TRY_ASSIGN(const auto sealed, TalliedSegments<LinkTally>(data, range, key, {}));
  if (data.head.empty()) return sealed->List();
  LinkTally tally = *sealed;
  TS_TRY(TallyHead(data, range, tally));
  return tally.List();
}

}  // namespace tracestore::query
