// The records of the pending log that tell of decisions (docs/format/pending.md, version 1).
// Batches in it are as in the write-ahead log (store/engine/batch_codec.h).
#pragma once
#include <tracestore/ids.h>
#include <tracestore/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::ingest {

inline constexpr std::uint8_t kDecisionRecordKind = 2;
inline constexpr std::uint8_t kMovedRecordKind = 3;

struct TraceVerdict {
  TraceId id;
  bool kept = false;
  friend bool operator==(const TraceVerdict&, const TraceVerdict&) = default;
};

// Of all spans of these traces in records before it.
struct Decision {
  std::uint64_t number = 0;  // counts up from 1
  std::vector<TraceVerdict> traces;
};

std::string EncodeDecision(const Decision& decision);
// The spans of the kept traces of that decision are in the store.
std::string EncodeMoved(std::uint64_t decision);

// Errors: kCorruption; kUnsupported for a newer version.
Result<Decision> DecodeDecision(std::string_view payload);
Result<std::uint64_t> DecodeMoved(std::string_view payload);

}  // namespace tracestore::ingest
