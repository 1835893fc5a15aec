// TraceMessages: traces as messages of a bounded size, for answers that are streams.
#pragma once
#include <tracestore/ids.h>
#include <tracestore/spans.h>
#include <tracestore/status.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "server/jaeger/trace_view.h"

namespace tracestore::server {

// gRPC's clients take 4 MiB by default. What is wanted is less: two messages are in memory for each
// stream, ours and the transport's.
inline constexpr std::size_t kWantedMessageBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMostMessageBytes = std::size_t{3} << 20;
// As many spans as a message of Jaeger's own storage server has at most.
inline constexpr std::size_t kMostMessageSpans = 1'000;

struct TraceMessagesOptions {
  // Reads one trace; no spans: it is passed over.
  std::function<Result<SpanList>(TraceId)> read;
  // Appends `count` rows of what is shown, from place `first` on, as a message.
  std::function<void(const ShownTrace& trace, std::size_t first, std::size_t count,
                     std::string& out)>
      encode;
  bool as_stored = false;         // in every field: raw and max_skew_ns say nothing
  bool raw = false;               // as in ShowTrace
  std::uint64_t max_skew_ns = 0;  // as in ShowTrace
};

// One trace is in memory at a time, and no message has spans of two. A message is longer than
// kMostMessageBytes only where one span is. Threads: one.
class TraceMessages {
 public:
  TraceMessages(std::vector<TraceId> ids, TraceMessagesOptions options)
      : options_(std::move(options)), ids_(std::move(ids)) {}

  // Puts the next message into `message`, empty on entry; false: there are no more. Errors: read's.
  Result<bool> Next(std::string& message);

 private:
  const TraceMessagesOptions options_;
  const std::vector<TraceId> ids_;
  std::size_t next_ = 0;         // of ids_
  ShownTrace trace_;             // the one that is written
  std::size_t row_ = 0;          // of trace_.rows
  std::size_t per_message_ = 0;  // rows, as the messages before were long
};

}  // namespace tracestore::server
