// Jaeger's API v3 over HTTP (/api/v3/…): OTLP JSON, times in nanoseconds.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "net/http.h"
#include "net/http_router.h"
#include "server/jaeger/query_source.h"

namespace tracestore::server {

// Every answer is application/json; an error {"error":{"httpCode":N,"message":…}}. Threads: any.
class JaegerV3Api {
 public:
  explicit JaegerV3Api(std::shared_ptr<const JaegerQuerySource> source)
      : source_(std::move(source)) {}

  net::HttpResponse Services(const net::HttpRequest& request, const net::PathParams& path) const;
  net::HttpResponse Operations(const net::HttpRequest& request, const net::PathParams& path) const;
  net::HttpResponse Trace(const net::HttpRequest& request, const net::PathParams& path) const;
  // Found traces are streamed, one in memory at a time.
  net::HttpResponse Traces(const net::HttpRequest& request, const net::PathParams& path) const;
  // Long lists are streamed, each summary made when its turn comes.
  net::HttpResponse Summaries(const net::HttpRequest& request, const net::PathParams& path) const;
  net::HttpResponse Dependencies(const net::HttpRequest& request,
                                 const net::PathParams& path) const;

 private:
  std::uint64_t SkewNs() const {
    return static_cast<std::uint64_t>(source_->options().max_clock_skew.count());
  }
  const std::shared_ptr<const JaegerQuerySource> source_;
};

struct JaegerV3Route {
  const char* path;  // a pattern of net::HttpRouter
  net::HttpResponse (JaegerV3Api::*handle)(const net::HttpRequest&, const net::PathParams&) const;
};
std::span<const JaegerV3Route> JaegerV3Routes() noexcept;

}  // namespace tracestore::server
