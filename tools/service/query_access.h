// QueryAccess: who asks what of the query ports, told in the log, and how many may ask at a time.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "net/grpc_server.h"
#include "net/http.h"
#include "server/admin/metrics.h"

namespace tracestore::tools {

struct QueryAccessOptions {
  bool log = false;                  // a line for each request, once it is answered
  std::uint64_t max_concurrent = 0;  // queries begun and not wholly answered; 0: any number
};

// Threads: any. Handlers that it gave must not outlive it.
class QueryAccess {
 public:
  QueryAccess(QueryAccessOptions options, server::MetricRegistry& metrics);

  // `server` is the listener's name in metrics and log. Beyond the bound a request is answered with
  // `refusal`(503, …) and Retry-After, a call with RESOURCE_EXHAUSTED and RetryInfo; what is
  // streamed counts until its end.
  net::HttpHandler Http(std::string server, net::HttpHandler handler,
                        std::function<net::HttpResponse(int, const std::string&)> refusal);
  net::RawGrpcServices Grpc(const std::string& server, net::RawGrpcServices methods);

  std::uint64_t in_flight() const noexcept { return in_flight_; }

 private:
  class Ticket;
  bool Enter() noexcept;
  void Refused(const std::string& server);

  const QueryAccessOptions options_;
  server::MetricRegistry& metrics_;
  std::atomic<std::uint64_t> in_flight_ = 0;
};

}  // namespace tracestore::tools
