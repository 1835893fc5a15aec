// CheckStop: whether a call has to give up.
#pragma once
#include <tracestore/query.h>
#include <tracestore/status.h>

namespace tracestore {

// kCancelled where `stop` says so.
inline Status CheckStop(const StopWhen& stop) {
  if (stop.cancel != nullptr && stop.cancel->load(std::memory_order_relaxed))
    return Error(ErrorCode::kCancelled, "the query was cancelled");
  if (stop.deadline && std::chrono::steady_clock::now() > *stop.deadline)
    return Error(ErrorCode::kCancelled, "the query's deadline has passed");
  if (stop.poll && stop.poll()) return Error(ErrorCode::kCancelled, "the query was cancelled");
  return {};
}

}  // namespace tracestore
