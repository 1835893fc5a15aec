#include "ingest/forward/forward_queue.h"

#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "base/bytes.h"
#include "base/try.h"
#include "store/engine/batch_codec.h"
#include "store/spool/spool.h"

namespace tracestore::ingest {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMostTenantBytes = 4096;

class MemoryQueue final : public ForwardQueue {
 public:
  explicit MemoryQueue(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  Status Put(std::string payload) override {
    const std::lock_guard lock(mutex_);
    if (bytes_ + payload.size() > max_bytes_)
      return Error(ErrorCode::kBusy,
                   "the queue to the collectors is full: " + std::to_string(bytes_) + " of " +
                       std::to_string(max_bytes_) + " bytes");
    bytes_ += payload.size();
    waiting_.push_back({next_id_++, std::move(payload)});
    return {};
  }
  Result<std::optional<QueuedBatch>> Take() override {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return std::optional<QueuedBatch>();
    QueuedBatch taken = std::move(waiting_.front());
    waiting_.pop_front();
    taken_.emplace(taken.id, taken.payload.size());
    return std::optional<QueuedBatch>(std::move(taken));
  }
  Status Done(std::span<const std::uint64_t> ids) override {
    const std::lock_guard lock(mutex_);
    for (const std::uint64_t id : ids) {
      const auto found = taken_.find(id);
      if (found == taken_.end()) continue;
      bytes_ -= found->second;
      taken_.erase(found);
    }
    return {};
  }
  ForwardQueueStats stats() const override {
    const std::lock_guard lock(mutex_);
    return {waiting_.size() + taken_.size(), bytes_};
  }
  bool durable() const noexcept override { return false; }

 private:
  const std::uint64_t max_bytes_;
  mutable std::mutex mutex_;
  std::deque<QueuedBatch> waiting_;               // guarded by mutex_, as all below
  std::map<std::uint64_t, std::uint64_t> taken_;  // id to bytes
  std::uint64_t bytes_ = 0;
  std::uint64_t next_id_ = 1;
};

class DiskQueue final : public ForwardQueue {
 public:
  explicit DiskQueue(std::unique_ptr<store::Spool> spool) : spool_(std::move(spool)) {}

  Status Put(std::string payload) override { return spool_->Append(std::move(payload)); }
  Result<std::optional<QueuedBatch>> Take() override {
    TS_TRY_ASSIGN(auto entry, spool_->Next());
    if (!entry.has_value()) return std::optional<QueuedBatch>();
    return std::optional<QueuedBatch>({entry->id, std::move(entry->payload)});
  }
  Status Done(std::span<const std::uint64_t> ids) override { return spool_->Done(ids); }
  ForwardQueueStats stats() const override {
    const store::SpoolStats stats = spool_->stats();
    return {stats.waiting, stats.bytes};
  }
  bool durable() const noexcept override { return true; }

 private:
  const std::unique_ptr<store::Spool> spool_;
};

}  // namespace

std::unique_ptr<ForwardQueue> MakeMemoryQueue(std::uint64_t max_bytes) {
  return std::make_unique<MemoryQueue>(max_bytes);
}

Result<std::unique_ptr<ForwardQueue>> OpenDiskQueue(const std::string& directory,
                                                    std::uint64_t max_bytes, bool sync) {
  store::SpoolOptions options;
  options.max_bytes = max_bytes;
  options.sync = sync;
  TS_TRY_ASSIGN(auto spool, store::Spool::Open(directory, options));
  return std::unique_ptr<ForwardQueue>(std::make_unique<DiskQueue>(std::move(spool)));
}

std::string EncodeQueued(const model::SpanBatch& batch, std::string_view tenant) {
  std::string out;
  base::ByteWriter writer(out);
  writer.U8(kVersion);
  writer.Varint(batch.size());
  writer.Bytes(tenant);
  writer.Raw(store::EncodeBatch(batch));
  return out;
}

Result<DecodedBatch> DecodeQueued(std::string_view payload) {
  base::ByteReader reader(payload);
  const std::uint8_t version = reader.U8();
  if (version > kVersion)
    return Error(ErrorCode::kUnsupported, "a queued batch of version " + std::to_string(version));
  const std::uint64_t spans = reader.Varint();
  DecodedBatch out;
  out.tenant = reader.Raw(reader.BoundedVarint(kMostTenantBytes));
  if (!reader.ok() || version != kVersion)
    return Error(ErrorCode::kCorruption, "a queued batch is broken");
  TS_TRY_ASSIGN(out.batch, store::DecodeBatch(reader.Raw(reader.remaining())));
  if (out.batch.size() != spans)
    return Error(ErrorCode::kCorruption, "a queued batch has another number of spans than it says");
  return out;
}

std::uint64_t SpansOfQueued(std::string_view payload) {
  base::ByteReader reader(payload);
  (void)reader.U8();
  return reader.Varint();
}

}  // namespace tracestore::ingest
