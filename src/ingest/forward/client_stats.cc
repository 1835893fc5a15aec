#include "ingest/forward/client_stats.h"

namespace tracestore::ingest {
namespace {

constexpr std::size_t kMostClients = 100'000;
constexpr std::size_t kMostUuidBytes = 256;
constexpr std::chrono::hours kForgetAfter{1};

void AddRise(std::uint64_t& counter, std::int64_t before, std::int64_t now) {
  if (now <= before) return;
  // The difference of two signed numbers may need 64 bits unsigned.
  counter += static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(before);
}

}  // namespace

void ClientStats::Update(const codec::JaegerBatchInfo& batch, Time now) {
  if (batch.client.empty() || batch.client.size() > kMostUuidBytes || !batch.number.has_value())
    return;
  const std::lock_guard lock(mutex_);
  auto found = clients_.find(batch.client);
  if (found == clients_.end()) {
    if (clients_.size() >= kMostClients) return;
    found = clients_.emplace(batch.client, Client{}).first;
    found->second.heard = now;
  }
  Client& client = found->second;
  ++counters_.batches_received;
  if (client.number >= *batch.number) return;
  if (client.number > 0) {
    AddRise(counters_.batches_sent, client.number, *batch.number);
    if (batch.stats.has_value()) {
      AddRise(counters_.dropped_full_queue, client.stats.full_queue, batch.stats->full_queue);
      AddRise(counters_.dropped_too_large, client.stats.too_large, batch.stats->too_large);
      AddRise(counters_.dropped_send_failure, client.stats.failed_to_emit,
              batch.stats->failed_to_emit);
    }
  }
  client.heard = now;
  client.number = *batch.number;
  if (batch.stats.has_value()) client.stats = *batch.stats;
}

void ClientStats::Expire(Time now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(clients_,
                [now](const auto& entry) { return now - entry.second.heard > kForgetAfter; });
}

ClientCounters ClientStats::counters() const {
  const std::lock_guard lock(mutex_);
  ClientCounters out = counters_;
  out.connected_clients = clients_.size();
  return out;
}

}  // namespace tracestore::ingest
