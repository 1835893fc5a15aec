#include <algorithm>

#include <tracestore/store.h>

#include "base/try.h"
#include "query/fetch.h"
#include "store/engine/engine.h"

namespace tracestore {
namespace {

// All that match, whatever the query says of pages and order.
Result<std::vector<TraceId>> AllMatches(const Snapshot& snapshot, Query query) {
  query.limit = 0;
  query.cursor.clear();
  query.order = Order::kNewest;
  query.count_total = false;
  TS_TRY_ASSIGN(const SearchPage page, snapshot.Find(query));
  std::vector<TraceId> ids;
  ids.reserve(page.traces.size());
  for (const FoundTrace& found : page.traces) ids.push_back(found.trace_id);
  return ids;
}

std::vector<store::NewTombstone> OfTraces(const std::vector<TraceId>& ids) {
  std::vector<store::NewTombstone> tombstones;
  tombstones.reserve(ids.size());
  for (const TraceId id : ids) tombstones.push_back({store::TombstoneKind::kTrace, id});
  return tombstones;
}

}  // namespace

Result<bool> Snapshot::Has(TraceId id) const {
  if (query::InHead(*data_, id)) return true;
  TS_TRY_ASSIGN(const auto places, query::FindPlaces(*data_, id));
  return !places.empty();
}

Result<std::uint64_t> Store::Delete(const std::vector<TraceId>& ids) {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  std::vector<TraceId> there;
  for (const TraceId id : ids) {
    TS_TRY_ASSIGN(const bool has, snapshot.Has(id));
    if (has) there.push_back(id);
  }
  std::sort(there.begin(), there.end());
  there.erase(std::unique(there.begin(), there.end()), there.end());
  TS_TRY(engine_->Delete(OfTraces(there)));
  return there.size();
}

Result<std::uint64_t> Store::DeleteWhere(const Query& query) {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  TS_TRY_ASSIGN(const std::vector<TraceId> ids, AllMatches(snapshot, query));
  TS_TRY(engine_->Delete(OfTraces(ids)));
  return ids.size();
}

Status Store::DeleteAll() { return engine_->Delete({{store::TombstoneKind::kBefore, {}}}); }

Result<ArchiveResult> Store::ArchiveWhere(const Query& query) {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  TS_TRY_ASSIGN(const std::vector<TraceId> ids, AllMatches(snapshot, query));
  return Archive(ids);
}

}  // namespace tracestore
