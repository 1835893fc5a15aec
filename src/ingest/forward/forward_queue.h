// ForwardQueue: batches that wait for a collector, bounded, in memory or on disk.
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/span_batch.h"

namespace tracestore::ingest {

struct QueuedBatch {
  std::uint64_t id = 0;
  std::string payload;  // docs/format/spool.md, "What the agent puts in"
};

struct ForwardQueueStats {
  std::uint64_t batches = 0;  // that aren't done
  std::uint64_t bytes = 0;
};

// Threads: every method from any.
class ForwardQueue {
 public:
  virtual ~ForwardQueue() = default;
  // Errors: kBusy (no room), kIo.
  virtual Status Put(std::string payload) = 0;
  // The oldest that wasn't taken; nullopt: none now.
  virtual Result<std::optional<QueuedBatch>> Take() = 0;
  // The collector has them, or they are given up.
  virtual Status Done(std::span<const std::uint64_t> ids) = 0;
  virtual ForwardQueueStats stats() const = 0;
  // What is put survives this process.
  virtual bool durable() const noexcept = 0;
};

// At most `max_bytes` of payloads, those taken and not done included.
std::unique_ptr<ForwardQueue> MakeMemoryQueue(std::uint64_t max_bytes);
// On disk, in `directory` (store/spool/spool.h). Errors: as Spool::Open.
Result<std::unique_ptr<ForwardQueue>> OpenDiskQueue(const std::string& directory,
                                                    std::uint64_t max_bytes, bool sync);

// One batch with its tenant as a payload, and back.
std::string EncodeQueued(const model::SpanBatch& batch, std::string_view tenant);
struct DecodedBatch {
  std::string tenant;
  model::SpanBatch batch;
};
// Errors: kCorruption, kUnsupported.
Result<DecodedBatch> DecodeQueued(std::string_view payload);
// The spans of a payload, without decoding it; 0 where it is broken.
std::uint64_t SpansOfQueued(std::string_view payload);

}  // namespace tracestore::ingest
