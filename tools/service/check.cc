#include "service/check.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "ingest/forward/forward_target.h"
#include "ingest/forward/open_forwarder.h"
#include "net/tenancy.h"
#include "net/url.h"
#include "service/check_tls.h"
#include "service/environment.h"
#include "service/pipeline_config.h"
#include "service/tenants.h"
#include "suggest.h"

namespace tracestore::tools {
namespace {

constexpr std::string_view kEmbedded[] = {"embedded", "memory", "badger", "mem"};
constexpr std::string_view kUnbuilt[] = {"elasticsearch", "opensearch",  "cassandra", "cassandra3",
                                         "kafka",         "grpc-plugin", "grpc",      "mysql"};

bool IsIn(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string WhereOf(const Resolved& resolved, std::string_view setting) {
  const auto origin = resolved.origins.find(setting);
  return origin == resolved.origins.end() ? std::string(setting) : origin->second;
}

Error Wrong(const Resolved& resolved, std::string_view setting, const std::string& why) {
  return {ErrorCode::kInvalidArgument, WhereOf(resolved, setting) + ": " + why};
}

// Jaeger's is a list with commas.
Status CheckStorage(const Resolved& resolved) {
  constexpr std::string_view kName = "span-storage.type";
  for (std::string_view rest = resolved.config.store.type;;) {
    const auto comma = rest.find(',');
    const std::string_view type = rest.substr(0, comma);
    if (IsIn(type, kUnbuilt)) {
      return Error(ErrorCode::kUnsupported, WhereOf(resolved, kName) + ": storing spans in " +
                                                std::string(type) +
                                                " is not built yet; memory and badger name the "
                                                "embedded store");
    }
    if (!IsIn(type, kEmbedded)) {
      std::vector<std::string> known(std::begin(kEmbedded), std::end(kEmbedded));
      known.insert(known.end(), std::begin(kUnbuilt), std::end(kUnbuilt));
      return Wrong(resolved, kName,
                   "unknown storage type '" + std::string(type) + "'" + DidYouMean(type, known));
    }
    if (comma == std::string_view::npos) return {};
    rest.remove_prefix(comma + 1);
  }
}

Status CheckPath(const Resolved& resolved, std::string_view setting, const std::string& path) {
  if (path.starts_with('/')) return {};
  return Wrong(
      resolved, setting,
      "'" + std::string(setting) + "' takes a path that begins with /, " + "not '" + path + "'");
}

// A tenant or a credential that isn't sent would be another's, or nobody's, unnoticed.
Status CheckTchannel(const Resolved& resolved) {
  const ForwardSection& config = resolved.config.forward;
  const char* lost = nullptr;
  if (!config.bearer_token_file.empty()) lost = "reporter.bearer-token-file";
  if (!config.basic_auth_file.empty()) lost = "reporter.basic-auth-file";
  if (resolved.config.tenancy.on) lost = "multi-tenancy.enabled";
  if (lost == nullptr) return {};
  return Wrong(resolved, lost,
               "TChannel has no place for credentials and tenants: send by grpc, or leave it out");
}

Status CheckForward(const Resolved& resolved) {
  const ForwardSection& config = resolved.config.forward;
  if (!config.on()) return {};
  std::string_view setting = "reporter.otlp.host-port";
  const std::vector<std::string>* collectors = &config.otlp_collectors;
  auto protocol = config.type == "otlp-grpc" ? ingest::ForwardProtocol::kOtlpGrpc
                                             : ingest::ForwardProtocol::kOtlpHttp;
  if (config.type == "grpc") {
    setting = "reporter.grpc.host-port";
    collectors = &config.grpc_collectors;
    protocol = ingest::ForwardProtocol::kJaegerGrpc;
  } else if (config.type == "tchannel") {
    setting = "reporter.tchannel.host-port";
    collectors = &config.tchannel_collectors;
    protocol = ingest::ForwardProtocol::kJaegerTchannel;
    TS_TRY(CheckTchannel(resolved));
  }
  const std::vector<std::string> addresses = ingest::SplitAddresses(*collectors);
  for (const std::string& address : addresses) {
    const Status taken = ingest::CheckCollectorAddress(protocol, address);
    if (!taken.has_value()) return Wrong(resolved, setting, taken.error().message());
  }
  for (const std::string& address : ingest::SplitAddresses(config.sampling_collectors)) {
    const Status taken = ingest::CheckCollectorAddress(ingest::ForwardProtocol::kOtlpHttp, address);
    if (!taken.has_value())
      return Wrong(resolved, "reporter.sampling.host-port", taken.error().message());
  }
  if (!addresses.empty()) return {};
  return Wrong(resolved, setting, "at least one collector hostPort address is required");
}

// A name that is none would leave open what was meant to be shut, or the other way round.
Status CheckAuth(const Resolved& resolved) {
  const std::vector<std::string> known = {
      "admin", "jaeger_grpc", "jaeger_http",   "otlp_grpc",     "otlp_http",
      "query", "query_grpc",  "query_zipkin",  "sampling_grpc", "sampling_http", "tempo", "zipkin",
      "remote_storage", "remote_storage_archive"};
  for (const std::string& name : resolved.config.auth.except) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Wrong(resolved, "auth.except",
                   "unknown listener '" + name + "'" + DidYouMean(name, known));
    }
  }
  return {};
}

Status CheckSelfTracing(const Resolved& resolved) {
  const SelfTracingSection& config = resolved.config.self_tracing;
  if (config.endpoint.empty()) return {};
  const auto url = net::ParseUrl(config.endpoint);
  return url.has_value() ? Status()
                         : Wrong(resolved, "self-tracing.otlp-endpoint", url.error().message());
}

Status CheckTenancy(const Resolved& resolved) {
  const TenancySection& config = resolved.config.tenancy;
  if (!config.on) return {};
  if (config.header.empty()) return Wrong(resolved, "multi-tenancy.header", "it is empty");
  if (!net::IsTenantName(config.default_tenant))
    return Wrong(resolved, "multi-tenancy.default-tenant", "'" + config.default_tenant +
                                                               "' is no tenant's name");
  for (const std::string& tenant : config.tenants) {
    if (!net::IsTenantName(tenant))
      return Wrong(resolved, "multi-tenancy.tenants", "'" + tenant + "' is no tenant's name");
  }
  if (const auto rates = NumbersByTenant(config.span_rates); !rates.has_value())
    return Wrong(resolved, "multi-tenancy.span-rates", rates.error().message());
  if (const auto bytes = SizesByTenant(config.keep_bytes); !bytes.has_value())
    return Wrong(resolved, "multi-tenancy.keep-bytes", bytes.error().message());
  return {};
}

// The sampler's sentence names its own field: "adaptive sampling: calculation_interval is 172800s,
// not above 0 to 24h".
Status CheckAdaptive(const Resolved& resolved) {
  const SamplingSection& config = resolved.config.sampling;
  if (config.type != "adaptive") return {};
  const Status checked = config.adaptive.Validate();
  if (checked.has_value()) return {};
  if (config.adaptive.calculation_buckets > config.adaptive.aggregation_buckets) {
    return Wrong(resolved, "sampling.buckets-for-calculation",
                 "'sampling.buckets-for-calculation' is " +
                     std::to_string(config.adaptive.calculation_buckets) +
                     ", above 'sampling.aggregation-buckets', " +
                     std::to_string(config.adaptive.aggregation_buckets));
  }
  const std::string& message = checked.error().message();
  for (const Setting& setting : Settings()) {
    if (!setting.name.starts_with("sampling.")) continue;
    std::string field(setting.name.substr(setting.name.rfind('.') + 1));
    std::replace(field.begin(), field.end(), '-', '_');
    if (field == "delay") field = "calculation_delay";
    const std::string begin = "adaptive sampling: " + field + " is ";
    if (!message.starts_with(begin)) continue;
    return Wrong(resolved, setting.name,
                 "'" + std::string(setting.name) + "' is " + message.substr(begin.size()));
  }
  return checked;
}

// What the pipeline's parts refuse at the start, in their own words, is refused before: what
// --print-config prints must be what starts.
Status CheckPipeline(const Resolved& resolved) {
  const ServiceConfig& config = resolved.config;
  TS_TRY(ProcessorsOf(config.pipeline));
  TS_TRY(PoliciesOf(config.tail));
  const auto tags = TagsOf(config.pipeline, ProcessEnvironment());
  if (!tags.has_value()) {
    const std::string name =
        resolved.origins.contains("agent.tags") ? "agent.tags" : "collector.tags";
    return Wrong(resolved, name, "'" + name + "': " + tags.error().message());
  }
  return CheckAdaptive(resolved);
}

}  // namespace

std::vector<std::string> UnheededSettings(const Resolved& resolved) {
  const ServiceConfig defaults = DefaultsOf(resolved.config.role);
  std::vector<std::string> out;
  std::string last;  // origins are in the order of names
  for (const auto& [name, where] : resolved.origins) {
    std::string needed;
    if (const auto tls = name.find(".tls."); tls != std::string::npos)
      needed = name.substr(0, tls) + ".tls.enabled";
    if (name == "multi-tenancy.tenants") needed = "multi-tenancy.enabled";
    const Setting* const on = needed.empty() ? nullptr : FindSetting(needed);
    if (on == nullptr || needed == last || ValuesOf(*on, resolved.config).front() == "true")
      continue;
    const std::vector<std::string> values = ValuesOf(*FindSetting(name), resolved.config);
    // What --print-config wrote says what nobody asked for.
    if (values == ValuesOf(*FindSetting(name), defaults)) continue;
    if (values.empty() || values.front().empty() || values.front() == "false") continue;
    // An https URL says it itself.
    if (needed == "reporter.grpc.tls.enabled" && resolved.config.forward.type == "otlp-http")
      continue;
    last = needed;
    out.push_back(needed + " isn't set: what " + where + " says is unused, and " +
                  (name.find(".tls.") != std::string::npos ? "connections are not encrypted"
                                                           : "all spans are in one store"));
  }
  return out;
}

Status CheckConfig(Role role, const Resolved& resolved) {
  const ServiceConfig& config = resolved.config;
  TS_TRY(CheckPipeline(resolved));
  TS_TRY(CheckPath(resolved, "metrics-http-route", config.admin.metrics_route));
  TS_TRY(CheckForward(resolved));
  TS_TRY(CheckAuth(resolved));
  TS_TRY(CheckTls(role, resolved));
  TS_TRY(CheckTenancy(resolved));
  TS_TRY(CheckSelfTracing(resolved));
  if ((role & (kKeeping | kQuery)) != 0) TS_TRY(CheckStorage(resolved));
  if (config.archive.keep_age.count() != 0 && config.archive.keep_age < std::chrono::minutes(1))
    return Wrong(resolved, "archive.keep-age", "it is 0s, for good, or at least 1m");
  if (role == kQuery && config.self_tracing.on && config.self_tracing.endpoint.empty()) {
    return Wrong(resolved, "self-tracing.enabled",
                 "query only reads the store: say with self-tracing.otlp-endpoint which collector "
                 "takes its spans");
  }
  if (role == kQuery && config.store.data.empty()) {
    return Wrong(resolved, "data", "query reads the store of a collector: name its directory");
  }
  if ((role & kReading) == 0) return {};
  TS_TRY(CheckPath(resolved, "query.base-path", config.query.base_path));
  TS_TRY(CheckPath(resolved, "zipkin.ui.base-path", config.zipkin.ui.base_path));
  for (const std::string& header : config.query.additional_headers) {
    const auto colon = header.find(':');
    if (colon == 0 || colon == std::string::npos) {
      return Wrong(resolved, "query.additional-headers",
                   "a header is written \"Name: value\", not '" + header + "'");
    }
  }
  return {};
}

}  // namespace tracestore::tools
