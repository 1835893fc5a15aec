// Forwarder: the sink that sends spans on to collectors: batched, retried, balanced, and buffered
// while all are away.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "ingest/forward/collector_pool.h"
#include "ingest/forward/forward_queue.h"
#include "ingest/span_sink.h"

namespace tracestore::ingest {

struct ForwardOptions {
  // What waits is sent as one message once it has so many spans or bytes (as queued), or the oldest
  // has waited so long. A message may have more where one batch that came in has.
  std::size_t batch_spans = 1'000;
  std::size_t batch_bytes = std::size_t{1} << 20;
  std::chrono::milliseconds batch_wait{200};
  std::size_t senders = 2;  // messages under way at a time, at least 1
  std::chrono::milliseconds send_timeout{10'000};
  // With a queue that doesn't survive the process: how long a sender that waits for an answer waits
  // for the collector's.
  std::chrono::milliseconds accept_timeout{10'000};
};

// What became of spans, for those who count. `message` is valid during the call.
struct ForwardEvent {
  enum class Kind : std::uint8_t {
    kDelivered,  // one message
    kFailed,     // one attempt; the spans are kept and tried again
    kRejected,   // given up: the collector can't read them, or one span is too large for it
    kDamaged,    // given up: the buffer can't be read
    kUnsent,     // lost at the end: no collector took them, and the buffer is in memory
  };
  Kind kind = Kind::kDelivered;
  std::string_view collector;
  std::uint64_t spans = 0;
  std::string_view message;
};
const char* ForwardEventName(ForwardEvent::Kind kind) noexcept;    // "delivered", …
using ForwardObserver = std::function<void(const ForwardEvent&)>;  // any thread; must not block

// With a durable queue Accept() returns once the batch is on disk. With one in memory a batch of a
// protocol that acknowledges goes straight to a collector, and Accept() returns with its
// acknowledgement; only what has no answer (UDP) is queued. So nothing acknowledged is lost over a
// kill. A message whose answer is lost is sent again: a collector may get it twice, never more than
// was under way when a connection broke or the process was killed.
class Forwarder final : public SpanSink {
 public:
  static std::unique_ptr<Forwarder> Start(const ForwardOptions& options,
                                          std::unique_ptr<ForwardQueue> queue,
                                          std::unique_ptr<CollectorPool> pool,
                                          ForwardObserver observer = {});
  ~Forwarder() override;  // Stop(0)
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // Errors: kBusy (the buffer is full; no collector took it in time), kIo, kInvalidArgument.
  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override;

  // Waits until all is sent, at most `grace`; then ends what is under way. What is left stays in a
  // durable queue, else it is counted as unsent. May be called again.
  void Stop(std::chrono::milliseconds grace);

  ForwardQueueStats queue() const { return queue_->stats(); }
  const CollectorPool& collectors() const noexcept { return *pool_; }

 private:
  struct Group {
    std::vector<std::uint64_t> ids;
    std::string tenant;
    model::SpanBatch batch;
  };
  struct Sent {
    SendOutcome outcome = SendOutcome::kRetry;  // kRetry: stopped, or too late
    std::string message;
  };

  Forwarder(const ForwardOptions& options, std::unique_ptr<ForwardQueue> queue,
            std::unique_ptr<CollectorPool> pool, ForwardObserver observer);
  void Run(const std::stop_token& stop);
  std::optional<Group> Gather(const std::stop_token& stop);
  std::optional<QueuedBatch> TakeOne(const std::stop_token& stop,
                                     std::optional<CollectorPool::Time> until);
  std::optional<DecodedBatch> Decode(const QueuedBatch& queued);
  // False: stopped, or too late, before all was delivered or given up.
  bool Deliver(const model::SpanBatch& batch, std::string_view tenant, const std::stop_token& stop,
               std::optional<CollectorPool::Time> until, std::string* last_message);
  Sent SendRows(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                std::string_view tenant, const std::stop_token& stop,
                std::optional<CollectorPool::Time> until);
  Status Enqueue(const model::SpanBatch& batch, std::string_view tenant);
  void Tell(ForwardEvent::Kind kind, std::string_view collector, std::uint64_t spans,
            std::string_view message) const;

  const ForwardOptions options_;
  const std::unique_ptr<ForwardQueue> queue_;
  const std::unique_ptr<CollectorPool> pool_;
  const ForwardObserver observer_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t puts_ = 0;               // guarded by mutex_
  std::mutex gather_mutex_;              // one sender fills a group at a time
  std::optional<DecodedBatch> carried_;  // of another tenant than the last group; guarded by it
  std::uint64_t carried_id_ = 0;         // guarded by gather_mutex_
  std::stop_source stop_;
  std::vector<std::jthread> senders_;  // "forward"
};

}  // namespace tracestore::ingest
