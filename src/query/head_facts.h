// HeadFacts: the facts of the traces that have spans in a snapshot's head, kept while these traces
// don't change, so that each question of a store that is being written assembles what came since
// the one before and no more.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/query.h>
#include <tracestore/status.h>

#include "query/fact_tally.h"
#include "query/trace_facts.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// Immutable; any thread reads. Holds the batches of the head that it was made of.
class HeadFacts {
 public:
  // `known`: of an earlier or later head of a snapshot with the same memo, or null. Assembles the
  // traces of batches that only one of both heads has. Gives `known` itself where there are none.
  // Errors: kIo, kCorruption, kCancelled.
  static Result<std::shared_ptr<const HeadFacts>> Advance(
      const std::shared_ptr<const HeadFacts>& known, const store::SnapshotData& data,
      FactKind kind);

  // What the head changes: its traces count with all their rows, in segments too, and no longer
  // with those in segments alone.
  void AddTo(FactTally& tally, TimeRange range) const;

  std::size_t trace_count() const noexcept;
  std::size_t group_count() const noexcept { return groups_.size(); }
  std::size_t memory_bytes() const noexcept;  // without the batches

 private:
  // Traces that were assembled at one time; those of a part are its place in `traces`.
  struct Group {
    std::vector<TraceId> traces;  // ascending
    TraceFacts sealed;            // of their rows in segments
    TraceFacts whole;
  };
  // A group with what is still true of it.
  struct Use {
    std::shared_ptr<const Group> group;
    std::vector<bool> gone;  // by part: the trace has changed since
    std::size_t left = 0;    // parts that are not
  };
  using Batches = std::vector<std::shared_ptr<const store::HeadBatch>>;

  static std::vector<TraceId> Changed(const Batches& before, const Batches& now);
  void Forget(const std::vector<TraceId>& traces);
  Status Assemble(const std::vector<TraceId>& traces, const store::SnapshotData& data,
                  FactKind kind);
  void MergeGroups(FactKind kind);
  static Use Merge(const std::vector<Use>& uses, FactKind kind);

  Batches batches_;           // by address
  std::vector<Use> groups_;   // each less than half as large as the one before
};

}  // namespace tracestore::query
