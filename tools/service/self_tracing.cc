// Spans of the requests that the service itself serves: into its own pipeline, or to a collector.
#include <spdlog/spdlog.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "base/try.h"
#include "codec/otlp/protobuf_encoder.h"
#include "ingest/span_sink.h"
#include "net/authorization.h"
#include "net/http_client.h"
#include "net/url.h"
#include "server/tracing/self_tracer.h"
#include "server/tracing/span_ids.h"
#include "server/tracing/trace_parent.h"
#include "service/parts.h"
#include "service/settings.h"

namespace tracestore::tools {
namespace {

using Write = std::function<Status(model::SpanBatch&&, const std::stop_token& give_up)>;

// A collector that is away costs spans, not a stop: that gives up what is under way.
constexpr std::chrono::seconds kTimeout{3};
constexpr std::chrono::minutes kLogEvery{1};
constexpr const char* kReported = "jaeger_tracer_reporter_spans_total";

// Spans by OTLP over HTTP. One thread.
class OtlpWriter {
 public:
  static Result<std::shared_ptr<OtlpWriter>> Make(const SelfTracingSection& config,
                                                  const TenancySection& tenancy) {
    TS_TRY_ASSIGN(const net::Url url, net::ParseUrl(config.endpoint));
    net::HttpClientOptions options;
    options.host = url.host;
    options.port = url.port;
    options.tls = config.tls;
    options.tls.enabled = url.tls;
    options.connect_timeout = kTimeout;
    options.timeout = kTimeout;
    TS_TRY_ASSIGN(auto client, net::HttpClient::Make(std::move(options)));
    auto writer = std::make_shared<OtlpWriter>(std::move(client),
                                               url.target == "/" ? "/v1/traces" : url.target);
    if (!config.bearer_token_file.empty()) {
      TS_TRY_ASSIGN(writer->token_, net::AuthorizationFile::Open(net::AuthorizationScheme::kBearer,
                                                                 config.bearer_token_file));
    }
    if (!config.tenant.empty()) writer->tenant_ = {{tenancy.header, config.tenant}};
    return writer;
  }
  OtlpWriter(std::unique_ptr<net::HttpClient> client, std::string target)
      : client_(std::move(client)), target_(std::move(target)) {}

  Status Write(const model::SpanBatch& batch, const std::stop_token& give_up) {
    std::string body;
    codec::EncodeOtlpProtobuf(batch, body);
    net::HttpClientRequest request;
    request.method = "POST";
    request.target = target_;
    // Not sampled: who takes these spans makes none of their coming.
    const server::TraceParent parent{server::RandomTraceId(), server::RandomSpanId(), false};
    request.headers = {{"Content-Type", "application/x-protobuf"},
                       {"traceparent", server::FormatTraceParent(parent)}};
    request.headers.insert(request.headers.end(), tenant_.begin(), tenant_.end());
    if (token_ != nullptr) request.headers.emplace_back("Authorization", token_->Value());
    request.body = body;
    request.stop = give_up;
    TS_TRY_ASSIGN(const auto answer, client_->Send(request));
    if (answer.status / 100 == 2) return {};
    return Error(ErrorCode::kIo, "POST " + target_ + ": " + std::to_string(answer.status));
  }

 private:
  const std::unique_ptr<net::HttpClient> client_;
  const std::string target_;
  std::shared_ptr<net::AuthorizationFile> token_;  // null: none is shown
  net::NamedValues tenant_;                        // the header, where spans are a tenant's
};

Result<Write> WriteOf(Service& service) {
  const TenancySection& tenancy = service.config().tenancy;
  if (!service.config().self_tracing.endpoint.empty()) {
    TS_TRY_ASSIGN(const auto writer, OtlpWriter::Make(service.config().self_tracing, tenancy));
    return Write([writer](model::SpanBatch&& batch, const std::stop_token& give_up) {
      return writer->Write(batch, give_up);
    });
  }
  ingest::SpanSink& sink = *service.shared().sink;
  // As if it had come as OTLP, but by no port: no request comes of it.
  return Write([&sink, tenant = tenancy.on ? tenancy.default_tenant : std::string()](
                   model::SpanBatch&& batch, const std::stop_token&) {
    ingest::SpanContext context;
    context.source.tenant = tenant;
    context.source.transport = "self";
    context.source.format = ingest::format::kOtlpProto;
    return sink.Accept(std::move(batch), context);
  });
}

// Tells of what fails, seldom. One thread.
Write Logged(Write write) {
  return [write = std::move(write), last = std::optional<std::chrono::steady_clock::time_point>()](
             model::SpanBatch&& batch, const std::stop_token& give_up) mutable -> Status {
    const std::size_t spans = batch.size();
    Status done = write(std::move(batch), give_up);
    const auto now = std::chrono::steady_clock::now();
    if (!done.has_value() && (!last || now - *last >= kLogEvery)) {
      last = now;
      spdlog::warn("self-tracing: {} spans are lost: {}", spans, done.error().message());
    }
    return done;
  };
}

void Collect(const server::SelfTracer& tracer, server::MetricRegistry& metrics) {
  const server::SelfTracerCounts counts = tracer.counts();
  const auto set = [&](const char* outcome, std::uint64_t spans) {
    metrics.Set("tracestore_self_tracing_spans", {{"outcome", outcome}},
                static_cast<double>(spans));
  };
  set("written", counts.written);
  set("failed", counts.failed);
  set("dropped", counts.dropped);
  set("late", counts.late);
  // A client of Jaeger's counts so.
  const auto reported = [&](const char* result, std::uint64_t spans) {
    metrics.Set(kReported, {{"result", result}}, static_cast<double>(spans));
  };
  reported("ok", counts.written);
  reported("err", counts.failed);
  reported("dropped", counts.dropped + counts.late);
}

}  // namespace

Status StartSelfTracing(Service& service) {
  const SelfTracingSection& config = service.config().self_tracing;
  service.metrics().Describe(kReported, "Spans of this service's own requests, by Jaeger's name.");
  for (const char* result : {"ok", "err", "dropped"})
    service.metrics().Counter(kReported, {{"result", result}});
  if (!config.on) return {};
  service.metrics().Describe("tracestore_self_tracing_spans",
                             "Spans of this service's own requests, by what became of them.");
  server::SelfTracerOptions options;
  options.service_name = config.service_name.empty()
                             ? std::string("tracestore-") + RoleName(service.config().role)
                             : config.service_name;
  options.version = TRACESTORE_VERSION;
  options.ratio = config.ratio;
  options.per_second = config.per_second;
  TS_TRY_ASSIGN(Write write, WriteOf(service));
  options.write = Logged(std::move(write));
  service.Show("self-tracing", "service " + options.service_name +
                                   (config.endpoint.empty() ? "" : " to " + config.endpoint));
  auto& tracer = service.Keep(std::make_unique<server::SelfTracer>(std::move(options)));
  service.shared().self_tracer = &tracer;
  // After the listeners, which stop first, and before what the spans go to.
  service.OnStop([&tracer](std::chrono::milliseconds left) {
    tracer.Stop(left);
    if (const std::uint64_t late = tracer.counts().late; late != 0)
      spdlog::warn("self-tracing: {} spans are lost: they ended while it stopped", late);
    return Status();
  });
  service.OnCollect([&tracer](server::MetricRegistry& metrics) { Collect(tracer, metrics); });
  return {};
}

}  // namespace tracestore::tools
