// Spans that are sent on to collectors instead of being stored, and what else an agent does for its
// clients: strategies asked of the collectors, restrictions of baggage from a file.
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "ingest/forward/collector_strategies.h"
#include "ingest/forward/open_forwarder.h"
#include "ingest/forward/tchannel_target.h"
#include "net/authorization.h"
#include "sampling/baggage_file.h"
#include "service/otelcol_metrics.h"
#include "service/parts.h"
#include "service/tenants.h"

namespace tracestore::tools {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAskTimeout{5'000};
// A collector that is away gives an error with every try: one line in this time says enough.
constexpr std::chrono::seconds kLogEvery{10};

milliseconds Milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration_cast<milliseconds>(duration);
}

void Describe(server::MetricRegistry& metrics) {
  static constexpr std::pair<const char*, const char*> kMetrics[] = {
      {"tracestore_forward_spans_total",
       "Spans sent on, by what became of them; failed ones are tried again."},
      {"tracestore_forward_queue_batches", "Batches that wait for a collector."},
      {"tracestore_forward_queue_bytes", "Bytes of the buffer that they are in."},
      {"tracestore_forward_collectors", "Collectors that spans are sent to."},
      {"tracestore_forward_collectors_healthy", "Of them those that took the last message."},
      {"tracestore_collector_strategies_total",
       "Clients' questions for strategies, and the collectors asked, by answer."},
      {"jaeger_agent_reporter_batches_submitted_total", "Messages that a collector took."},
      {"jaeger_agent_reporter_batches_failures_total", "Messages that were given up."},
      {"jaeger_agent_reporter_spans_submitted_total", "Spans of messages taken."},
      {"jaeger_agent_reporter_spans_failures_total", "Spans that were given up."},
      {"jaeger_agent_reporter_batch_size", "Spans of the last message taken."},
  };
  for (const auto& [name, help] : kMetrics) metrics.Describe(name, help);
}

Result<ingest::CollectorAccess> AccessOf(const ForwardSection& config,
                                         const TenancySection& tenancy) {
  using Scheme = net::AuthorizationScheme;
  ingest::CollectorAccess access;
  access.tls = config.tls;
  const bool basic = !config.basic_auth_file.empty();
  if (basic && !config.bearer_token_file.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "reporter.bearer-token-file and reporter.basic-auth-file are both given: give one");
  }
  access.tenant_header = LowerCase(tenancy.header);
  access.connect_timeout = Milliseconds(config.tchannel_connect_timeout);
  const std::string& path = basic ? config.basic_auth_file : config.bearer_token_file;
  if (path.empty()) return access;
  TS_TRY_ASSIGN(const auto file,
                net::AuthorizationFile::Open(basic ? Scheme::kBasic : Scheme::kBearer, path));
  access.authorization = [file] { return file->Value(); };
  return access;
}

ingest::ForwarderConfig ForwarderOf(const ForwardSection& config) {
  ingest::ForwarderConfig out;
  if (config.type == "grpc") {
    out.collectors = ingest::SplitAddresses(config.grpc_collectors);
  } else if (config.type == "tchannel") {
    out.collectors = ingest::SplitAddresses(config.tchannel_collectors);
    out.protocol = ingest::ForwardProtocol::kJaegerTchannel;
    out.options.send_timeout = Milliseconds(config.tchannel_timeout);
  } else {
    out.collectors = ingest::SplitAddresses(config.otlp_collectors);
    out.protocol = config.type == "otlp-grpc" ? ingest::ForwardProtocol::kOtlpGrpc
                                              : ingest::ForwardProtocol::kOtlpHttp;
  }
  out.buffer_directory = config.buffer_directory;
  out.buffer_bytes = config.buffer_bytes;
  out.buffer_sync = config.buffer_sync;
  out.backoff.most = Milliseconds(config.max_retry_interval);
  out.options.batch_spans = config.batch_spans;
  out.options.batch_wait = Milliseconds(config.batch_wait);
  out.options.senders = config.workers;
  return out;
}

// As Jaeger's agent names its reporters; those by OTLP are ours.
const char* ReporterOf(ingest::ForwardProtocol protocol) {
  switch (protocol) {
    case ingest::ForwardProtocol::kJaegerGrpc: return "grpc";
    case ingest::ForwardProtocol::kJaegerTchannel: return "tchannel";
    default: return ingest::ForwardProtocolName(protocol);
  }
}

// Counts what becomes of spans, and logs what goes wrong, seldom.
class ForwardLog {
 public:
  ForwardLog(server::MetricRegistry& metrics, ingest::ForwardProtocol protocol)
      : metrics_(metrics), protocol_(protocol) {
    // At once with 0: what reads them takes the rate.
    CountReported(true, 0, 0);
    CountReported(false, 0, 0);
    CountExported(metrics_, ingest::ForwardProtocolName(protocol_), 0, 0);
  }

  void operator()(const ingest::ForwardEvent& event) {
    using Kind = ingest::ForwardEvent::Kind;
    const auto spans = static_cast<double>(event.spans);
    metrics_.Add("tracestore_forward_spans_total",
                 {{"outcome", ingest::ForwardEventName(event.kind)}}, spans);
    const bool good = event.kind == Kind::kDelivered;
    // What is tried again hasn't failed.
    if (event.kind != Kind::kFailed) {
      CountReported(good, 1, spans);
      CountExported(metrics_, ingest::ForwardProtocolName(protocol_), good ? event.spans : 0,
                    good ? 0 : event.spans);
    }
    if (!good) Log(event);
  }

 private:
  // The agent's names of Jaeger v1; a message may have spans of several formats.
  void CountReported(bool good, double messages, double spans) {
    const server::MetricLabels labels{{"format", "jaeger"}, {"protocol", ReporterOf(protocol_)}};
    metrics_.Add(good ? "jaeger_agent_reporter_batches_submitted_total"
                      : "jaeger_agent_reporter_batches_failures_total",
                 labels, messages);
    metrics_.Add(good ? "jaeger_agent_reporter_spans_submitted_total"
                      : "jaeger_agent_reporter_spans_failures_total",
                 labels, spans);
    if (good) metrics_.Set("jaeger_agent_reporter_batch_size", labels, spans);
  }

  void Log(const ingest::ForwardEvent& event) {
    {
      const std::lock_guard lock(mutex_);
      const auto now = std::chrono::steady_clock::now();
      auto& last = last_[static_cast<std::size_t>(event.kind)];
      if (last.has_value() && now - *last < kLogEvery) return;
      last = now;
    }
    spdlog::warn("{} spans {}: {}{}{}", event.spans, ingest::ForwardEventName(event.kind),
                 event.collector, event.collector.empty() ? "" : ": ", event.message);
  }

  server::MetricRegistry& metrics_;
  const ingest::ForwardProtocol protocol_;
  std::mutex mutex_;
  // By kind; guarded by mutex_.
  std::array<std::optional<std::chrono::steady_clock::time_point>, 8> last_;
};

void CollectForward(const ingest::Forwarder& forwarder, const ingest::ForwarderConfig& config,
                    server::MetricRegistry& metrics) {
  const ingest::ForwardQueueStats queue = forwarder.queue();
  SetExporterQueue(metrics, ingest::ForwardProtocolName(config.protocol), queue.bytes,
                   config.buffer_bytes);
  metrics.Set("tracestore_forward_queue_batches", {}, static_cast<double>(queue.batches));
  metrics.Set("tracestore_forward_queue_bytes", {}, static_cast<double>(queue.bytes));
  metrics.Set("tracestore_forward_collectors", {},
              static_cast<double>(forwarder.collectors().size()));
  metrics.Set("tracestore_forward_collectors_healthy", {},
              static_cast<double>(forwarder.collectors().healthy()));
}

// Jaeger's collectors tell strategies on the port that takes spans; OTLP's ports don't.
Result<std::vector<ingest::AskCollector>> AsksOf(const ForwardSection& config,
                                                 const ingest::ForwarderConfig& forward) {
  std::vector<ingest::AskCollector> asks;
  for (const std::string& address : ingest::SplitAddresses(config.sampling_collectors)) {
    TS_TRY_ASSIGN(auto ask, ingest::AskByHttp(address, kAskTimeout, forward.access));
    asks.push_back(std::move(ask));
  }
  if (!asks.empty()) return asks;
  const bool tchannel = config.type == "tchannel";
  if (config.type != "grpc" && !tchannel) return asks;
  for (const std::string& address : forward.collectors) {
    TS_TRY_ASSIGN(auto ask, tchannel
                                ? ingest::AskByTchannel(address, kAskTimeout, forward.access)
                                : ingest::AskByGrpc(address, kAskTimeout, forward.access));
    asks.push_back(std::move(ask));
  }
  return asks;
}

// A made-up probability would be taken for the collectors'.
class NobodyToAsk final : public sampling::StrategyProvider {
 public:
  Result<codec::SamplingStrategy> StrategyFor(std::string_view /*service*/) override {
    return Error(ErrorCode::kUnsupported,
                 "OTLP's ports tell no strategies: name those that do by "
                 "reporter.sampling.host-port");
  }
};

Status AskCollectors(Service& service, const ingest::ForwarderConfig& forward) {
  const ServiceConfig& config = service.config();
  TS_TRY_ASSIGN(auto asks, AsksOf(config.forward, forward));
  if (asks.empty()) {
    // A collector tells what its own file says.
    if (config.role == kAgent)
      service.shared().strategies = &service.Keep(std::make_unique<NobodyToAsk>());
    return {};
  }
  auto& strategies = service.Keep(std::make_unique<ingest::CollectorStrategies>(
      std::move(asks), ingest::CollectorStrategiesOptions{}));
  service.shared().strategies = &strategies;
  service.OnCollect([&strategies](server::MetricRegistry& metrics) {
    const auto counters = strategies.counters();
    const auto set = [&](const char* answer, std::uint64_t value) {
      metrics.Set("tracestore_collector_strategies_total", {{"answer", answer}},
                  static_cast<double>(value));
    };
    set("asked", counters.asked);
    set("failed", counters.failures);
    set("cached", counters.cached);
    set("stale", counters.stale);
  });
  return {};
}

}  // namespace

Status OpenForward(Service& service) {
  const ForwardSection& config = service.config().forward;
  if (!config.on()) return {};
  Describe(service.metrics());
  ingest::ForwarderConfig forward = ForwarderOf(config);
  TS_TRY_ASSIGN(forward.access, AccessOf(config, service.config().tenancy));
  auto& log = service.Keep(std::make_unique<ForwardLog>(service.metrics(), forward.protocol));
  TS_TRY_ASSIGN(auto opened, ingest::OpenForwarder(forward, std::ref(log)));
  ingest::Forwarder& forwarder = service.Keep(std::move(opened));
  service.shared().end = &forwarder;
  service.OnStop([&forwarder](milliseconds grace) {
    forwarder.Stop(grace);
    return Status();
  });
  service.OnCollect([&forwarder, forward](server::MetricRegistry& metrics) {
    CollectForward(forwarder, forward, metrics);
  });
  std::string shown;
  for (const std::string& address : forward.collectors)
    shown += (shown.empty() ? "" : ", ") + address;
  service.Show("sends on to",
               std::string(ingest::ForwardProtocolName(forward.protocol)) + " " + shown);
  return AskCollectors(service, forward);
}

Status OpenBaggage(Service& service) {
  const std::string& path = service.config().sampling.baggage_file;
  if (path.empty()) return {};
  TS_TRY_ASSIGN(auto opened, sampling::BaggageFile::Open(path));
  sampling::BaggageFile& file = service.Keep(std::move(opened));
  service.shared().baggage = &file;
  service.OnReload([&file] { return file.Reload(); });
  return {};
}

}  // namespace tracestore::tools
