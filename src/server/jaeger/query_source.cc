#include "server/jaeger/query_source.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "model/span_batch.h"
#include "server/jaeger/as_collected.h"
#include "server/jaeger/search_params.h"

namespace tracestore::server {
namespace {

std::string_view UnnamedShownAs(const SpanList& spans, std::size_t row) {
  const model::SpanBatch& batch = *spans.batch();
  const Origin origin = batch.resources[batch.spans[row].resource].origin;
  return origin == Origin::kJaeger ? kEmptyServiceName : kNoServiceName;
}

}  // namespace

std::chrono::nanoseconds JaegerQuerySource::Now() const {
  if (options_.now) return options_.now();
  return std::chrono::system_clock::now().time_since_epoch();
}

std::chrono::steady_clock::time_point JaegerQuerySource::SearchDeadline() const {
  return std::chrono::steady_clock::now() + options_.search_deadline;
}

Result<Snapshot> JaegerQuerySource::BoundedSnapshot(const std::atomic<bool>* cancel) const {
  TS_TRY_ASSIGN(const Snapshot snapshot, options_.snapshot());
  StopWhen stop;
  stop.deadline = SearchDeadline();
  stop.cancel = cancel;
  return snapshot.StoppingWhen(stop);
}

std::uint32_t JaegerQuerySource::LimitOf(std::uint32_t asked) const noexcept {
  const std::uint32_t most = options_.max_traces;
  if (most == 0) return asked;
  return asked == 0 ? most : std::min(asked, most);
}

Result<SpanList> JaegerQuerySource::TraceOf(const Snapshot& snapshot, TraceId id) const {
  auto spans = snapshot.Get(id);
  const bool there = spans.has_value() || spans.error().code() != ErrorCode::kNotFound;
  return there || !options_.archived ? std::move(spans) : options_.archived(id);
}

std::string_view JaegerQuerySource::Shown(std::string_view service) noexcept {
  return service.empty() ? kNoServiceName : service;
}

Result<std::set<std::string>> JaegerQuerySource::ServiceNames(
    const std::atomic<bool>* cancel) const {
  TS_TRY_ASSIGN(const Snapshot snapshot, BoundedSnapshot(cancel));
  TS_TRY_ASSIGN(const auto services, snapshot.Services());
  std::set<std::string> names;
  for (const NamedCount& service : services) names.emplace(Shown(service.name));
  // The store counts named services only. Whose clients left the name out is read off some spans.
  constexpr std::uint32_t kSomeSpans = 1'000;
  TS_TRY_ASSIGN(const SpanList unnamed, snapshot.FindSpans(UnnamedQuery(kSomeSpans)));
  for (std::size_t i = 0; i < unnamed.size(); ++i) names.emplace(UnnamedShownAs(unnamed, i));
  Found("get_services", names.size());
  return names;
}

Result<std::vector<OperationInfo>> JaegerQuerySource::Operations(
    const std::string& service, const std::atomic<bool>* cancel) const {
  TS_TRY_ASSIGN(const Snapshot snapshot, BoundedSnapshot(cancel));
  std::vector<OperationInfo> found;
  if (service == kNoServiceName || service == kEmptyServiceName) {
    TS_TRY_ASSIGN(found, UnnamedOperations(snapshot, service));
  } else {
    TS_TRY_ASSIGN(found, snapshot.Operations(service));
  }
  std::sort(found.begin(), found.end(), [](const OperationInfo& a, const OperationInfo& b) {
    return std::pair(a.name, a.kind) < std::pair(b.name, b.kind);
  });
  Found("get_operations", found.size());
  return found;
}

// Spans whose resource names no service.
Query JaegerQuerySource::UnnamedQuery(std::uint32_t limit) const {
  Condition unnamed;
  unnamed.field = Field::kService;
  Query query;
  query.where = Expression::SomeSpan(Expression::Of(std::move(unnamed)));
  query.limit = limit;
  query.deadline = SearchDeadline();
  return query;
}

// The names of matching spans are read, up to a bound.
Result<std::vector<OperationInfo>> JaegerQuerySource::UnnamedOperations(
    const Snapshot& snapshot, std::string_view shown_as) const {
  constexpr std::uint32_t kMostSpans = 100'000;
  TS_TRY_ASSIGN(const SpanList spans, snapshot.FindSpans(UnnamedQuery(kMostSpans)));
  std::set<std::pair<std::string, SpanKind>> seen;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (UnnamedShownAs(spans, i) == shown_as) seen.emplace(spans[i].name(), spans[i].kind());
  }
  std::vector<OperationInfo> out;
  for (const auto& [name, kind] : seen) out.push_back({name, kind, 0});
  return out;
}

}  // namespace tracestore::server
