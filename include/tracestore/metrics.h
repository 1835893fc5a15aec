// Span metrics: calls, errors and latency of each operation, counted from the spans themselves.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/query.h>
#include <tracestore/span_types.h>

namespace tracestore {

struct MetricsQuery {
  TimeRange range;  // of span starts
  // The range is cut in steps of so many nanoseconds, each beginning at a multiple of it (Unix
  // time); 0: one step. Only steps with spans are in the answer.
  std::uint64_t step_ns = 0;
  std::vector<std::string> services;              // of these only; empty: all
  std::vector<double> quantiles{0.5, 0.95, 0.99};  // 0 to 1 each, at most 64
};

struct OperationMetrics {
  std::string service;    // "" for spans without one
  std::string operation;  // the spans' name
  SpanKind kind = SpanKind::kUnspecified;
  std::uint64_t step_begin_ns = 0;  // 0 without steps
  std::uint64_t calls = 0;          // spans; exact, equal ones once
  std::uint64_t errors = 0;         // of them with status error
  std::uint64_t timed = 0;          // of them with a duration
  // In the order of MetricsQuery::quantiles, nanoseconds, by nearest rank, at most 1.6 % off; empty
  // where no span has a duration.
  std::vector<std::uint64_t> latency_ns;
};

}  // namespace tracestore
