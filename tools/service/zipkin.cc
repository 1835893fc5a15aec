// Zipkin: HTTP and gRPC on one port, and Scribe.
#include <array>
#include <memory>
#include <utility>

#include "base/try.h"
#include "ingest/intake.h"
#include "ingest/receivers/scribe.h"
#include "ingest/receivers/zipkin_grpc.h"
#include "ingest/receivers/zipkin_http.h"
#include "ingest/zipkin_counters.h"
#include "service/listeners.h"
#include "service/parts.h"
#include "service/zipkin_cors.h"

namespace tracestore::tools {
namespace {

// Adds what has come since the last time. One thread at a time.
class ZipkinMetrics {
 public:
  explicit ZipkinMetrics(const ingest::ZipkinCounters& counters) : counters_(counters) {}

  void Collect(server::MetricRegistry& metrics) {
    for (std::size_t i = 0; i < last_.size(); ++i) {
      const std::string_view transport = ingest::ZipkinCounters::kTransports[i];
      const ingest::ZipkinCounts now = counters_.Of(transport);
      const ingest::ZipkinCounts last = std::exchange(last_[i], now);
      const server::MetricLabels labels{{"transport", transport}};
      const auto add = [&](const char* name, std::uint64_t from, std::uint64_t to) {
        metrics.Add(name, labels, static_cast<double>(to - from));
      };
      add("zipkin_collector_messages_total", last.messages, now.messages);
      add("zipkin_collector_messages_dropped_total", last.messages_dropped, now.messages_dropped);
      add("zipkin_collector_bytes_total", last.bytes, now.bytes);
      add("zipkin_collector_spans_total", last.spans, now.spans);
      add("zipkin_collector_spans_dropped_total", last.spans_dropped, now.spans_dropped);
      metrics.Set("zipkin_collector_message_spans", labels, static_cast<double>(now.message_spans));
      metrics.Set("zipkin_collector_message_bytes", labels, static_cast<double>(now.message_bytes));
    }
  }

 private:
  const ingest::ZipkinCounters& counters_;
  std::array<ingest::ZipkinCounts, ingest::ZipkinCounters::kTransports.size()> last_{};
};

Status StartScribe(Service& service, ingest::ZipkinCounters& counters) {
  const ZipkinSection& config = service.config().zipkin;
  const ListenAddress& address = config.scribe;
  if (!address.on) return {};
  ingest::ScribeOptions options;
  options.server = FramedOptions(service, "scribe", address);
  options.category = config.scribe_category;
  if (const auto& tenancy = service.config().tenancy; tenancy.on)
    options.tenant = tenancy.default_tenant;
  const auto count = CountRefusedMessages(service, "scribe");
  const auto refused = [&counters, count](std::string_view cause) {
    if (cause != net::FrameProblemName(net::FrameProblem::kTooManyConnections))
      counters.CountUnreadable(ingest::transport::kScribe);
    count(cause);
  };
  TS_TRY_ASSIGN(auto receiver, ingest::ScribeReceiver::Start(std::move(options),
                                                             *service.shared().intake, refused));
  service.Serve({"scribe", "Scribe", "{}"}, address, std::move(receiver));
  return {};
}

}  // namespace

Status StartZipkin(Service& service) {
  const ZipkinSection& config = service.config().zipkin;
  const ingest::Intake& intake = *service.shared().intake;
  ingest::ZipkinCounters& counters = *service.shared().zipkin_counters;
  auto& shown = service.Keep(std::make_unique<ZipkinMetrics>(counters));
  service.OnCollect([&shown](server::MetricRegistry& metrics) { shown.Collect(metrics); });
  ingest::ZipkinHttpOptions options;
  options.enabled = config.http;
  options.reads = service.shared().zipkin_reads;
  DualListener listener;
  listener.name = {"zipkin", "Zipkin", "http://{}/api/v2/spans"};
  listener.address = config.address;
  listener.handler = ingest::MakeZipkinHttpHandler(intake, std::move(options));
  listener.refusal = [&counters](int status, const std::string& message) {
    if (status == 400 || status == 413 || status == 415 || status == 429)
      counters.CountUnreadable(ingest::transport::kHttp);
    return ingest::ZipkinHttpRefusal(status, message);
  };
  listener.cors = ZipkinCors(config);
  listener.worker_threads = service.config().query.workers;
  if (config.grpc) listener.methods = ingest::ZipkinGrpcServices(intake);
  TS_TRY(service.ServeDual(std::move(listener)));
  return StartScribe(service, counters);
}

}  // namespace tracestore::tools
