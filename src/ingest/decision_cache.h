// DecisionCache: what was decided on traces lately, so that late spans follow. Bounded.
#pragma once
#include <tracestore/ids.h>

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/hash.h"

namespace tracestore::ingest {

struct TraceIdHash {
  std::size_t operator()(const TraceId& id) const noexcept {
    return static_cast<std::size_t>(base::HashTraceId(id));
  }
};

// One thread at a time. Remembers between `size` / 2 and `size` of the last decisions: about 60
// bytes each.
class DecisionCache {
 public:
  explicit DecisionCache(std::size_t size) : half_(size / 2 + 1) {}

  void Add(TraceId id, bool kept) {
    if (young_.size() >= half_) {
      old_ = std::move(young_);
      young_.clear();
    }
    young_[id] = kept;
  }

  std::optional<bool> Find(TraceId id) const {
    if (const auto found = young_.find(id); found != young_.end()) return found->second;
    if (const auto found = old_.find(id); found != old_.end()) return found->second;
    return std::nullopt;
  }

 private:
  const std::size_t half_;
  std::unordered_map<TraceId, bool, TraceIdHash> young_;
  std::unordered_map<TraceId, bool, TraceIdHash> old_;
};

}  // namespace tracestore::ingest
