// ClientStats: what Jaeger's clients say they have lost, told on as an agent's own counters.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "codec/jaeger/thrift_decoder.h"

namespace tracestore::ingest {

// Since the start; the names of jaeger_agent_client_stats_….
struct ClientCounters {
  std::uint64_t batches_received = 0;  // from clients that number their batches
  std::uint64_t batches_sent = 0;      // as their numbers say
  std::uint64_t dropped_full_queue = 0;
  std::uint64_t dropped_too_large = 0;
  std::uint64_t dropped_send_failure = 0;
  std::uint64_t connected_clients = 0;  // heard of within the last hour
};

// Jaeger's rules. A client is told by its process tag client-uuid, and counts only with a seqNo.
// Its first batch sets where its counts begin (it may have run for long); of later ones the
// differences are added. A batch out of order is received, but its counts are older than those
// known. A client that wasn't heard of for an hour is forgotten.
//
// One rule is ours: counts that go back (a client that began anew under its uuid) add nothing.
//
// Threads: every method from any. Memory: bounded, 100,000 clients; others aren't counted.
class ClientStats {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void Update(const codec::JaegerBatchInfo& batch, Time now);
  // Forgets clients not heard of; to be called now and then (Jaeger: every 15 minutes).
  void Expire(Time now);
  ClientCounters counters() const;

 private:
  struct Client {
    Time heard;
    std::int64_t number = 0;
    codec::JaegerClientStats stats;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Client> clients_;  // by uuid; guarded by mutex_
  ClientCounters counters_;                // guarded by mutex_
};

}  // namespace tracestore::ingest
