// SelfTracer: a span of the service's own for each request that it serves.
//
// Names, kinds and attributes are OpenTelemetry's semantic conventions for HTTP and RPC servers
// (docs/operations.md lists them). A caller's traceparent, or B3, is honoured: what it sampled is recorded,
// what it did not is not; of other requests a share.
#pragma once
#include <tracestore/status.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "model/span_batch.h"
#include "net/grpc_server.h"
#include "net/http.h"
#include "server/tracing/request_span.h"

namespace tracestore::server {

struct SelfTracerOptions {
  std::string service_name;
  std::string version;
  double ratio = 1;  // of the requests that no caller has decided on: 0 to 1
  double per_second = 0;  // of them at most so many; 0: any number
  // Takes what was recorded, some spans at a time, on the tracer's own thread. What it refuses is lost.
  // Once `give_up` is asked for, nobody waits for it any more.
  std::function<Status(model::SpanBatch&&, const std::stop_token& give_up)> write;
  std::size_t max_waiting = 8'192;  // spans that wait to be written; more are dropped
  std::chrono::milliseconds flush_interval{1'000};
};

struct SelfTracerCounts {
  std::uint64_t written = 0;
  std::uint64_t failed = 0;   // refused by `write`
  std::uint64_t dropped = 0;  // too many waited
  std::uint64_t late = 0;     // ended when the last were written, or later
};

// Threads: any. Must outlive the handlers that it gave.
class SelfTracer {
 public:
  explicit SelfTracer(SelfTracerOptions options);
  ~SelfTracer();  // Stop()
  SelfTracer(const SelfTracer&) = delete;
  SelfTracer& operator=(const SelfTracer&) = delete;

  // `tls`: whether the listener speaks https. The span of a streamed answer ends with it.
  net::HttpHandler Http(net::HttpHandler handler, bool tls);
  // But for the methods of `without`, which are called any number of times a call.
  net::RawGrpcServices Grpc(net::RawGrpcServices methods,
                            const std::set<std::string, std::less<>>& without = {});

  // Writes what waits, within `grace`, and ends the thread. Where the last write failed none is
  // tried: who takes the spans is away, and they count as failed. Spans that end meanwhile, or
  // later, are late.
  void Stop(std::chrono::milliseconds grace = std::chrono::seconds(3));

  SelfTracerCounts counts() const noexcept;

  // Of a request: its span where it is to be recorded, else null.
  std::shared_ptr<RequestSpan> Begin(const HeaderOf& header);
  // For RequestSpan.
  void End(const RequestSpan& span) noexcept;

 private:
  bool HasRoom();
  void Run(const std::stop_token& stop);
  // False: `write` refused them.
  bool Flush();
  void GiveUpWaiting();
  void EndThread();
  model::SpanBatch EmptyBatch() const;

  const SelfTracerOptions options_;
  std::mutex mutex_;
  model::SpanBatch waiting_;  // guarded by mutex_, as what follows
  bool ended_ = false;  // the thread writes no more
  double room_ = 1;  // of per_second, as it was at room_at_
  std::chrono::steady_clock::time_point room_at_ = std::chrono::steady_clock::now();
  std::condition_variable_any wake_;
  std::stop_source give_up_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> late_{0};
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace tracestore::server
