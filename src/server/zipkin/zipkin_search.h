// Zipkin's search on a snapshot: what it means is said of spans as Zipkin's API shows them, so that
// the store's index proposes traces and each is then judged on its converted spans.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tracestore/query.h>
#include <tracestore/store.h>

#include "server/zipkin/zipkin_params.h"

namespace tracestore::server {

// The spans of one answer's trace: each distinct span once.
struct ZipkinTrace {
  SpanList spans;
  std::vector<std::uint32_t> rows;
};

// All spans under `id`; with `strict` of just this id, otherwise of all whose low 64 bits are
// equal. Errors: kNotFound, and what the snapshot gives.
Result<ZipkinTrace> GetZipkinTrace(const Snapshot& snapshot, TraceId id, bool strict);

// Every condition is met by some span of the service (of any, where none is asked for), and the
// trace's timestamp lies in the window: that of its first span without parent, else the least one.
bool Matches(const ZipkinTrace& trace, const ZipkinSearch& search);

// Traces that match, newest first, one at a time. One thread.
class ZipkinTraces {
 public:
  ZipkinTraces(Snapshot snapshot, ZipkinSearch search, bool strict);

  // nullopt after the last. Errors: as Snapshot::Find.
  Result<std::optional<ZipkinTrace>> Next();

 private:
  Status Begin();
  Result<bool> NextPage();
  bool SeenBefore(TraceId id) const;

  const Snapshot snapshot_;
  const ZipkinSearch search_;
  const bool strict_;
  bool begun_ = false;
  bool more_pages_ = false;
  Query query_;
  SearchPage page_;
  std::size_t at_ = 0;       // in page_
  std::uint32_t given_ = 0;  // traces
  std::vector<std::uint64_t> low_ids_;  // of those given, ascending; where not strict
};

// The query whose traces are all that can match; nullopt where none can, since no service or
// operation has such a name.
Result<std::optional<Query>> CandidatesOf(const Snapshot& snapshot, const ZipkinSearch& search);

// Names of services that Zipkin's API shows under `lower`, which is lower case.
Result<std::vector<std::string>> ServicesNamed(const Snapshot& snapshot, const std::string& lower);

}  // namespace tracestore::server
