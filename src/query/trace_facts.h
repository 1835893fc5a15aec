// TraceFacts: what links between services and span metrics are counted from, a few numbers a span.
//
// Made of whole traces, whose spans equal in every field count once. Those of a segment stay in the
// store's QueryMemory, since a segment never changes.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/query.h>
#include <tracestore/status.h>

#include "model/span_batch.h"
#include "model/string_table.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

enum class FactKind : std::uint8_t { kCalls, kSpans };

// A span that was called by a span of another service.
struct CallFact {
  std::uint64_t start_ns = 0;  // of the called span
  std::uint32_t part = 0;      // the trace: its ordinal in the segment's table
  std::uint32_t caller = 0;    // services, in TraceFacts::strings
  std::uint32_t callee = 0;
  bool has_start = false;
  bool error = false;
};

struct SpanFact {
  std::uint64_t start_ns = 0;
  std::uint64_t duration_ns = 0;
  std::uint32_t part = 0;
  std::uint32_t series = 0;    // in TraceFacts::series
  bool has_start = false;
  bool has_duration = false;
  bool error = false;
};

struct Series {
  std::uint32_t service = 0;   // in TraceFacts::strings
  std::uint32_t operation = 0;
  SpanKind kind = SpanKind::kUnspecified;
  friend auto operator<=>(const Series&, const Series&) = default;
};

// Immutable once made. Facts are ordered by start.
struct TraceFacts {
  model::StringTable strings;
  std::vector<CallFact> calls;   // FactKind::kCalls
  std::vector<Series> series;    // FactKind::kSpans
  std::vector<SpanFact> spans;

  std::size_t memory_bytes() const noexcept {
    return strings.memory_bytes() + calls.capacity() * sizeof(CallFact) +
           series.capacity() * sizeof(Series) + spans.capacity() * sizeof(SpanFact);
  }
};

// Reads facts of one kind from traces. One thread.
class FactsBuilder {
 public:
  explicit FactsBuilder(FactKind kind) : kind_(kind) {}
  // `trace`: all spans of one trace; repeats need all their fields, others only those that
  // Projection always gives.
  void Add(const model::SpanBatch& trace, std::uint32_t part);
  // Of another builder of this kind; parts[i] is what its part i is called here, or kLeftOut.
  static constexpr std::uint32_t kLeftOut = 0xFFFFFFFF;
  void AddFacts(const TraceFacts& facts, const std::vector<std::uint32_t>& parts);
  TraceFacts Finish();

 private:
  void AddCalls(const model::SpanBatch& trace, std::uint32_t part);
  void AddSpans(const model::SpanBatch& trace, std::uint32_t part);
  std::uint32_t NumberOf(const Series& series);

  FactKind kind_;
  TraceFacts facts_;
  std::map<Series, std::uint32_t> series_;
};

// The facts of all parts of a segment that the snapshot's memory has kept; null where it has not.
std::shared_ptr<const TraceFacts> KeptFacts(
    const store::SnapshotData& data, const std::shared_ptr<const store::SegmentReader>& segment,
    FactKind kind);
// The same, read where they are not kept, and kept then. Errors: kIo, kCorruption, kCancelled.
Result<std::shared_ptr<const TraceFacts>> FactsOf(
    const store::SnapshotData& data, const std::shared_ptr<const store::SegmentReader>& segment,
    FactKind kind);

// The facts of some parts of a segment, each a trace by itself. `parts` ascends.
// Cost: their pages, structure only. Errors: kIo, kCorruption, kCancelled.
Result<TraceFacts> ScanParts(const store::SegmentReader& segment, FactKind kind,
                             const std::vector<std::uint32_t>& parts, const StopWhen& stop = {});

// The facts of a list ordered by start whose start is in the range: [first, second). Facts without
// a start count for all of time only, and have to be passed over by the caller for other ranges.
template <typename Fact>
std::pair<const Fact*, const Fact*> InRange(const std::vector<Fact>& facts, TimeRange range) {
  const auto by_start = [](const Fact& fact, std::uint64_t ns) { return fact.start_ns < ns; };
  const Fact* const begin = facts.data();
  const Fact* const end = facts.data() + facts.size();
  const Fact* const first = std::lower_bound(begin, end, range.begin_ns, by_start);
  const bool endless = range.end_ns == TimeRange{}.end_ns;
  return {first, endless ? end : std::lower_bound(first, end, range.end_ns, by_start)};
}
template <typename Fact>
bool Counts(const Fact& fact, TimeRange range) noexcept {
  return range.all() || (fact.has_start && range.Contains(fact.start_ns));
}

}  // namespace tracestore::query
