// FactTally: calls between services, or span metrics, added up over a snapshot.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <tracestore/query.h>
#include <tracestore/status.h>

#include "base/stop.h"
#include "base/try.h"
#include "query/remembered.h"
#include "query/trace_facts.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// What facts are added up into. One thread.
class FactTally {
 public:
  enum class Sign : std::uint8_t { kAdd, kTakeOut };
  using PartFilter = std::function<bool(std::uint32_t part)>;
  // Steps [first, last) of a segment's summary, and with `startless` what has no start.
  struct Steps {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool startless = false;
    bool Has(std::uint32_t step, std::uint32_t startless_step) const noexcept {
      return step == startless_step ? startless : step >= first && step < last;
    }
  };

  virtual ~FactTally() = default;
  virtual FactKind kind() const = 0;
  // Of the segment's summary; null where it has none that this tally can use.
  virtual Result<const store::SummarySteps*> StepsOf(const store::SegmentReader& segment) const = 0;
  virtual Status AddSummary(const store::SegmentReader& segment, const Steps& steps) = 0;
  // The facts in `window`, of the parts that count.
  virtual void Add(const TraceFacts& facts, TimeRange window, const PartFilter& counts,
                   Sign sign) = 0;
};

// Adds all facts of the snapshot's segments whose start is in the range; facts without a start
// count for all of time only. Summaries are added up; read are the traces that lie in several
// segments, those that deletes hide, and the edges of a range that cuts through a step; a segment
// of which more than half would be read, or without a summary, gives its facts whole, which the
// memory then keeps. Errors: kIo, kCorruption, kCancelled.
Status TallySegments(const store::SnapshotData& data, TimeRange range, FactTally& tally);

// The tally of the segments, from the snapshot's memo where it has been asked for before. `key`:
// everything that the answer depends on beside the snapshot. `empty`: a tally of nothing.
template <typename Tally>
Result<std::shared_ptr<const Tally>> TalliedSegments(const store::SnapshotData& data,
                                                     TimeRange range, const std::string& key,
                                                     Tally empty) {
  TS_TRY(CheckStop(data.stop));
  return Remembered<Tally>(
      data, key,
      [&]() -> Result<Tally> {
        TS_TRY(TallySegments(data, range, empty));
        return std::move(empty);
      },
      [](const Tally& tally) { return tally.memory_bytes(); });
}

// Adds what the head changes: its traces count with all their rows, in segments too. What follows
// from each of them the snapshot's memo keeps (HeadFacts), where it has room for it.
// Errors: kIo, kCorruption, kCancelled.
Status TallyHead(const store::SnapshotData& data, TimeRange range, FactTally& tally);

}  // namespace tracestore::query
