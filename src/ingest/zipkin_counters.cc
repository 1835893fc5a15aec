#include "ingest/zipkin_counters.h"

#include <algorithm>

namespace tracestore::ingest {

const ZipkinCounters::Cell* ZipkinCounters::Find(std::string_view transport) const {
  const auto found = std::find(kTransports.begin(), kTransports.end(), transport);
  if (found == kTransports.end()) return nullptr;
  return &cells_[static_cast<std::size_t>(found - kTransports.begin())];
}

void ZipkinCounters::Count(const IntakeEvent& event) {
  Cell* const cell = IsZipkin(event.source) ? Find(event.source.transport) : nullptr;
  if (cell == nullptr) return;
  ++cell->messages;
  cell->bytes += event.bytes;
  cell->message_bytes = event.bytes;
  if (event.answer.outcome == IntakeOutcome::kMalformed ||
      event.answer.outcome == IntakeOutcome::kUnsupported) {
    ++cell->messages_dropped;
    return;
  }
  cell->spans += event.decoded;
  cell->message_spans = event.decoded;
  if (event.answer.outcome != IntakeOutcome::kTaken) cell->spans_dropped += event.decoded;
}

void ZipkinCounters::CountSampledAway(const IntakeSource& source, std::uint64_t spans) {
  if (Cell* const cell = Find(source.transport)) cell->spans_dropped += spans;
}

void ZipkinCounters::CountUnreadable(std::string_view transport) {
  Cell* const cell = Find(transport);
  if (cell == nullptr) return;
  ++cell->messages;
  ++cell->messages_dropped;
}

ZipkinCounts ZipkinCounters::Of(std::string_view transport) const {
  ZipkinCounts counts;
  const Cell* const cell = Find(transport);
  if (cell == nullptr) return counts;
  counts.messages = cell->messages;
  counts.messages_dropped = cell->messages_dropped;
  counts.bytes = cell->bytes;
  counts.spans = cell->spans;
  counts.spans_dropped = cell->spans_dropped;
  counts.message_spans = cell->message_spans;
  counts.message_bytes = cell->message_bytes;
  return counts;
}

}  // namespace tracestore::ingest
