// ForwardTarget: one collector that spans are sent on to, by one protocol.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "model/span_batch.h"
#include "net/host_port.h"
#include "net/tls.h"
#include "net/url.h"

namespace tracestore::ingest {

enum class SendOutcome : std::uint8_t {
  kDelivered,  // the collector has acknowledged it
  kRetry,      // not now: away, full, or it refuses this sender; the same again later
  kTooLarge,   // never as one message; in parts perhaps
  kRejected,   // never: the collector can't read it
};

struct SendResult {
  SendOutcome outcome = SendOutcome::kDelivered;
  std::string message;               // unless delivered: a sentence
  std::uint64_t rejected_spans = 0;  // of a delivered message (OTLP's partial success)
  std::optional<std::chrono::milliseconds> after{};  // of kRetry: when the collector said to come
};

struct SendContext {
  std::string_view tenant;  // "": none; else sent as the header x-tenant
  std::chrono::milliseconds timeout{10'000};
  std::stop_token stop;
};

// Threads: any number call Send() at a time.
class ForwardTarget {
 public:
  virtual ~ForwardTarget() = default;
  // Blocks until the collector has answered, or the time is over.
  virtual SendResult Send(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                          const SendContext& context) = 0;
  virtual const std::string& name() const noexcept = 0;  // "127.0.0.1:14250"
};

enum class ForwardProtocol : std::uint8_t { kJaegerGrpc, kOtlpGrpc, kOtlpHttp, kJaegerTchannel };

// How collectors are reached and what they are shown.
struct CollectorAccess {
  net::TlsClientOptions tls;  // for an https URL whether enabled or not
  // The value of the authorization header, asked for each message; unset: none. Any thread.
  std::function<std::string()> authorization = {};
  std::string tenant_header = "x-tenant";  // in lower case
  std::chrono::milliseconds connect_timeout{5'000};  // of TChannel's connections
};

// "jaeger-grpc", "otlp-grpc", "otlp-http", "jaeger-tchannel".
const char* ForwardProtocolName(ForwardProtocol protocol) noexcept;

// "host:port", the host 127.0.0.1 where it is left out. Errors: kInvalidArgument.
Result<net::HostPort> CollectorAddress(const std::string& address);

// Whether MakeForwardTarget() takes the address. Errors: kInvalidArgument.
Status CheckCollectorAddress(ForwardProtocol protocol, const std::string& address);

// Of a collector by HTTP: a URL, or "host:port" (then with the TLS of `access`). Errors:
// kInvalidArgument.
Result<net::Url> CollectorUrl(const std::string& address, const CollectorAccess& access);

// A collector at "host:port", for gRPC also as GrpcClientAt() takes it, for OTLP over HTTP also at
// "http://host:port/path" or https (without a path /v1/traces). Connects when it first sends.
// Errors: kInvalidArgument.
Result<std::unique_ptr<ForwardTarget>> MakeForwardTarget(ForwardProtocol protocol,
                                                         const std::string& address,
                                                         const CollectorAccess& access = {});

}  // namespace tracestore::ingest
