#include "server/jaeger/found_summaries.h"

#include <algorithm>
#include <utility>

#include "base/stop.h"
#include "base/try.h"

namespace tracestore::server {

Result<std::shared_ptr<FoundSummaries>> FoundSummaries::Open(const JaegerQuerySource& source,
                                                             std::stop_token stop, Query query,
                                                             std::uint32_t at_a_time) {
  TS_TRY_ASSIGN(Snapshot snapshot, source.options().snapshot());
  StopWhen when;
  when.poll = [stop = std::move(stop)] { return stop.stop_requested(); };
  return std::shared_ptr<FoundSummaries>(
      new FoundSummaries(std::move(snapshot), std::move(when), source.options().search_deadline,
                         std::move(query), at_a_time));
}

Snapshot FoundSummaries::Bounded() {
  stop_.deadline = std::chrono::steady_clock::now() + deadline_;
  return snapshot_.StoppingWhen(stop_);
}

Status FoundSummaries::Look(const Snapshot& bounded) {
  TS_TRY(CheckStop(stop_));  // a summary may come of a table alone, which looks at nothing
  if (ended_ || next_ < found_.size()) return {};
  query_.limit = is_limited_ ? std::min(left_, at_a_time_) : at_a_time_;
  TS_TRY_ASSIGN(SearchPage page, bounded.Find(query_));
  left_ -= std::min(left_, static_cast<std::uint32_t>(page.traces.size()));
  ended_ = page.next_cursor.empty() || (is_limited_ && left_ == 0);
  query_.cursor = std::move(page.next_cursor);
  found_ = std::move(page.traces);
  next_ = 0;
  return {};
}

}  // namespace tracestore::server
