#include "store/engine/segment_answers.h"

namespace tracestore::store {

std::shared_ptr<const void> SegmentAnswers::FindAny(
    const std::shared_ptr<const SegmentReader>& segment, int kind) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find({segment.get(), kind});
  if (at == entries_.end()) return nullptr;
  if (at->second.segment.lock() != segment) {
    Remove(at);
    return nullptr;
  }
  uses_.splice(uses_.begin(), uses_, at->second.use);
  return at->second.answer;
}

void SegmentAnswers::Keep(const std::shared_ptr<const SegmentReader>& segment, int kind,
                          std::shared_ptr<const void> answer, std::size_t bytes) {
  const Key key{segment.get(), kind};
  const std::lock_guard lock(mutex_);
  if (bytes > most_bytes_ || entries_.contains(key)) return;
  while (bytes_ + bytes > most_bytes_) Remove(entries_.find(uses_.back()));
  uses_.push_front(key);
  entries_.emplace(key, Entry{segment, std::move(answer), bytes, uses_.begin()});
  bytes_ += bytes;
}

void SegmentAnswers::Remove(std::map<Key, Entry>::iterator at) {
  bytes_ -= at->second.bytes;
  uses_.erase(at->second.use);
  entries_.erase(at);
}

std::size_t SegmentAnswers::memory_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace tracestore::store
