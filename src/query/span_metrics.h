// Span metrics: calls, errors and latency by service, operation and kind, counted from the spans
// themselves, for any range, without a batch job.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/query.h>
#include <tracestore/span_types.h>
#include <tracestore/status.h>

#include "model/latency_histogram.h"
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
  model::LatencyHistogram latency;         // of the spans that have a duration
};

// By service, operation, kind, step. Counts are exact: spans equal in every field count once,
// wherever they stand; spans without a start count for all of time only (in the step at 0);
// firehose spans count like others. An end before its start is a latency of 0.
//
// Cost: the summaries of the segments are added up, once a catalog version; read are traces that
// lie in several segments or the head, deleted ones, and those at the edges of the range. A step
// that is no multiple of a summary's is counted from spans.
// Any thread. Errors: kIo, kCorruption.
Result<std::vector<SpanMetric>> SpanMetrics(const store::SnapshotData& data,
                                            const SpanMetricsQuery& query);

}  // namespace tracestore::query
