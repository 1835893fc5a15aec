#include "server/jaeger/trace_messages.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace tracestore::server {
namespace {

constexpr std::size_t kFirstRows = 64;  // before anything is known of the spans' length

}  // namespace

Result<bool> TraceMessages::Next(std::string& message) {
  while (row_ == trace_.rows.size()) {
    trace_ = {};
    row_ = 0;
    if (next_ == ids_.size()) return false;
    TS_TRY_ASSIGN(const SpanList spans, options_.read(ids_[next_++]));
    trace_ = options_.as_stored ? AsStored(spans)
                                : ShowTrace(spans, options_.raw, options_.max_skew_ns);
    per_message_ = kFirstRows;
  }
  std::size_t rows = std::min(per_message_, trace_.rows.size() - row_);
  options_.encode(trace_, row_, rows, message);
  while (message.size() > kMostMessageBytes && rows > 1) {
    rows = std::max<std::size_t>(rows * kWantedMessageBytes / message.size(), 1);
    message.clear();
    options_.encode(trace_, row_, rows, message);
  }
  row_ += rows;
  // Spans of one trace are alike, but not all: it grows slowly.
  per_message_ = std::clamp<std::size_t>(
      rows * kWantedMessageBytes / std::max<std::size_t>(message.size(), 1), 1,
      std::min(4 * rows, kMostMessageSpans));
  return true;
}

}  // namespace tracestore::server
