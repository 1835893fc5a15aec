// ResourcePool: equal resources of one decoder run share a record.
#pragma once
#include <cstdint>
#include <unordered_map>

#include "model/span_batch.h"

namespace tracestore::codec {

class ResourcePool {
 public:
  explicit ResourcePool(model::SpanBatch& batch) : batch_(batch) {}

  // The resource of the attributes at the end of the batch, from `mark` on; nothing else was added
  // since. Gives the index of an equal resource known here (the attributes are dropped again) or of
  // the new one.
  std::uint32_t Add(const model::SpanBatch::Mark& mark, Origin origin) {
    model::ResourceRecord record;
    record.origin = origin;
    record.attributes.begin = static_cast<std::uint32_t>(mark.attributes);
    record.attributes.count =
        static_cast<std::uint32_t>(batch_.attributes.size() - mark.attributes);
    const std::uint64_t hash = model::HashResource(batch_, record);
    const auto [first, last] = known_.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      if (model::ResourcesEqual(batch_, batch_.resources[it->second], batch_, record)) {
        batch_.Rollback(mark);
        return it->second;
      }
    }
    const auto index = static_cast<std::uint32_t>(batch_.resources.size());
    batch_.resources.push_back(record);
    known_.emplace(hash, index);
    return index;
  }

 private:
  model::SpanBatch& batch_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> known_;
};

}  // namespace tracestore::codec
