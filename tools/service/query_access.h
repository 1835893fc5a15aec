// QueryAccess: who asks what of the query ports, told in the log; how many may ask at a time, and how
// much memory their answers may take.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <tracestore/store.h>

#include "base/memory_budget.h"
#include "net/grpc_server.h"
#include "net/http.h"
#include "server/admin/metrics.h"

namespace tracestore::tools {

struct QueryAccessOptions {
  bool log = false;                  // a line for each request, once it is answered
  std::uint64_t max_concurrent = 0;  // queries begun and not wholly answered; 0: any number
  // Of the spans and traces that answers are made of, while they are held, and of what is made of
  // them until it is sent: of a streamed answer over HTTP what was made in its last turn
  // (net/stream_turn.h), over gRPC its last message.
  MemoryBudget::Limits memory = {};
};

// A moment of a store whose spans are counted as those of the query that the calling thread makes the
// answer of; as it was where it makes none.
Result<Snapshot> Counted(Result<Snapshot> snapshot);

// Calls `count` with the status, or gRPC's code, that the client gets of the answer that the
// calling thread makes: `status`, or what stands in its place where the query is refused its memory
// or fails before a first byte; once that is known. At once where the thread makes none.
void CountAnswer(int status, std::function<void(int status)> count);

// Threads: any. Handlers that it gave must not outlive it.
class QueryAccess {
 public:
  QueryAccess(QueryAccessOptions options, server::MetricRegistry& metrics);

  // `server` is the listener's name in metrics and log. Beyond the bound a request is answered with
  // `refusal`(503, …) and Retry-After, a call with RESOURCE_EXHAUSTED and RetryInfo; what is streamed
  // counts until its end. A query that is refused its memory gets the same where all hold too much;
  // where it asks for too much itself, `refusal`(422, …), and RESOURCE_EXHAUSTED without RetryInfo.
  // A stream that fails in its first turn is answered with `refusal`(500, …), and counted and logged
  // as that; after it the answer is broken off.
  net::HttpHandler Http(std::string server, net::HttpHandler handler,
                        std::function<net::HttpResponse(int, const std::string&)> refusal);
  net::RawGrpcServices Grpc(const std::string& server, net::RawGrpcServices methods);

  std::uint64_t in_flight() const noexcept { return in_flight_; }
  const MemoryBudget& memory() const noexcept { return *memory_; }

 private:
  class Ticket;
  using Words = std::function<net::HttpResponse(int, const std::string&)>;
  bool Enter() noexcept;
  void Refused(const std::string& server, const char* reason);
  net::HttpResponse Answer(const std::shared_ptr<Ticket>& ticket, const net::HttpHandler& handler,
                           const Words& refusal, const net::HttpRequest& request);

  const QueryAccessOptions options_;
  const std::shared_ptr<MemoryBudget> memory_;
  server::MetricRegistry& metrics_;
  std::atomic<std::uint64_t> in_flight_ = 0;
};

}  // namespace tracestore::tools
