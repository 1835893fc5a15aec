// JaegerQueryApi: the HTTP API of Jaeger's query service (v1.76's /api/…), over snapshots.
//
// Facts: envelopes, statuses, sentences and content types are those that a running v1.76 answers.
#pragma once
#include <tracestore/store.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "net/http.h"

namespace tracestore::server {

// A moment of what is served; called once a request, on any thread.
using SnapshotSource = std::function<Result<Snapshot>()>;

// Called after each answer's head is ready, on any thread; must not block. `route` is a pattern,
// "/api/traces/{traceID}", or "other": a bounded set. Over gRPC it is a method's path and `status`
// gRPC's code.
using RequestObserver =
    std::function<void(std::string_view route, int status, std::chrono::nanoseconds took)>;

struct JaegerQueryOptions {
  SnapshotSource snapshot;   // required
  RequestObserver observer;  // may be unset
  // Told how much a read of the store found, as soon as that is known: services, operations, traces
  // or links, of "get_services", "get_operations", "find_traces", "get_dependencies". Any thread;
  // must not block; may be unset.
  std::function<void(std::string_view operation, std::uint64_t results)> results;
  // Unix time, for the default ranges. Unset: the system's clock.
  std::function<std::chrono::nanoseconds()> now;
  // After which a search, names or dependencies are given up with 500.
  std::chrono::milliseconds search_deadline{60'000};
  // Copies a trace to the archive; `traces` is 0 where there is none such. Unset: not configured.
  std::function<Result<ArchiveResult>(TraceId)> archive;
  // The spans that the archive has of a trace that the store hasn't. Unset: none.
  std::function<Result<SpanList>(TraceId)> archived;
  std::uint32_t max_traces = 0;  // that a search gives; 0: what it asks for
  // By how much a span may be moved for its clock; 0: none is, which is warned of.
  std::chrono::nanoseconds max_clock_skew{0};
  // Over gRPC spans are as they were stored in every field, more than `raw` asks for: what a
  // storage answers.
  bool as_stored = false;
};

// The handler of a whole server:
//   GET /api/services, /api/services/{service}/operations, /api/operations, /api/traces,
//   /api/traces/{traceID}, /api/dependencies, /api/metrics/{latencies,calls,errors,minstep},
//   /api/v3/…, /api/deep-dependencies, /analytics/v1/dependencies, /api/quality-metrics; POST /api/archive/{traceID}, /api/transform; `/` lists them; all else is 404.
// Found traces are streamed, one in memory at a time.
net::HttpHandler MakeJaegerQueryHandler(JaegerQueryOptions options);

// For HttpServerOptions::error_response: the server's own refusals in Jaeger's envelope.
net::HttpResponse JaegerRefusal(int status, const std::string& message);

}  // namespace tracestore::server
