#include "sampling/adaptive/adaptive_sampler.h"

#include <algorithm>
#include <utility>

#include "base/thread.h"
#include "base/try.h"

namespace tracestore::sampling {
namespace {

// How often a follower reads what the leader told; Jaeger's number.
constexpr std::chrono::nanoseconds kFollowInterval = std::chrono::seconds(20);

std::uint64_t Ns(std::chrono::nanoseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

std::uint64_t Before(std::uint64_t time_ns, std::uint64_t by_ns) {
  return time_ns > by_ns ? time_ns - by_ns : 0;
}

}  // namespace

AdaptiveSampler::AdaptiveSampler(Options options, SamplingStore& store, std::uint64_t now_ns)
    : options_(std::move(options)),
      store_(store),
      counter_(options_.settings.max_operations, now_ns),
      calculator_(options_.settings),
      judged_until_ns_(Before(now_ns, Ns(options_.settings.calculation_delay))),
      next_interval_ns_(now_ns + Ns(options_.settings.calculation_interval)),
      next_lease_ns_(now_ns),
      next_follow_ns_(now_ns + Ns(kFollowInterval)),
      strategies_(std::make_shared<const Strategies>()) {}

AdaptiveSampler::~AdaptiveSampler() {
  thread_.request_stop();
  wake_.notify_all();
}

Result<std::unique_ptr<AdaptiveSampler>> AdaptiveSampler::Open(Options options,
                                                               SamplingStore& store,
                                                               std::uint64_t now_ns) {
  TS_TRY(options.settings.Validate());
  std::unique_ptr<AdaptiveSampler> out(new AdaptiveSampler(std::move(options), store, now_ns));
  TS_TRY(out->LoadHistory());
  return out;
}

// The buckets of the last intervals, the oldest first, as if this collector had been here.
Status AdaptiveSampler::LoadHistory() {
  TS_TRY(Follow());
  const std::uint64_t interval = Ns(options_.settings.calculation_interval);
  for (std::size_t i = options_.settings.aggregation_buckets; i > 0; --i) {
    const std::uint64_t end = Before(judged_until_ns_, (i - 1) * interval);
    const std::uint64_t begin = Before(judged_until_ns_, i * interval);
    TS_TRY_ASSIGN(const auto reports, store_.ThroughputBetween(begin, end));
    if (!reports.empty()) calculator_.AddBucket(begin, end, reports);
  }
  return {};
}

void AdaptiveSampler::Check(const Status& status) {
  if (status.has_value()) return;
  ++store_errors_;
  if (options_.log) options_.log("adaptive sampling: " + status.error().message());
}

// A clock that was set back doesn't stop what is due until it has caught up.
void AdaptiveSampler::FollowClock(std::uint64_t now_ns) {
  const AdaptiveOptions& settings = options_.settings;
  const auto no_later = [now_ns](std::uint64_t& due, std::chrono::nanoseconds after) {
    due = std::min(due, now_ns + Ns(after));
  };
  no_later(next_interval_ns_, settings.calculation_interval);
  no_later(next_lease_ns_, settings.follower_lease_refresh_interval);
  no_later(next_follow_ns_, kFollowInterval);
  judged_until_ns_ = std::min(judged_until_ns_, now_ns);
}

void AdaptiveSampler::Tick(std::uint64_t now_ns) {
  FollowClock(now_ns);
  if (now_ns >= next_lease_ns_) RefreshLease(now_ns);
  if (now_ns >= next_interval_ns_) {
    Check(RunInterval(now_ns));
    // After a pause (a suspended machine) the next interval is counted from now.
    next_interval_ns_ += Ns(options_.settings.calculation_interval);
    if (next_interval_ns_ <= now_ns)
      next_interval_ns_ = now_ns + Ns(options_.settings.calculation_interval);
  }
  if (now_ns >= next_follow_ns_) {
    next_follow_ns_ = now_ns + Ns(kFollowInterval);
    if (!leader_.load()) Check(Follow());
  }
}

void AdaptiveSampler::RefreshLease(std::uint64_t now_ns) {
  const AdaptiveOptions& settings = options_.settings;
  const auto lease =
      store_.TryLease(options_.collector, now_ns, settings.follower_lease_refresh_interval);
  if (!lease.has_value()) Check(lease.error());
  const bool leads = lease.has_value() && *lease;
  if (leads && !leader_.load()) Check(Follow());  // go on from what the last leader told
  leader_ = leads;
  next_lease_ns_ = now_ns + Ns(leads ? settings.leader_lease_refresh_interval
                                     : settings.follower_lease_refresh_interval);
}

Status AdaptiveSampler::RunInterval(std::uint64_t now_ns) {
  const AdaptiveOptions& settings = options_.settings;
  const std::uint64_t interval = Ns(settings.calculation_interval);
  const std::uint64_t delay = Ns(settings.calculation_delay);
  const std::uint64_t keep = delay + (settings.aggregation_buckets + 2) * interval;
  TS_TRY(store_.AddThroughput(options_.collector, counter_.Take(now_ns), Before(now_ns, keep)));
  const std::uint64_t end = Before(now_ns, delay);
  if (end <= judged_until_ns_) return {};
  // A follower keeps the buckets too, so that it can go on when it becomes the leader.
  TS_TRY_ASSIGN(const auto reports, store_.ThroughputBetween(judged_until_ns_, end));
  calculator_.AddBucket(judged_until_ns_, end, reports);
  judged_until_ns_ = end;
  if (!leader_.load()) return {};
  auto states = calculator_.Calculate(states_, now_ns);
  ++calculations_;
  TS_TRY(store_.PutStates(states));
  Publish(std::move(states));
  return {};
}

Status AdaptiveSampler::Follow() {
  TS_TRY_ASSIGN(auto states, store_.States());
  Publish(std::move(states));
  return {};
}

void AdaptiveSampler::Publish(std::vector<OperationState> states) {
  auto strategies = std::make_shared<Strategies>();
  for (const OperationState& each : states) {
    auto found = strategies->find(each.service);
    if (found == strategies->end())
      found = strategies->emplace(each.service, Default(options_.settings)).first;
    found->second.operations->operations.push_back({each.operation, each.probability});
  }
  operations_ = states.size();
  states_ = std::move(states);
  strategies_ = std::move(strategies);
}

codec::SamplingStrategy AdaptiveSampler::Default(const AdaptiveOptions& settings) {
  codec::SamplingStrategy out;
  out.operations.emplace();
  out.operations->default_probability = settings.initial_sampling_probability;
  out.operations->lower_bound = settings.min_samples_per_second;
  return out;
}

Result<codec::SamplingStrategy> AdaptiveSampler::StrategyFor(std::string_view service) {
  const auto strategies = strategies_.load();
  const auto found = strategies->find(service);
  return found == strategies->end() ? Default(options_.settings) : found->second;
}

AdaptiveCounters AdaptiveSampler::counters() const {
  return {calculations_.load(), store_errors_.load(), counter_.left_out(), operations_.load(),
          leader_.load()};
}

void AdaptiveSampler::Start() {
  thread_ = base::StartThread([this](const std::stop_token& stop) { Run(stop); });
}

void AdaptiveSampler::Run(const std::stop_token& stop) {
  std::unique_lock lock(wake_mutex_);
  while (!stop.stop_requested()) {
    Tick(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count()));
    wake_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
  }
}

}  // namespace tracestore::sampling
