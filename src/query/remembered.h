// Remembered: an answer that a snapshot's memo has, or that is made and comes there.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <tracestore/status.h>

#include "base/try.h"
#include "store/engine/snapshot.h"

namespace tracestore::query {

// `key`: everything that the answer depends on beside the memo, and what kind it is. `make()` gives
// a Result<T>; `bytes_of(answer)` about what it takes. Two callers may make the same at once.
template <typename T, typename Make, typename BytesOf>
Result<std::shared_ptr<const T>> Remembered(const store::SnapshotData& data, const std::string& key,
                                            const Make& make, const BytesOf& bytes_of) {
  if (data.memo != nullptr) {
    if (auto known = data.memo->Find<T>(key)) return known;
  }
  TS_TRY_ASSIGN(T made, make());
  auto answer = std::make_shared<const T>(std::move(made));
  if (data.memo != nullptr) data.memo->Keep(key, answer, bytes_of(*answer) + key.size());
  return answer;
}

}  // namespace tracestore::query
