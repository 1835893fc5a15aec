// Span metrics: calls, errors and latency by service, operation and kind, counted from the spans
// themselves, for any range, without a batch job.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/query.h>
#include <tracestore/span_types.h>
#include <tracestore/status.h>

#include "query/latency_histogram.h"
#include "query/trace_facts.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

struct SpanMetricsQuery {
  TimeRange range;              // of span starts
  // The range is cut in steps of so many nanoseconds, each beginning at a multiple of it (Unix
  // time); 0: one step. Only steps with spans are in the answer.
  std::uint64_t step_ns = 0;
  std::vector<std::string> services;  // of these only; empty: all
};

struct SpanMetric {
  std::string service;          // "" for spans without one
  std::string operation;
  SpanKind kind = SpanKind::kUnspecified;
  std::uint64_t step_begin_ns = 0;  // 0 without steps
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;         // spans whose status is error
  LatencyHistogram latency;         // of the spans that have a duration
};

// By service, operation, kind, step. Counts are exact: spans equal in every field count once,
// wherever they stand; spans without a start count for all of time only (in the step at 0); firehose
// spans count like others. An end before its start is a latency of 0.
//
// Cost: for segments that were asked for before, a walk over their spans in the range (32 bytes
// each); for others a scan of their structure. Any thread. Errors: kIo, kCorruption.
Result<std::vector<SpanMetric>> SpanMetrics(const store::SnapshotData& data,
                                            const SpanMetricsQuery& query,
                                            FactsCache& cache = FactsCache::Shared());

}  // namespace tracestore::query
