// RequestSpan: what is known of a request that is being served, until it becomes a span.
#pragma once
#include <tracestore/span_types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/span_batch.h"
#include "net/grpc_reply.h"
#include "net/grpc_server.h"
#include "net/http.h"
#include "server/tracing/trace_parent.h"

namespace tracestore::server {

class SelfTracer;

// Threads: one at a time. Ends when its last owner lets it go.
class RequestSpan {
 public:
  // `parent` has the trace; its span id is empty where nobody called.
  RequestSpan(SelfTracer& tracer, const TraceParent& parent, std::string tracestate);
  ~RequestSpan();
  RequestSpan(const RequestSpan&) = delete;
  RequestSpan& operator=(const RequestSpan&) = delete;

  void SetRequest(const net::HttpRequest& request, bool tls);
  void SetResponse(const net::HttpResponse& response);
  void SetRequest(const net::RawRequest& request);
  // Of a stream its end.
  void SetReply(const net::RawReply& reply);
  // Bytes of an answer's body.
  void AddBytes(std::size_t bytes) noexcept { bytes_ += static_cast<std::int64_t>(bytes); }
  // The answer is whole. What ends without was broken off.
  void Finish() noexcept { finished_ = true; }

  // Appends it to `batch`, of its resource and scope 0.
  void AppendTo(model::SpanBatch& batch) const;

 private:
  using Value = std::variant<std::string, std::int64_t>;
  void Set(std::string_view key, std::string_view text);
  void Set(std::string_view key, std::int64_t number) { attributes_.emplace_back(key, number); }
  void SetPeer(std::string_view peer);

  SelfTracer& tracer_;
  const TraceParent parent_;
  const std::string tracestate_;
  const SpanId span_id_;
  const std::chrono::system_clock::time_point start_;
  const std::chrono::steady_clock::time_point begin_;
  std::string name_;
  std::vector<std::pair<std::string, Value>> attributes_;
  StatusCode status_ = StatusCode::kUnset;
  std::string status_message_;
  std::int64_t bytes_ = 0;
  bool http_ = false;
  bool finished_ = false;
};

}  // namespace tracestore::server
