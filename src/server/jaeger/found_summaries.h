// FoundSummaries: summaries of the traces that a query finds, each made when it is asked for, so
// that memory doesn't grow with how many there are.
#pragma once
#include <tracestore/query.h>
#include <tracestore/store.h>
#include <tracestore/summary.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "server/jaeger/query_source.h"

namespace tracestore::server {

// One thread at a time.
class FoundSummaries {
 public:
  // Traces found at a time, of which an id and a time are in memory. Finding the next ones goes
  // once more past those before: fewer at a time would make a long answer slow.
  static constexpr std::uint32_t kFoundAtATime = 100'000;

  // In the query's order, as many as its limit says. Each call ends with kCancelled after the
  // source's search_deadline, and when `stop` says so. Errors: those of a snapshot.
  static Result<std::shared_ptr<FoundSummaries>> Open(const JaegerQuerySource& source,
                                                      std::stop_token stop, Query query,
                                                      std::uint32_t at_a_time = kFoundAtATime);

  // There are no more. Known once one was asked for.
  bool done() const noexcept { return ended_ && next_ == found_.size(); }
  // Calls `write(summary)` with the following ones until out.size() has reached `bytes`, or there
  // are no more. Errors: as Snapshot::FindSummaries.
  template <typename Write>
  Status WriteTo(const std::string& out, std::size_t bytes, const Write& write) {
    const Snapshot bounded = Bounded();
    while (out.size() < bytes) {
      const Status there = Look(bounded);
      if (!there.has_value()) return there;
      if (done()) break;
      const auto summary = bounded.Summarize(found_[next_].trace_id);
      if (!summary.has_value()) return summary.error();
      ++next_;
      write(*summary);
    }
    return {};
  }

  // A cursor to what is beyond the query's limit, once done(); "": nothing.
  const std::string& next_page() const noexcept { return query_.cursor; }

 private:
  FoundSummaries(Snapshot snapshot, StopWhen stop, std::chrono::nanoseconds deadline, Query query,
                 std::uint32_t at_a_time)
      : snapshot_(std::move(snapshot)), stop_(std::move(stop)), deadline_(deadline),
        left_(query.limit), is_limited_(query.limit != 0), at_a_time_(at_a_time),
        query_(std::move(query)) {}
  Snapshot Bounded();  // for a call that begins now
  Status Look(const Snapshot& bounded);  // for the next ones, where those found are all told

  const Snapshot snapshot_;
  StopWhen stop_;  // of the call at hand
  const std::chrono::nanoseconds deadline_;
  std::uint32_t left_;  // of the limit
  const bool is_limited_;
  const std::uint32_t at_a_time_;
  Query query_;
  bool ended_ = false;
  std::vector<FoundTrace> found_;
  std::size_t next_ = 0;  // of found_
};

}  // namespace tracestore::server
