// Hash functions for tables of ids that others chose (HashTraceId): nobody can choose ids of which
// many share a place. The order that such a table is walked in is another in every process.
#pragma once
#include <cstddef>
#include <cstdint>

#include <tracestore/ids.h>

#include "base/hash.h"

namespace tracestore::base {

struct TraceIdHash {
  std::size_t operator()(const TraceId& id) const noexcept {
    return static_cast<std::size_t>(HashTraceId(id));
  }
};

// Of span ids and low halves of trace ids, as numbers.
struct IdHash {
  std::size_t operator()(std::uint64_t id) const noexcept {
    return static_cast<std::size_t>(HashTraceId({0, id}));
  }
};

}  // namespace tracestore::base
