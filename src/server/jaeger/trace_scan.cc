#include "server/jaeger/trace_scan.h"

#include <utility>

#include "base/try.h"

namespace tracestore::server {
namespace {

// Traces that are looked for at a time.
constexpr std::uint32_t kPageTraces = 500;

}  // namespace

TraceScan::TraceScan(const Snapshot& snapshot, Query query, SpanParts parts)
    : snapshot_(snapshot), query_(std::move(query)), parts_(std::move(parts)) {
  query_.limit = kPageTraces;
  query_.cursor.clear();
  parts_.max_spans = kPageSpans;
}

Result<SpanList> TraceScan::Next() {
  TS_TRY_ASSIGN(SpanPage page, snapshot_.ReadSpans(query_, parts_));
  traces_ += page.traces;
  spans_ += page.spans.size();
  query_.cursor = std::move(page.next_cursor);
  done_ = query_.cursor.empty() || traces_ >= kMostTraces || spans_ >= kMostSpans;
  return std::move(page.spans);
}

}  // namespace tracestore::server
