// The sampling endpoints of Jaeger's agent and collector, over HTTP and gRPC
// (docs/format/sampling.md). They translate; strategies come from a StrategyProvider.
#pragma once
#include <cstdint>
#include <functional>

#include "net/grpc_server.h"
#include "net/http.h"
#include "sampling/strategy_provider.h"

namespace tracestore::server {

// What became of one request, for those who count: the words of Jaeger's v1 metrics.
enum class SamplingOutcome : std::uint8_t {
  kSampling,         // http_server_requests{type="sampling"}
  kSamplingLegacy,   // http_server_requests{type="sampling-legacy"}
  kBaggage,          // http_server_requests{type="baggage"}
  kGrpc,             // answered over gRPC
  kTchannel,         // answered over TChannel, by whoever has that port
  kBadRequest,       // http_server_errors{source="all",status="4xx"}
  kProviderFailure,  // http_server_errors{source="collector-proxy",status="5xx"}
  kEncodeFailure,    // http_server_errors{source="thrift",status="5xx"}
};
// On the server's threads, many at a time; must not block.
using SamplingObserver = std::function<void(SamplingOutcome)>;

// What is borrowed must outlive the handler.
struct SamplingApiOptions {
  sampling::StrategyProvider* strategies = nullptr;  // required
  sampling::BaggageProvider* baggage = nullptr;      // null: no restrictions, "[]"
  SamplingObserver observer;                         // may be unset
};

// Port 5778: GET /sampling and /api/sampling (names), / (numbers), /baggageRestrictions, each with
// ?service=. Answers 400 "'service' parameter must be provided once", 500 "collector error: …" or
// "cannot marshall to JSON", 404 and 405 as plain text.
net::HttpHandler MakeSamplingHandler(SamplingApiOptions options);

// Port 14268: GET /api/sampling alone. For a router that has POST /api/traces beside it.
net::HttpHandler MakeCollectorSamplingHandler(SamplingApiOptions options);

// /jaeger.api_v2.SamplingManager/GetSamplingStrategy, on 5779 and 14250.
net::RawGrpcServices SamplingGrpcServices(SamplingApiOptions options);

}  // namespace tracestore::server
