#include "ingest/forward/forwarder.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/thread.h"
#include "base/try.h"

namespace tracestore::ingest {
namespace {

using Clock = std::chrono::steady_clock;

// A record of the disk buffer holds 64 MiB; a batch of more than this goes in as several.
constexpr std::size_t kMostQueuedBytes = std::size_t{16} << 20;
// After the queue gave an error.
constexpr std::chrono::milliseconds kQueueRetry{1'000};

model::SpanBatch CopyRows(const model::SpanBatch& batch, std::uint32_t begin, std::uint32_t end) {
  model::SpanBatch out;
  model::BatchAppender appender(out);
  appender.SetSource(batch);
  for (std::uint32_t row = begin; row < end; ++row) appender.Append(row);
  return out;
}

}  // namespace

const char* ForwardEventName(ForwardEvent::Kind kind) noexcept {
  switch (kind) {
    case ForwardEvent::Kind::kDelivered: return "delivered";
    case ForwardEvent::Kind::kFailed: return "failed";
    case ForwardEvent::Kind::kRejected: return "rejected";
    case ForwardEvent::Kind::kDamaged: return "damaged";
    case ForwardEvent::Kind::kUnsent: return "unsent";
  }
  return "";
}

Forwarder::Forwarder(const ForwardOptions& options, std::unique_ptr<ForwardQueue> queue,
                     std::unique_ptr<CollectorPool> pool, ForwardObserver observer)
    : options_(options),
      queue_(std::move(queue)),
      pool_(std::move(pool)),
      observer_(std::move(observer)) {}

std::unique_ptr<Forwarder> Forwarder::Start(const ForwardOptions& options,
                                            std::unique_ptr<ForwardQueue> queue,
                                            std::unique_ptr<CollectorPool> pool,
                                            ForwardObserver observer) {
  std::unique_ptr<Forwarder> out(
      new Forwarder(options, std::move(queue), std::move(pool), std::move(observer)));
  for (std::size_t i = 0; i < std::max<std::size_t>(options.senders, 1); ++i)
    out->senders_.push_back(
        base::StartThread([self = out.get()] { self->Run(self->stop_.get_token()); }));
  return out;
}

Forwarder::~Forwarder() { Stop(std::chrono::milliseconds(0)); }

void Forwarder::Tell(ForwardEvent::Kind kind, std::string_view collector, std::uint64_t spans,
                     std::string_view message) const {
  if (observer_) observer_({kind, collector, spans, message});
}

Status Forwarder::Accept(model::SpanBatch&& batch, const SpanContext& context) {
  if (batch.empty()) return {};
  if (stop_.stop_requested()) return Error(ErrorCode::kBusy, "the service is stopping");
  if (queue_->durable() || context.source.transport == transport::kUdp)
    return Enqueue(batch, context.source.tenant);
  std::string why = "all of them rest";
  const auto until = Clock::now() + options_.accept_timeout;
  if (Deliver(batch, context.source.tenant, stop_.get_token(), until, &why)) return {};
  return Error(ErrorCode::kBusy, "no collector took the spans in " +
                                     std::to_string(options_.accept_timeout.count()) +
                                     " ms: " + why);
}

Status Forwarder::Enqueue(const model::SpanBatch& batch, std::string_view tenant) {
  const auto rows = static_cast<std::uint32_t>(batch.size());
  const auto parts = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(batch.memory_bytes() / kMostQueuedBytes + 1, 1, batch.size()));
  for (std::uint32_t part = 0; part < parts; ++part) {
    const auto begin = static_cast<std::uint32_t>(std::uint64_t{rows} * part / parts);
    const auto end = static_cast<std::uint32_t>(std::uint64_t{rows} * (part + 1) / parts);
    TS_TRY(queue_->Put(parts == 1 ? EncodeQueued(batch, tenant)
                                  : EncodeQueued(CopyRows(batch, begin, end), tenant)));
  }
  const std::lock_guard lock(mutex_);
  ++puts_;
  changed_.notify_all();
  return {};
}

std::optional<QueuedBatch> Forwarder::TakeOne(const std::stop_token& stop,
                                              std::optional<CollectorPool::Time> until) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    const std::uint64_t seen = puts_;
    lock.unlock();
    auto taken = queue_->Take();
    if (taken.has_value() && taken->has_value()) return std::move(*taken);
    if (!taken.has_value()) Tell(ForwardEvent::Kind::kFailed, "", 0, taken.error().message());
    const auto now = Clock::now();
    if (until.has_value() && now >= *until) return std::nullopt;
    lock.lock();
    const auto changed = [&] { return puts_ != seen; };
    if (!taken.has_value()) {
      changed_.wait_until(lock, stop,
                          std::min(until.value_or(now + kQueueRetry), now + kQueueRetry),
                          [] { return false; });
    } else if (until.has_value()) {
      changed_.wait_until(lock, stop, *until, changed);
    } else {
      changed_.wait(lock, stop, changed);
    }
  }
  return std::nullopt;
}

std::optional<DecodedBatch> Forwarder::Decode(const QueuedBatch& queued) {
  auto decoded = DecodeQueued(queued.payload);
  if (decoded.has_value()) return std::move(*decoded);
  Tell(ForwardEvent::Kind::kDamaged, "", SpansOfQueued(queued.payload), decoded.error().message());
  const std::uint64_t ids[] = {queued.id};
  (void)queue_->Done(ids);
  return std::nullopt;
}

// One message's worth, all of one tenant.
std::optional<Forwarder::Group> Forwarder::Gather(const std::stop_token& stop) {
  const std::lock_guard gathering(gather_mutex_);
  Group group;
  std::vector<DecodedBatch> parts;
  std::size_t bytes = 0;
  std::size_t spans = 0;
  std::optional<CollectorPool::Time> until;
  const auto add = [&](std::uint64_t id, DecodedBatch&& part) {
    if (parts.empty()) until = Clock::now() + options_.batch_wait;
    spans += part.batch.size();
    group.ids.push_back(id);
    group.tenant = part.tenant;
    parts.push_back(std::move(part));
  };
  if (carried_.has_value()) add(carried_id_, *std::exchange(carried_, std::nullopt));
  while (spans < options_.batch_spans && bytes < options_.batch_bytes) {
    auto queued = TakeOne(stop, until);
    if (!queued.has_value()) break;
    bytes += queued->payload.size();
    auto part = Decode(*queued);
    if (!part.has_value()) continue;
    if (!parts.empty() && part->tenant != group.tenant) {
      carried_ = std::move(part);
      carried_id_ = queued->id;
      break;
    }
    add(queued->id, std::move(*part));
  }
  if (parts.empty()) return std::nullopt;
  if (parts.size() == 1) {
    group.batch = std::move(parts.front().batch);
    return group;
  }
  model::BatchAppender appender(group.batch);
  for (const DecodedBatch& part : parts) {
    appender.SetSource(part.batch);
    for (std::uint32_t row = 0; row < part.batch.size(); ++row) appender.Append(row);
  }
  return group;
}

Forwarder::Sent Forwarder::SendRows(const model::SpanBatch& batch,
                                    std::span<const std::uint32_t> rows, std::string_view tenant,
                                    const std::stop_token& stop,
                                    std::optional<CollectorPool::Time> until) {
  Sent out;
  while (!stop.stop_requested()) {
    const auto now = Clock::now();
    if (until.has_value() && now >= *until) break;
    const auto index = pool_->Pick(now);
    if (!index.has_value()) {
      auto wake = pool_->NextTry();
      if (until.has_value()) wake = std::min(wake, *until);
      std::unique_lock lock(mutex_);
      changed_.wait_until(lock, stop, wake, [] { return false; });
      continue;
    }
    SendContext context;
    context.tenant = tenant;
    context.timeout = options_.send_timeout;
    if (until.has_value())
      context.timeout =
          std::min(context.timeout, std::chrono::ceil<std::chrono::milliseconds>(*until - now));
    context.stop = stop;
    ForwardTarget& target = pool_->target(*index);
    const SendResult result = target.Send(batch, rows, context);
    out.message = target.name() + ": " + result.message;
    if (result.outcome == SendOutcome::kRetry) {
      pool_->Failed(*index, Clock::now(), result.after);
      Tell(ForwardEvent::Kind::kFailed, target.name(), rows.size(), result.message);
      continue;
    }
    pool_->Succeeded(*index);
    out.outcome = result.outcome;
    const std::uint64_t rejected = std::min<std::uint64_t>(result.rejected_spans, rows.size());
    if (result.outcome == SendOutcome::kDelivered)
      Tell(ForwardEvent::Kind::kDelivered, target.name(), rows.size() - rejected, "");
    if (rejected > 0) Tell(ForwardEvent::Kind::kRejected, target.name(), rejected, result.message);
    return out;
  }
  return out;
}

bool Forwarder::Deliver(const model::SpanBatch& batch, std::string_view tenant,
                        const std::stop_token& stop, std::optional<CollectorPool::Time> until,
                        std::string* last_message) {
  std::vector<std::uint32_t> all(batch.size());
  std::iota(all.begin(), all.end(), 0U);
  // Of a message that is too large for the collector, the halves; the first ones on top.
  std::vector<std::span<const std::uint32_t>> pending = {all};
  while (!pending.empty()) {
    const auto rows = pending.back();
    const Sent sent = SendRows(batch, rows, tenant, stop, until);
    if (sent.outcome == SendOutcome::kRetry) {
      if (last_message != nullptr && !sent.message.empty()) *last_message = sent.message;
      return false;
    }
    pending.pop_back();
    if (sent.outcome == SendOutcome::kTooLarge && rows.size() > 1) {
      pending.push_back(rows.subspan(rows.size() / 2));
      pending.push_back(rows.first(rows.size() / 2));
    } else if (sent.outcome != SendOutcome::kDelivered) {
      Tell(ForwardEvent::Kind::kRejected, "", rows.size(), sent.message);
    }
  }
  return true;
}

void Forwarder::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto group = Gather(stop);
    if (!group.has_value()) continue;
    if (!Deliver(group->batch, group->tenant, stop, std::nullopt, nullptr)) {
      if (!queue_->durable()) Tell(ForwardEvent::Kind::kUnsent, "", group->batch.size(), "stopped");
      return;
    }
    if (const Status done = queue_->Done(group->ids); !done.has_value())
      Tell(ForwardEvent::Kind::kFailed, "", 0, done.error().message());
    const std::lock_guard lock(mutex_);
    changed_.notify_all();  // Stop() waits for an empty queue
  }
}

void Forwarder::Stop(std::chrono::milliseconds grace) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, Clock::now() + grace,
                        [this] { return stop_.stop_requested() || queue_->stats().batches == 0; });
  }
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  senders_.clear();  // joins
  if (queue_->durable()) return;
  const std::lock_guard gathering(gather_mutex_);
  if (carried_.has_value())
    Tell(ForwardEvent::Kind::kUnsent, "", std::exchange(carried_, {})->batch.size(), "stopped");
  for (auto left = queue_->Take(); left.has_value() && left->has_value(); left = queue_->Take())
    Tell(ForwardEvent::Kind::kUnsent, "", SpansOfQueued((*left)->payload), "stopped");
}

}  // namespace tracestore::ingest
