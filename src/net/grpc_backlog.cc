#include "net/grpc_backlog.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace tracestore::net {
namespace {

std::chrono::nanoseconds ReadClock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

GrpcBacklog::Now GrpcBacklog::Read() {
  return {ReadClock(CLOCK_MONOTONIC), ReadClock(CLOCK_PROCESS_CPUTIME_ID)};
}

std::chrono::nanoseconds GrpcBacklog::Late(Now now) const {
  return std::min(now.wall - since_.wall, now.cpu - since_.cpu);
}

std::chrono::milliseconds GrpcBacklog::Patience() const {
  return asked_ ? kLate : kWorthAsking;
}

GrpcBacklog::Step GrpcBacklog::Next(Now now) {
  if (!asked_) {
    if (now.cpu - since_.cpu < kWorthAsking) return Step::kNothing;
    asked_ = true;
    since_ = now;
    return last_ = Step::kAsk;
  }
  if (answered_->exchange(false)) {
    asked_ = false;
    since_ = now;
    return std::exchange(paused_, false) ? Step::kResume : Step::kNothing;
  }
  const auto late = Late(now);
  if (last_ == Step::kAsk && late >= kLate) return last_ = Step::kMark;
  if (last_ == Step::kMark && late >= kPause) {
    paused_ = true;
    return last_ = Step::kPause;
  }
  if (last_ == Step::kPause && late >= kClose) {
    since_ = now;
    last_ = Step::kAsk;  // gRPC may turn to others
    return Step::kClose;
  }
  return Step::kNothing;
}

}  // namespace tracestore::net
