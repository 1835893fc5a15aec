// What clients are told of sampling: strategies from a file or a URL, or adaptive ones, and the
// agent's endpoints that tell them (5778, 5779).
#include "service/sampling.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "base/try.h"
#include "sampling/adaptive/adaptive_sampler.h"
#include "sampling/reloading_strategies.h"
#include "server/sampling/sampling_api.h"
#include "service/fetch_url.h"
#include "service/http_duration.h"
#include "service/parts.h"
#include "service/tenant_samplers.h"

namespace tracestore::tools {
namespace {

constexpr std::chrono::milliseconds kFetchTimeout{1000};
constexpr std::string_view kAgentPrefix = "jaeger_agent";
// Requests and errors together: jaeger-mixin takes the share of errors of it.
constexpr std::string_view kAgentServed = "jaeger_agent_http_server_total";

// All of it but one tells of what is wrong in a file, or with a store.
void LogSampling(std::string_view sentence) {
  const bool usual = sentence.starts_with("No sampling strategies source provided");
  spdlog::log(usual ? spdlog::level::info : spdlog::level::warn, "sampling: {}", sentence);
}

Result<sampling::FetchedText> Fetch(const std::string& url, const net::TlsClientOptions& tls) {
  TS_TRY_ASSIGN(auto answer, FetchUrl(url, kFetchTimeout, tls));
  return sampling::FetchedText{answer.status, std::move(answer.body)};
}

Status OpenStrategies(Service& service) {
  const SamplingSection& config = service.config().sampling;
  sampling::StrategiesSourceOptions options;
  options.source = config.strategies_file;
  options.default_probability = config.default_probability;
  options.reload_interval =
      std::chrono::duration_cast<std::chrono::milliseconds>(config.reload_interval);
  options.fetch = [tls = config.strategies_tls](const std::string& url) { return Fetch(url, tls); };
  options.log = LogSampling;
  TS_TRY_ASSIGN(auto opened, sampling::ReloadingStrategies::Open(std::move(options)));
  auto& strategies = service.Keep(std::move(opened));
  service.shared().strategies = &strategies;
  service.OnReload([&strategies]() -> Status {
    TS_TRY(strategies.Reload());
    return {};
  });
  service.OnCollect([&strategies](server::MetricRegistry& metrics) {
    metrics.Set("tracestore_sampling_reloads_total", {}, static_cast<double>(strategies.reloads()));
    metrics.Set("tracestore_sampling_reload_failures_total", {},
                static_cast<double>(strategies.failures()));
  });
  return {};
}

void CollectAdaptive(const sampling::AdaptiveCounters& counters, server::MetricRegistry& metrics) {
  const auto set = [&](const char* name, std::uint64_t value) {
    metrics.Set(name, {}, static_cast<double>(value));
  };
  set("tracestore_adaptive_calculations_total", counters.calculations);
  set("tracestore_adaptive_store_errors_total", counters.store_errors);
  set("tracestore_adaptive_left_out_roots_total", counters.left_out_roots);
  set("tracestore_adaptive_operations", counters.operations);
  set("tracestore_adaptive_leader", counters.leader ? 1 : 0);
}

// Unique among those that share a store.
std::string CollectorName() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) return std::to_string(getpid());
  return std::string(host.data()) + ":" + std::to_string(getpid());
}

// Learns from now on, with its state in the store there.
Result<Adaptive> StartAdaptive(const sampling::AdaptiveOptions& settings,
                               const std::string& directory) {
  Adaptive out;
  TS_TRY_ASSIGN(out.store, sampling::OpenCatalogSamplingStore(directory));
  sampling::AdaptiveSampler::Options options;
  options.settings = settings;
  options.collector = CollectorName();
  options.log = LogSampling;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  TS_TRY_ASSIGN(out.sampler,
                sampling::AdaptiveSampler::Open(
                    std::move(options), *out.store,
                    static_cast<std::uint64_t>(
                        std::chrono::duration_cast<std::chrono::nanoseconds>(now).count())));
  out.sampler->Start();
  return out;
}

// A sampler for each tenant; the default one's now, so that settings that can't be end the start.
Status OpenTenantAdaptive(Service& service, server::TenantStores& stores) {
  const sampling::AdaptiveOptions& settings = service.config().sampling.adaptive;
  auto& samplers = service.Keep(std::make_unique<TenantSamplers>(
      stores,
      [settings](const std::string& directory) { return StartAdaptive(settings, directory); },
      sampling::AdaptiveSampler::Default(settings)));
  TS_TRY(samplers.StrategyFor(""));
  service.shared().strategies = &samplers;
  service.shared().adaptive = [&samplers](std::string_view tenant) {
    return samplers.ToRecord(tenant);
  };
  service.OnCollect([&samplers](server::MetricRegistry& metrics) {
    CollectAdaptive(samplers.counters(), metrics);
  });
  return {};
}

Status OpenAdaptive(Service& service) {
  if (service.shared().store == nullptr) {
    return Error(ErrorCode::kInvalidArgument,
                 "sampling.type: adaptive sampling needs a store; spans are sent on here");
  }
  if (service.shared().tenants != nullptr)
    return OpenTenantAdaptive(service, *service.shared().tenants);
  TS_TRY_ASSIGN(Adaptive opened,
                StartAdaptive(service.config().sampling.adaptive, service.shared().directory));
  auto& kept = *service.Keep(std::make_unique<Adaptive>(std::move(opened))).sampler;
  service.shared().strategies = &kept;
  service.shared().adaptive = [&kept](std::string_view /*tenant*/) { return &kept; };
  service.OnCollect(
      [&kept](server::MetricRegistry& metrics) { CollectAdaptive(kept.counters(), metrics); });
  return {};
}

// Jaeger's names of what became of a request.
void CountSampling(server::MetricRegistry& metrics, const std::string& prefix,
                   server::SamplingOutcome outcome) {
  const auto served = [&] {
    if (prefix == kAgentPrefix) metrics.Add(kAgentServed, {});
  };
  const auto request = [&](const char* type) {
    metrics.Add(prefix + "_http_server_requests_total", {{"type", type}});
    served();
  };
  const auto error = [&](const char* source, const char* status) {
    metrics.Add(prefix + "_http_server_errors_total", {{"source", source}, {"status", status}});
    served();
  };
  switch (outcome) {
    case server::SamplingOutcome::kSampling: return request("sampling");
    case server::SamplingOutcome::kSamplingLegacy: return request("sampling-legacy");
    case server::SamplingOutcome::kBaggage: return request("baggage");
    case server::SamplingOutcome::kGrpc:
      return metrics.Add("tracestore_sampling_grpc_requests_total", {});
    case server::SamplingOutcome::kTchannel:
      return metrics.Add("tracestore_sampling_tchannel_requests_total", {});
    case server::SamplingOutcome::kBadRequest: return error("all", "4xx");
    case server::SamplingOutcome::kProviderFailure: return error("collector-proxy", "5xx");
    case server::SamplingOutcome::kEncodeFailure: return error("thrift", "5xx");
  }
}

}  // namespace

server::SamplingApiOptions SamplingApi(Service& service, const std::string& prefix) {
  // At once with 0: what reads them takes the rate.
  service.metrics().Counter(prefix + "_http_server_requests_total", {{"type", "sampling"}});
  service.metrics().Counter(prefix + "_http_server_errors_total",
                            {{"source", "all"}, {"status", "4xx"}});
  if (prefix == kAgentPrefix) service.metrics().Counter(kAgentServed, {});
  server::SamplingApiOptions options;
  options.strategies = service.shared().strategies;
  options.baggage = service.shared().baggage;
  options.observer = [&metrics = service.metrics(), prefix](server::SamplingOutcome outcome) {
    CountSampling(metrics, prefix, outcome);
  };
  return options;
}

Status OpenSampling(Service& service) {
  if (service.shared().strategies != nullptr) return {};  // asked of collectors
  return service.config().sampling.type == "adaptive" ? OpenAdaptive(service)
                                                      : OpenStrategies(service);
}

Status StartSampling(Service& service) {
  const SamplingSection& config = service.config().sampling;
  TS_TRY(service.ServeHttp({
      .name = {"sampling_http", "sampling", "http://{}/sampling"},
      .address = config.http,
      .handler = WithDuration(service.metrics(),
                              {"/", "/sampling", "/api/sampling", "/baggageRestrictions"},
                              server::MakeSamplingHandler(SamplingApi(service, "jaeger_agent"))),
      .refusal = {},
  }));
  return service.ServeGrpc({
      .name = {"sampling_grpc", "sampling over gRPC", "{}"},
      .address = config.grpc,
      .methods = server::SamplingGrpcServices(SamplingApi(service, "jaeger_agent")),
  });
}

}  // namespace tracestore::tools
