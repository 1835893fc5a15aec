// SegmentAnswers: what was worked out from single segments, the most recently used, within a number
// of bytes. A segment never changes, so that an answer holds as long as it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "store/segment/segment_reader.h"

namespace tracestore::store {

// `kind` tells apart the answers of one segment, and with them their types. Any thread; the lock is
// held for a look-up or a change of the list.
class SegmentAnswers {
 public:
  explicit SegmentAnswers(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // Null where it isn't here.
  template <typename T>
  std::shared_ptr<const T> Find(const std::shared_ptr<const SegmentReader>& segment, int kind) {
    return std::static_pointer_cast<const T>(FindAny(segment, kind));
  }
  // `bytes`: about what the answer takes; one above the bound is not kept.
  void Keep(const std::shared_ptr<const SegmentReader>& segment, int kind,
            std::shared_ptr<const void> answer, std::size_t bytes);

  std::size_t memory_bytes() const;

 private:
  using Key = std::pair<const SegmentReader*, int>;
  struct Entry {
    std::weak_ptr<const SegmentReader> segment;  // tells a new one at an old address
    std::shared_ptr<const void> answer;
    std::size_t bytes;
    std::list<Key>::iterator use;
  };
  std::shared_ptr<const void> FindAny(const std::shared_ptr<const SegmentReader>& segment,
                                      int kind);
  void Remove(std::map<Key, Entry>::iterator at);

  const std::size_t most_bytes_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<Key, Entry> entries_;
  std::list<Key> uses_;       // most recent first
  std::size_t bytes_ = 0;
};

}  // namespace tracestore::store
