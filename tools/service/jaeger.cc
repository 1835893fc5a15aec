// Jaeger's ports: the agent's three by UDP, the collector's by gRPC, HTTP and TChannel.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "ingest/forward/client_stats.h"
#include "ingest/receivers/agent_udp.h"
#include "ingest/receivers/jaeger_grpc.h"
#include "ingest/receivers/jaeger_http.h"
#include "ingest/receivers/tchannel.h"
#include "service/http_duration.h"
#include "service/listeners.h"
#include "service/parts.h"
#include "service/sampling.h"

namespace tracestore::tools {
namespace {

// A record of the log, or a message to a collector, has a price of its own, whatever is in it.
constexpr std::chrono::milliseconds kGather{5};

// One of the agent's ports, as Jaeger's metrics name it.
struct AgentPort {
  const char* key;
  const char* shown;
  const char* model;
  const char* protocol_name;
  codec::ThriftProtocol protocol;
  const UdpSection& config;
};

void Describe(server::MetricRegistry& metrics) {
  static constexpr std::pair<const char*, const char*> kMetrics[] = {
      {"jaeger_agent_thrift_udp_server_packets_processed_total", "Packets read."},
      {"jaeger_agent_thrift_udp_server_packets_dropped_total",
       "Packets dropped: the queue was full, they were too long, or the kernel had no room."},
      {"jaeger_agent_thrift_udp_server_read_errors_total", "Reads of the socket that failed."},
      {"jaeger_agent_thrift_udp_server_queue_size", "Packets that wait."},
      {"jaeger_agent_thrift_udp_t_processor_handler_errors_total", "Packets that can't be read."},
      {"tracestore_udp_packets_dropped_total", "Packets dropped, by port and cause."},
      {"tracestore_udp_bytes_total", "Bytes of packets read."},
      {"jaeger_agent_client_stats_batches_received_total", "Batches of clients that number them."},
      {"jaeger_agent_client_stats_batches_sent_total", "Batches that they say they have sent."},
      {"jaeger_agent_client_stats_connected_clients", "Clients heard of within an hour."},
      {"jaeger_agent_client_stats_spans_dropped_total",
       "Spans that clients say they have dropped, by cause."},
      {"tracestore_tchannel_refused_total",
       "Calls and connections of TChannel refused for what came over them, by cause."},
      {"jaeger_collector_http_request_duration", "Seconds of requests to Jaeger's HTTP port."},
      {"jaeger_collector_http_server_requests_total", "Requests for strategies, by type."},
      {"jaeger_collector_http_server_errors_total", "Requests refused or failed, by source."},
  };
  for (const auto& [name, help] : kMetrics) metrics.Describe(name, help);
}

void CollectUdp(const ingest::AgentUdpReceiver& receiver, const AgentPort& port,
                server::MetricRegistry& metrics) {
  const net::UdpCounters counters = receiver.counters();
  const server::MetricLabels labels{{"model", port.model}, {"protocol", port.protocol_name}};
  const auto set = [&](const std::string& name, std::uint64_t value) {
    metrics.Set("jaeger_agent_thrift_udp_" + name, labels, static_cast<double>(value));
  };
  set("server_packets_processed_total", counters.packets);
  set("server_packets_dropped_total",
      counters.dropped_full + counters.dropped_long + counters.dropped_kernel);
  set("server_read_errors_total", counters.read_errors);
  set("server_queue_size", counters.queued);
  set("t_processor_handler_errors_total", receiver.unreadable());
  const auto dropped = [&](const char* cause, std::uint64_t value) {
    metrics.Set("tracestore_udp_packets_dropped_total", {{"port", port.key}, {"cause", cause}},
                static_cast<double>(value));
  };
  dropped("queue-full", counters.dropped_full);
  dropped("too-long", counters.dropped_long);
  dropped("kernel", counters.dropped_kernel);
  metrics.Set("tracestore_udp_bytes_total", {{"port", port.key}},
              static_cast<double>(counters.bytes));
}

void CollectClients(ingest::ClientStats& clients, server::MetricRegistry& metrics) {
  clients.Expire(std::chrono::steady_clock::now());
  const ingest::ClientCounters counters = clients.counters();
  const auto set = [&](const std::string& name, const server::MetricLabels& labels,
                       std::uint64_t value) {
    metrics.Set("jaeger_agent_client_stats_" + name, labels, static_cast<double>(value));
  };
  set("batches_received_total", {}, counters.batches_received);
  set("batches_sent_total", {}, counters.batches_sent);
  set("connected_clients", {}, counters.connected_clients);
  set("spans_dropped_total", {{"cause", "full-queue"}}, counters.dropped_full_queue);
  set("spans_dropped_total", {{"cause", "too-large"}}, counters.dropped_too_large);
  set("spans_dropped_total", {{"cause", "send-failure"}}, counters.dropped_send_failure);
}

Status StartPort(Service& service, const AgentPort& port, ingest::ClientStats& clients) {
  if (!port.config.address.on) return {};
  ingest::AgentUdpOptions options;
  options.server.host = service.HostOf(port.config.address);
  options.server.port = port.config.address.port;
  // No packet is longer than that default, which IP bounds.
  options.server.max_packet_bytes =
      std::min<std::uint64_t>(port.config.max_packet_bytes, options.server.max_packet_bytes);
  options.server.queue_packets = port.config.queue_packets;
  options.server.gather = kGather;
  options.server.socket_buffer_bytes = port.config.socket_buffer_bytes;
  options.protocol = port.protocol;
  if (const auto& tenancy = service.config().tenancy; tenancy.on)
    options.tenant = tenancy.default_tenant;
  options.on_batch = [&clients](const codec::JaegerBatchInfo& info) {
    clients.Update(info, std::chrono::steady_clock::now());
  };
  TS_TRY_ASSIGN(auto receiver,
                ingest::AgentUdpReceiver::Start(std::move(options), *service.shared().intake));
  auto& kept =
      service.Serve({port.key, port.shown, "udp {}"}, port.config.address, std::move(receiver));
  service.OnCollect(
      [&kept, port](server::MetricRegistry& metrics) { CollectUdp(kept, port, metrics); });
  return {};
}

// Of the few paths that there are; others count together.
net::HttpHandler Timed(server::MetricRegistry& metrics, net::HttpHandler handler) {
  return [&metrics, handler = std::move(handler)](const net::HttpRequest& request) {
    const auto begin = std::chrono::steady_clock::now();
    net::HttpResponse response = handler(request);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const bool known = request.path == "/api/traces" || request.path == "/api/sampling";
    const std::string status = std::to_string(response.status);
    metrics.Observe("jaeger_collector_http_request_duration",
                    {{"path", known ? request.path : "other"}, {"status", status}}, took.count());
    return response;
  };
}

// Counted as Jaeger's other endpoints for strategies count.
std::function<Result<codec::SamplingStrategy>(std::string_view)> Strategies(Service& service) {
  const auto api = SamplingApi(service, "jaeger_collector");
  const auto& tenancy = service.config().tenancy;
  return [api, tenant = tenancy.on ? tenancy.default_tenant : ""](std::string_view name) {
    auto strategy = api.strategies->StrategyOf(tenant, name);
    api.observer(strategy.has_value() ? server::SamplingOutcome::kTchannel
                                      : server::SamplingOutcome::kProviderFailure);
    return strategy;
  };
}

Status StartTchannel(Service& service) {
  const ListenAddress& address = service.config().jaeger.tchannel;
  if (!address.on) return {};
  const LimitsSection& limits = service.config().limits;
  ingest::TchannelOptions options;
  options.server = FramedOptions(service, "jaeger_tchannel", address);
  options.version = server::Version();
  options.max_call_bytes = limits.max_message_bytes;
  options.max_pending_bytes = options.server.max_bytes_in_flight;
  options.call_timeout = options.server.read_timeout;
  options.strategies = Strategies(service);
  if (const auto& tenancy = service.config().tenancy; tenancy.on)
    options.tenant = tenancy.default_tenant;
  options.on_refused =
      [&metrics = service.metrics(),
       count = CountRefusedMessages(service, "jaeger_tchannel")](std::string_view cause) {
        count(cause);
        if (cause != net::FrameProblemName(net::FrameProblem::kTooManyConnections))
          metrics.Add("tracestore_tchannel_refused_total", {{"cause", cause}});
      };
  TS_TRY_ASSIGN(auto receiver, ingest::TchannelReceiver::Start(std::move(options),
                                                               *service.shared().intake));
  service.Serve({"jaeger_tchannel", "Jaeger collector, TChannel", "{}"}, address,
                std::move(receiver));
  return {};
}

}  // namespace

Status StartAgentPorts(Service& service) {
  Describe(service.metrics());
  auto& clients = service.Keep(std::make_unique<ingest::ClientStats>());
  service.OnCollect(
      [&clients](server::MetricRegistry& metrics) { CollectClients(clients, metrics); });
  const JaegerSection& config = service.config().jaeger;
  const AgentPort ports[] = {
      {"jaeger_compact", "Jaeger agent, compact", "jaeger", "compact",
       codec::ThriftProtocol::kCompact, config.compact},
      {"jaeger_binary", "Jaeger agent, binary", "jaeger", "binary", codec::ThriftProtocol::kBinary,
       config.binary},
      {"zipkin_compact", "Jaeger agent, Zipkin", "zipkin", "compact",
       codec::ThriftProtocol::kCompact, config.zipkin_compact},
  };
  for (const AgentPort& port : ports) TS_TRY(StartPort(service, port, clients));
  return {};
}

Status StartJaegerCollector(Service& service) {
  const JaegerSection& config = service.config().jaeger;
  const ingest::Intake& intake = *service.shared().intake;
  // At once with 0: what reads them takes the rate.
  service.metrics().Histogram("jaeger_collector_http_request_duration",
                              {{"path", "/api/traces"}, {"status", "202"}});
  net::RawGrpcServices methods = ingest::JaegerGrpcServices(intake);
  methods.merge(server::SamplingGrpcServices(SamplingApi(service, "jaeger_collector")));
  TS_TRY(service.ServeGrpc({
      .name = {"jaeger_grpc", "Jaeger collector, gRPC", "{}"},
      .address = config.grpc,
      .methods = std::move(methods),
  }));
  TS_TRY(StartTchannel(service));
  net::HttpHandler handler = ingest::MakeJaegerHttpHandler(
      intake, server::MakeCollectorSamplingHandler(SamplingApi(service, "jaeger_collector")));
  return service.ServeHttp({
      .name = {"jaeger_http", "Jaeger collector, HTTP", "http://{}/api/traces"},
      .address = config.http,
      .handler = WithDuration(service.metrics(), {"/api/traces", "/api/sampling"},
                              Timed(service.metrics(), std::move(handler))),
      .refusal = ingest::JaegerHttpRefusal,
  });
}

}  // namespace tracestore::tools
