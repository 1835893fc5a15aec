// Clock skew by Jaeger's rule: a span whose clock is another's than its parent's, and that doesn't
// fit into its parent's interval, is moved to the middle of it, with all below it of its clock.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "assembly/trace_graph.h"

namespace tracestore::assembly {

struct ClockSkewOptions {
  // The greatest move in nanoseconds. 0: nothing is moved, and what would be is warned of
  // (Jaeger's default).
  std::uint64_t max_delta_ns = 0;
};

struct ClockSkewWarning {
  NodeId node;
  std::string text;  // Jaeger's sentences
};

struct ClockSkew {
  // By span node: what is added to its start and its events' times, modulo 2^64.
  std::vector<std::int64_t> delta_ns;
  // By span node: the start so moved; 0 where the span has none.
  std::vector<std::uint64_t> start_ns;
  std::vector<ClockSkewWarning> warnings;  // by node
};

// The batch isn't changed. Two spans have one clock if their resources name the same host
// (host.id, host.name, net.host.ip, ip or hostname), or, where one names none, the same service;
// a span is never moved for a parent of its clock. Not moved either, nor anything below them:
// spans whose parent is missing, and (Jaeger's rule) all but the first of several spans of one id
// that aren't a shared pair.
ClockSkew FindClockSkew(const TraceGraph& graph, const ClockSkewOptions& options = {});

// Nanoseconds as Go prints a duration ("1.5s", "-2m0s", "250µs").
std::string FormatGoDuration(std::int64_t ns);

}  // namespace tracestore::assembly
