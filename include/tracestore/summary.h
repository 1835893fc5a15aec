// TraceSummary: a trace in one line of a list.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/ids.h>

namespace tracestore {

// Rules for start, end and root are in docs/format/semantics.md ("Trace"). Spans equal in every
// field count once.
struct TraceSummary {
  struct Service {
    std::string name;  // "" for spans without a service
    std::uint64_t span_count = 0;
    std::uint64_t error_count = 0;  // spans whose status is error
    friend bool operator==(const Service&, const Service&) = default;
  };

  TraceId trace_id;
  bool has_start = false;      // false: no span has a start, and both times are 0
  std::uint64_t start_ns = 0;  // Unix nanoseconds, earliest start
  std::uint64_t end_ns = 0;    // latest end, never before start_ns
  std::string root_service;
  std::string root_operation;
  std::uint64_t span_count = 0;
  std::uint64_t error_count = 0;
  std::uint64_t orphan_count = 0;  // spans whose parent isn't among the trace's spans
  std::vector<Service> services;   // by name, ascending as bytes

  std::uint64_t duration_ns() const noexcept { return end_ns - start_ns; }
  friend bool operator==(const TraceSummary&, const TraceSummary&) = default;
};

}  // namespace tracestore
