// What Zipkin's port tells of the server itself: health, version, figures, and what its pages ask
// first.
#pragma once
#include <tracestore/status.h>

#include <string>
#include <vector>

#include "net/http.h"
#include "server/zipkin/health_probe.h"
#include "server/zipkin/zipkin_query_api.h"

namespace tracestore::server {

// Threads: any. `options` is borrowed.
class ZipkinOperations {
 public:
  explicit ZipkinOperations(const ZipkinQueryOptions& options);

  // UP where the store can be read within QUERY_TIMEOUT, else DOWN with 503.
  net::HttpResponse Health(const net::HttpRequest& request) const;
  net::HttpResponse Info(const net::HttpRequest& request) const;
  net::HttpResponse ActuatorHealth(const net::HttpRequest& request) const;
  net::HttpResponse ActuatorInfo(const net::HttpRequest& request) const;
  net::HttpResponse Metrics(const net::HttpRequest& request) const;
  // The names of all figures, or one by its name, as Spring tells them.
  net::HttpResponse ActuatorMetrics(const net::HttpRequest& request) const;
  net::HttpResponse Prometheus(const net::HttpRequest& request) const;
  net::HttpResponse Config(const net::HttpRequest& request) const;

 private:
  const ZipkinQueryOptions& options_;
  mutable HealthProbe store_;
};

struct ZipkinOperation {
  std::string path;
  std::string told;  // to the observer
  net::HttpResponse (ZipkinOperations::*answer)(const net::HttpRequest&) const;
};
std::vector<ZipkinOperation> ZipkinOperationsOf(const ZipkinQueryOptions& options);

}  // namespace tracestore::server
