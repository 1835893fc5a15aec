// Jaeger's analyses of many traces: deep dependencies and trace quality, calculated from the store,
// where Jaeger's own server has samples (docs/format/jaeger-api.md, "Analyses").
#pragma once
#include <memory>

#include "net/http.h"
#include "server/jaeger/query_source.h"

namespace tracestore::server {

// Threads: any.
class JaegerAnalyticsApi {
 public:
  explicit JaegerAnalyticsApi(std::shared_ptr<const JaegerQuerySource> source)
      : source_(std::move(source)) {}

  // GET /api/deep-dependencies, /analytics/v1/dependencies: service, operation, start and end (µs;
  // 0 or none: the last 24 hours).
  net::HttpResponse Paths(const net::HttpRequest& request) const;
  // GET /api/quality-metrics: service, hours (48).
  net::HttpResponse Quality(const net::HttpRequest& request) const;

 private:
  const std::shared_ptr<const JaegerQuerySource> source_;
};

}  // namespace tracestore::server
