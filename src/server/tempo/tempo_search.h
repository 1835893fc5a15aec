// Tempo's search by tags on a snapshot (docs/format/tempo-api.md, "What matches").
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/query.h>
#include <tracestore/store.h>
#include <tracestore/summary.h>

#include "server/tempo/tempo_params.h"

namespace tracestore::server {

// A found trace as it is told.
struct TempoFound {
  TraceSummary summary;
  bool has_root = true;  // some span of it has no parent
  // Where the search was by q: the first of its spans in the range, by start, and how many are
  // there.
  struct Span {
    SpanId id;
    std::uint64_t start_ns = 0;
    std::uint64_t duration_ns = 0;
  };
  std::vector<Span> spans;
  std::uint64_t matched = 0;
};

// A pattern that finds `text` anywhere, ASCII letters in either case.
std::string TempoPattern(std::string_view text);

Result<Query> TempoQuery(const Snapshot& snapshot, const TempoSearch& search);

// What is found, newest first, some at a time. One thread.
class TempoTraces {
 public:
  TempoTraces(Snapshot snapshot, TempoSearch search)
      : snapshot_(std::move(snapshot)), search_(std::move(search)) {}

  // Empty after the last. Errors: as Snapshot::Find.
  Result<std::vector<TempoFound>> Next();
  bool done() const noexcept { return done_; }

 private:
  Status Begin();
  Result<TempoFound> Tell(TraceSummary summary) const;

  const Snapshot snapshot_;
  const TempoSearch search_;
  Query query_;
  bool begun_ = false;
  bool done_ = false;
  std::uint32_t left_ = 0;  // of the limit
};

}  // namespace tracestore::server
