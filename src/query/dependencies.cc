#include "query/dependencies.h"

#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/try.h"

namespace tracestore::query {

Result<std::vector<DependencyLink>> Dependencies(const store::SnapshotData& data, TimeRange range,
                                                 FactsCache& cache) {
  struct Sum {
    std::uint64_t calls = 0;
    std::uint64_t errors = 0;
  };
  std::map<std::pair<std::string, std::string>, Sum> links;
  std::unordered_map<std::uint64_t, Sum> sums;  // by caller << 32 | callee
  TS_TRY(ForEachFacts(data, FactKind::kCalls, range, cache, [&](const TraceFacts& facts,
                                                                const auto& counts) {
    sums.clear();
    const auto [first, last] = InRange(facts.calls, range);
    for (const CallFact* call = first; call != last; ++call) {
      if (!Counts(*call, range) || !counts(call->part)) continue;
      Sum& sum = sums[std::uint64_t{call->caller} << 32 | call->callee];
      ++sum.calls;
      sum.errors += call->error ? 1 : 0;
    }
    for (const auto& [services, sum] : sums) {
      const auto caller = static_cast<model::StringId>(services >> 32);
      const auto callee = static_cast<model::StringId>(services & 0xFFFFFFFF);
      Sum& link = links[{std::string(facts.strings.Get(caller)),
                         std::string(facts.strings.Get(callee))}];
      link.calls += sum.calls;
      link.errors += sum.errors;
    }
  }));
  std::vector<DependencyLink> list;
  list.reserve(links.size());
  for (const auto& [services, link] : links)
    list.push_back({services.first, services.second, link.calls, link.errors});
  return list;
}

}  // namespace tracestore::query
