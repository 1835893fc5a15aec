// What stands between receivers and the store: the stages that spans go through, and the intake
// that decodes messages and hands their spans to the first of them.
#include <memory>
#include <utility>

#include "base/try.h"
#include "ingest/byte_budget.h"
#include "ingest/head_sink.h"
#include "ingest/intake.h"
#include "ingest/processors.h"
#include "ingest/sampling/adaptive_sink.h"
#include "ingest/sanitize.h"
#include "ingest/span_sink.h"
#include "ingest/tenant_rates.h"
#include "ingest/zipkin_counters.h"
#include "ingest/zipkin_sample_sink.h"
#include "server/tenants/tenant_stores.h"
#include "service/environment.h"
#include "service/jaeger_metrics.h"
#include "service/metrics.h"
#include "service/otelcol_metrics.h"
#include "service/parts.h"
#include "service/pipeline_config.h"
#include "service/tail.h"
#include "service/tenants.h"

namespace tracestore::tools {
namespace {

void CollectBudget(server::MetricRegistry& metrics, const ingest::ByteBudget& budget) {
  const auto set = [&](const char* name, std::size_t value) {
    metrics.Set(name, {}, static_cast<double>(value));
  };
  set("tracestore_ingest_bytes_in_flight", budget.used());
  set("tracestore_ingest_bytes_limit", budget.limit());
  set("tracestore_ingest_messages_in_flight", budget.holds());
}

std::unique_ptr<ingest::SpanSink> EndOf(const Shared& shared) {
  if (shared.tenants == nullptr) return ingest::MakeStoreSink(*shared.store);
  return ingest::MakeTenantStoreSink(
      [&tenants = *shared.tenants](std::string_view tenant) -> Result<Store*> {
        TS_TRY_ASSIGN(const auto found, tenants.ToWrite(tenant));
        return found.store;
      });
}

// "*" is every other.
Result<std::function<bool(std::string_view, std::uint64_t)>> RatesOf(const TenancySection& config) {
  if (!config.on || config.span_rates.empty())
    return std::function<bool(std::string_view, std::uint64_t)>();
  TS_TRY_ASSIGN(const ByTenant numbers, NumbersByTenant(config.span_rates));
  ingest::TenantRatesOptions options;
  for (const auto& [tenant, rate] : numbers) {
    const auto spans = static_cast<double>(rate);
    if (tenant == "*") {
      options.others = spans;
    } else {
      options.spans_a_second.emplace(tenant, spans);
    }
  }
  const auto rates = std::make_shared<ingest::TenantRates>(std::move(options));
  return std::function<bool(std::string_view, std::uint64_t)>(
      [rates, own = config.default_tenant](std::string_view tenant, std::uint64_t spans) {
        return rates->Admit(tenant.empty() ? own : tenant, spans,
                            ingest::TenantRates::Clock::now());
      });
}

}  // namespace

Status StartPipeline(Service& service) {
  server::MetricRegistry& counts = service.metrics();
  const ingest::StageObserver on_stage = [&counts](const ingest::StageEvent& event) {
    CountStage(counts, event);
  };
  // From the last stage to the first.
  ingest::SpanSink* next = service.shared().end;
  const bool keeps = next == nullptr;
  if (keeps) next = &service.Keep(CountedAsExporter(EndOf(service.shared()), counts));
  TS_TRY_ASSIGN(next, WithTailSampling(service, *next, on_stage));
  const PipelineSection& config = service.config().pipeline;
  if (const sampling::HeadSampler head(config.head_probability); !head.keeps_all()) {
    next = &service.Keep(ingest::MakeHeadSink(head, *next, on_stage));
  }
  if (const auto& adaptive = service.shared().adaptive)
    next = &service.Keep(ingest::MakeAdaptiveSink(adaptive, *next));
  TS_TRY_ASSIGN(auto tags, TagsOf(config, ProcessEnvironment()));
  if (!tags.empty()) next = &service.Keep(ingest::MakeAgentTagsSink(std::move(tags), *next));
  TS_TRY_ASSIGN(auto processors, ProcessorsOf(config));
  if (!processors->empty()) {
    next = &service.Keep(ingest::MakeProcessSink(std::move(processors), *next, on_stage));
  }
  auto& zipkin = service.Keep(std::make_unique<ingest::ZipkinCounters>());
  service.shared().zipkin_counters = &zipkin;
  TS_TRY_ASSIGN(const auto zipkin_sampler,
                sampling::ZipkinSampler::Make(service.config().zipkin.sample_rate));
  if (!zipkin_sampler.keeps_all()) {
    next = &service.Keep(ingest::MakeZipkinSampleSink(zipkin_sampler, *next, on_stage, &zipkin));
  }
  ingest::SpanSink& first =
      service.Keep(ingest::MakeSanitizeSink(LimitsOf(config), *next, on_stage));
  service.shared().sink = &first;

  auto& budget = service.Keep(std::make_unique<ingest::ByteBudget>(config.max_bytes));
  service.OnCollect([&budget, keeps](server::MetricRegistry& metrics) {
    CollectBudget(metrics, budget);
    if (keeps) SetExporterQueue(metrics, kStoreExporter, budget.used(), budget.limit());
  });
  service.shared().budget = &budget;
  ingest::IntakeOptions options;
  JaegerCollectorMetrics* jaegers = nullptr;
  if (service.config().role != kAgent)
    jaegers = &service.Keep(std::make_unique<JaegerCollectorMetrics>(counts));
  options.observer = [&counts, &zipkin, jaegers](const ingest::IntakeEvent& event) {
    CountIntake(counts, event);
    CountReceived(counts, event);
    zipkin.Count(event);
    if (jaegers != nullptr) jaegers->Count(event);
  };
  options.budget = &budget;
  TS_TRY_ASSIGN(service.shared().admit, RatesOf(service.config().tenancy));
  options.admit = service.shared().admit;
  service.shared().intake =
      &service.Keep(std::make_unique<ingest::Intake>(first, std::move(options)));
  return {};
}

}  // namespace tracestore::tools
