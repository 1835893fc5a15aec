#include "query/head_facts.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "base/stop.h"
#include "base/try.h"
#include "query/fetch.h"

namespace tracestore::query {

using store::SnapshotData;

std::vector<TraceId> HeadFacts::Changed(const Batches& before, const Batches& now) {
  Batches differing;
  std::set_symmetric_difference(before.begin(), before.end(), now.begin(), now.end(),
                                std::back_inserter(differing), std::less<>());
  std::vector<TraceId> traces;
  for (const auto& batch : differing) {
    for (const model::SpanRecord& span : batch->batch().spans) {
      if (traces.empty() || traces.back() != span.trace_id) traces.push_back(span.trace_id);
    }
  }
  std::sort(traces.begin(), traces.end());
  traces.erase(std::unique(traces.begin(), traces.end()), traces.end());
  return traces;
}

Result<std::shared_ptr<const HeadFacts>> HeadFacts::Advance(
    const std::shared_ptr<const HeadFacts>& known, const SnapshotData& data, FactKind kind) {
  Batches now = data.head;
  std::sort(now.begin(), now.end(), std::less<>());
  if (known != nullptr && known->batches_ == now) return known;
  auto facts = known == nullptr ? std::make_shared<HeadFacts>()
                                : std::make_shared<HeadFacts>(*known);
  const std::vector<TraceId> changed = Changed(facts->batches_, now);
  facts->batches_ = std::move(now);
  facts->Forget(changed);
  TS_TRY(facts->Assemble(changed, data, kind));
  facts->MergeGroups(kind);
  return std::shared_ptr<const HeadFacts>(std::move(facts));
}

void HeadFacts::Forget(const std::vector<TraceId>& traces) {
  for (Use& use : groups_) {
    const auto& of_group = use.group->traces;
    auto at = of_group.begin();
    for (const TraceId id : traces) {
      at = std::lower_bound(at, of_group.end(), id);
      if (at == of_group.end()) break;
      const auto part = static_cast<std::size_t>(at - of_group.begin());
      if (*at != id || use.gone[part]) continue;
      use.gone[part] = true;
      --use.left;
    }
  }
}

Status HeadFacts::Assemble(const std::vector<TraceId>& traces, const SnapshotData& data,
                           FactKind kind) {
  SnapshotData segments = data;
  segments.head.clear();
  FactsBuilder sealed(kind);
  FactsBuilder whole(kind);
  Group group;
  for (const TraceId id : traces) {
    TS_TRY(CheckStop(data.stop));
    if (!InHead(data, id)) continue;
    const auto part = static_cast<std::uint32_t>(group.traces.size());
    model::SpanBatch spans;
    TS_TRY(FetchInto(segments, id, spans));
    if (!spans.empty()) sealed.Add(spans, part);
    AppendHeadRows(data, id, spans);
    whole.Add(spans, part);
    group.traces.push_back(id);
  }
  if (group.traces.empty()) return {};
  group.traces.shrink_to_fit();
  group.sealed = sealed.Finish();
  group.whole = whole.Finish();
  Use use;
  use.left = group.traces.size();
  use.gone.resize(use.left);
  use.group = std::make_shared<const Group>(std::move(group));
  groups_.push_back(std::move(use));
  return {};
}

// Groups of like size become one, and so does one of which most has changed: each trace is moved
// some log2 of their number times.
void HeadFacts::MergeGroups(FactKind kind) {
  for (Use& use : groups_) {
    if (use.left > 0 && use.left < use.group->traces.size() / 2) use = Merge({use}, kind);
  }
  std::erase_if(groups_, [](const Use& use) { return use.left == 0; });
  std::vector<Use> kept;
  for (Use& use : groups_) {
    kept.push_back(std::move(use));
    while (kept.size() > 1 && kept.back().left * 2 > kept[kept.size() - 2].left) {
      Use merged = Merge({kept[kept.size() - 2], kept.back()}, kind);
      kept.pop_back();
      kept.back() = std::move(merged);
    }
  }
  groups_ = std::move(kept);
}

HeadFacts::Use HeadFacts::Merge(const std::vector<Use>& uses, FactKind kind) {
  Group merged;
  for (const Use& use : uses) {
    for (std::size_t part = 0; part < use.gone.size(); ++part) {
      if (!use.gone[part]) merged.traces.push_back(use.group->traces[part]);
    }
  }
  std::sort(merged.traces.begin(), merged.traces.end());
  FactsBuilder sealed(kind);
  FactsBuilder whole(kind);
  for (const Use& use : uses) {
    std::vector<std::uint32_t> parts(use.gone.size(), FactsBuilder::kLeftOut);
    for (std::size_t part = 0; part < parts.size(); ++part) {
      if (use.gone[part]) continue;
      const auto at = std::lower_bound(merged.traces.begin(), merged.traces.end(),
                                       use.group->traces[part]);
      parts[part] = static_cast<std::uint32_t>(at - merged.traces.begin());
    }
    sealed.AddFacts(use.group->sealed, parts);
    whole.AddFacts(use.group->whole, parts);
  }
  merged.sealed = sealed.Finish();
  merged.whole = whole.Finish();
  Use use;
  use.left = merged.traces.size();
  use.gone.resize(use.left);
  use.group = std::make_shared<const Group>(std::move(merged));
  return use;
}

void HeadFacts::AddTo(FactTally& tally, TimeRange range) const {
  for (const Use& use : groups_) {
    const auto counts = [&](std::uint32_t part) { return !use.gone[part]; };
    tally.Add(use.group->sealed, range, counts, FactTally::Sign::kTakeOut);
    tally.Add(use.group->whole, range, counts, FactTally::Sign::kAdd);
  }
}

std::size_t HeadFacts::trace_count() const noexcept {
  return std::accumulate(groups_.begin(), groups_.end(), std::size_t{0},
                         [](std::size_t sum, const Use& use) { return sum + use.left; });
}

std::size_t HeadFacts::memory_bytes() const noexcept {
  std::size_t bytes = sizeof *this + batches_.capacity() * sizeof batches_[0];
  for (const Use& use : groups_) {
    bytes += sizeof use + sizeof(Group) + use.gone.size() / 8 +
             use.group->traces.capacity() * sizeof(TraceId) + use.group->sealed.memory_bytes() +
             use.group->whole.memory_bytes();
  }
  return bytes;
}

}  // namespace tracestore::query
