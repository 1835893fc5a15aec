// ZipkinCounters: messages and spans as Zipkin's collector metrics count them, by transport.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "ingest/intake.h"

namespace tracestore::ingest {

// zipkin_collector_<name>_total; the last two are gauges.
struct ZipkinCounts {
  std::uint64_t messages = 0;          // received, whatever became of them
  std::uint64_t messages_dropped = 0;  // that could not be read, or were refused for a bad span
  std::uint64_t bytes = 0;             // of messages, decompressed
  std::uint64_t spans = 0;             // of messages that were read
  std::uint64_t spans_dropped = 0;     // of them: sampled away, or there was no room for them
  std::uint64_t message_spans = 0;     // of the last message
  std::uint64_t message_bytes = 0;     // of the last message
};

// Any thread.
class ZipkinCounters {
 public:
  static constexpr std::array<std::string_view, 3> kTransports = {
      transport::kHttp, transport::kGrpc, transport::kScribe};

  // Work of an IntakeObserver; looks at Zipkin's formats only.
  void Count(const IntakeEvent& event);
  // Spans that a sampler left out.
  void CountSampledAway(const IntakeSource& source, std::uint64_t spans);
  // A message that never reached the intake: a broken gzip body, a broken frame.
  void CountUnreadable(std::string_view transport);

  // Of one of kTransports; zeros for another.
  ZipkinCounts Of(std::string_view transport) const;

 private:
  struct Cell {
    std::atomic<std::uint64_t> messages{0}, messages_dropped{0}, bytes{0}, spans{0};
    std::atomic<std::uint64_t> spans_dropped{0}, message_spans{0}, message_bytes{0};
  };
  const Cell* Find(std::string_view transport) const;
  Cell* Find(std::string_view transport) {
    return const_cast<Cell*>(static_cast<const ZipkinCounters*>(this)->Find(transport));
  }

  std::array<Cell, kTransports.size()> cells_;
};

// Whether a source's format is one of Zipkin's.
inline bool IsZipkin(const IntakeSource& source) { return source.format.starts_with("zipkin-"); }

}  // namespace tracestore::ingest
