#include "server/tracing/request_span.h"

#include <algorithm>
#include <array>

#include "net/host_port.h"
#include "server/tracing/self_tracer.h"
#include "server/tracing/span_ids.h"

namespace tracestore::server {
namespace {

// Of a text that a client sent: a span is no place for its megabytes.
constexpr std::size_t kMostBytes = 1'024;

// The methods that have names of their own; the rest are one, so that names of spans are few.
constexpr std::array<std::string_view, 9> kMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
constexpr std::string_view kOther = "_OTHER";

// As the conventions say of a server: what it could not have been asked better for.
bool IsServersFault(net::GrpcCode code) {
  switch (code) {
    case net::GrpcCode::kUnknown:
    case net::GrpcCode::kDeadlineExceeded:
    case net::GrpcCode::kUnimplemented:
    case net::GrpcCode::kInternal:
    case net::GrpcCode::kUnavailable:
    case net::GrpcCode::kDataLoss: return true;
    default: return false;
  }
}

}  // namespace

RequestSpan::RequestSpan(SelfTracer& tracer, const TraceParent& parent, std::string tracestate)
    : tracer_(tracer),
      parent_(parent),
      tracestate_(std::move(tracestate)),
      span_id_(RandomSpanId()),
      start_(std::chrono::system_clock::now()),
      begin_(std::chrono::steady_clock::now()) {}

RequestSpan::~RequestSpan() { tracer_.End(*this); }

void RequestSpan::Set(std::string_view key, std::string_view text) {
  if (!text.empty()) attributes_.emplace_back(key, std::string(text.substr(0, kMostBytes)));
}

void RequestSpan::SetPeer(std::string_view peer) {
  const auto address = net::ParseHostPort(peer, "");
  if (!address.has_value()) return;
  Set("network.peer.address", address->host);
  Set("network.peer.port", address->port);
}

void RequestSpan::SetRequest(const net::HttpRequest& request, bool tls) {
  http_ = true;
  const bool known = std::find(kMethods.begin(), kMethods.end(), request.method) != kMethods.end();
  name_ = known ? request.method : "HTTP";
  Set("http.request.method", known ? request.method : kOther);
  if (!known) Set("http.request.method_original", request.method);
  Set("url.scheme", tls ? "https" : "http");
  Set("url.path", request.path);
  if (const auto question = request.raw_target.find('?'); question != std::string::npos)
    Set("url.query", std::string_view(request.raw_target).substr(question + 1));
  const std::string_view host = request.header("Host");
  if (const auto parsed = net::ParseHostPort(host, ""); parsed.has_value()) {
    Set("server.address", parsed->host);
    Set("server.port", parsed->port);
  } else {
    Set("server.address", host);
  }
  SetPeer(request.peer);
  Set("user_agent.original", request.header("User-Agent"));
}

void RequestSpan::SetResponse(const net::HttpResponse& response) {
  Set("http.route", response.route);
  if (!response.route.empty()) name_ += " " + response.route;
  Set("http.response.status_code", response.status);
  if (response.status < 500) return;
  status_ = StatusCode::kError;
  Set("error.type", std::to_string(response.status));
}

void RequestSpan::SetRequest(const net::RawRequest& request) {
  std::string_view method = request.method;
  if (method.starts_with('/')) method.remove_prefix(1);
  name_ = method;
  Set("rpc.system", "grpc");
  const auto slash = method.rfind('/');
  if (slash != std::string_view::npos) Set("rpc.service", method.substr(0, slash));
  Set("rpc.method", slash == std::string_view::npos ? method : method.substr(slash + 1));
  SetPeer(request.peer);
}

void RequestSpan::SetReply(const net::RawReply& reply) {
  Set("rpc.grpc.status_code", static_cast<int>(reply.code));
  if (!IsServersFault(reply.code)) return;
  status_ = StatusCode::kError;
  status_message_ = reply.message.substr(0, kMostBytes);
  Set("error.type", GrpcCodeName(reply.code));
}

void RequestSpan::AppendTo(model::SpanBatch& batch) const {
  model::SpanRecord span;
  span.trace_id = parent_.trace_id;
  span.span_id = span_id_;
  span.parent_id = parent_.span_id;
  span.trace_state = batch.strings.Intern(tracestate_);
  span.flags = model::kFlagSampled;
  span.name = batch.strings.Intern(name_);
  span.kind = SpanKind::kServer;
  span.start_ns = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(start_.time_since_epoch()).count());
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begin_;
  span.duration_ns = static_cast<std::uint64_t>(took.count());
  span.presence = model::kHasStart | model::kHasDuration;
  span.status = finished_ ? status_ : StatusCode::kError;
  span.status_message =
      batch.strings.Intern(finished_ ? std::string_view(status_message_) : "broken off");
  span.attributes.begin = static_cast<std::uint32_t>(batch.attributes.size());
  for (const auto& [key, value] : attributes_) {
    const model::StringId id = batch.strings.Intern(key);
    if (const auto* text = std::get_if<std::string>(&value)) {
      batch.AddString(id, *text);
    } else {
      batch.AddInt(id, std::get<std::int64_t>(value));
    }
  }
  if (http_) batch.AddInt(batch.strings.Intern("http.response.body.size"), bytes_);
  if (!finished_) batch.AddString(batch.strings.Intern("error.type"), "broken_off");
  span.attributes.count =
      static_cast<std::uint32_t>(batch.attributes.size()) - span.attributes.begin;
  batch.spans.push_back(span);
}

}  // namespace tracestore::server
