#include "net/message_room.h"

#include <algorithm>

namespace tracestore::net {
namespace {

std::uint64_t PaceOf(std::size_t bytes, MessageRoom::Clock::duration time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return std::uint64_t{bytes} * 1000 / static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 1));
}

}  // namespace

bool MessageRoom::Share::GrowTo(std::size_t size, Clock::time_point now) {
  if (taken_away_) return false;
  const std::size_t more = size - size_;
  while (more > room_.bytes_ - room_.used_) {
    if (!room_.TakeFromSlowest(*this, now)) return false;
  }
  room_.used_ += more;
  size_ = size;
  if (!coming_) {
    coming_ = room_.coming_.insert(room_.coming_.end(), this);
    looked_at_ = now;
  }
  return true;
}

void MessageRoom::Share::Came(std::size_t bytes, Clock::time_point now) {
  if (!coming_) return;
  came_ = bytes;
  if (now - looked_at_ < kLookedAt) return;
  last_pace_ = Pace(now);
  looked_at_ = now;
  came_before_ = came_;
}

void MessageRoom::Share::Whole() {
  if (coming_) room_.coming_.erase(*coming_);
  coming_.reset();
}

void MessageRoom::Share::Release() {
  Whole();
  room_.used_ -= size_;
  size_ = came_ = came_before_ = 0;
  last_pace_.reset();
}

std::optional<std::uint64_t> MessageRoom::Share::Pace(Clock::time_point now) const {
  const auto time = now - looked_at_;
  return time < kLookedAt ? last_pace_ : PaceOf(came_ - came_before_, time);
}

bool MessageRoom::Share::IsTooSlow(std::uint64_t pace) const {
  return pace <
         std::max<std::uint64_t>(kLeastPace, size_ / static_cast<std::uint64_t>(kMostTime.count()));
}

bool MessageRoom::TakeFromSlowest(const Share& but, Clock::time_point now) {
  Share* slowest = nullptr;
  std::uint64_t least = 0;
  for (Share* share : coming_) {
    const auto pace = share->Pace(now);
    if (share == &but || !pace || !share->IsTooSlow(*pace)) continue;
    if (slowest != nullptr && *pace >= least) continue;
    slowest = share;
    least = *pace;
  }
  if (slowest == nullptr) return false;
  slowest->Release();
  slowest->taken_away_ = true;
  slowest->end_();
  return true;
}

}  // namespace tracestore::net
