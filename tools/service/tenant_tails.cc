#include "service/tenant_tails.h"

#include <utility>

#include "base/try.h"

namespace tracestore::tools {

Result<ingest::TailSampler*> TenantTails::Of(std::string_view name) {
  TS_TRY_ASSIGN(const auto tenant, stores_.ToWrite(name));
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    auto& found = entries_[tenant.store];
    if (found == nullptr) found = std::make_shared<Entry>();
    entry = found;
  }
  const std::lock_guard lock(entry->mutex);
  if (entry->tail.sampler == nullptr) {
    TS_TRY_ASSIGN(entry->tail, open_(*tenant.store, tenant.directory));
  }
  return entry->tail.sampler.get();
}

Status TenantTails::Accept(model::SpanBatch&& batch, const ingest::SpanContext& context) {
  TS_TRY_ASSIGN(ingest::TailSampler* const sampler, Of(context.source.tenant));
  return sampler->Accept(std::move(batch), context);
}

Status TenantTails::Open(std::string_view tenant) {
  TS_TRY(Of(tenant));
  return {};
}

std::vector<std::shared_ptr<TenantTails::Entry>> TenantTails::All() const {
  std::vector<std::shared_ptr<Entry>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [store, entry] : entries_) all.push_back(entry);
  return all;
}

ingest::TailStats TenantTails::Stats() const {
  ingest::TailStats sum;
  for (const auto& entry : All()) {
    const std::unique_lock lock(entry->mutex, std::try_to_lock);  // one that opens now is left out
    if (!lock.owns_lock() || entry->tail.sampler == nullptr) continue;
    const ingest::TailStats stats = entry->tail.sampler->Stats();
    sum.traces += stats.traces;
    sum.spans += stats.spans;
    sum.memory_bytes += stats.memory_bytes;
    sum.disk_bytes += stats.disk_bytes;
    sum.spilled_records += stats.spilled_records;
  }
  return sum;
}

Status TenantTails::Stop(bool decide) {
  Status first;
  for (const auto& entry : All()) {
    const std::lock_guard lock(entry->mutex);
    if (entry->tail.sampler == nullptr) continue;
    if (decide) {
      Status decided = entry->tail.sampler->DecideAll();
      if (first.has_value() && !decided.has_value()) first = std::move(decided);
    }
    entry->tail.sampler->Stop();
  }
  return first;
}

}  // namespace tracestore::tools
