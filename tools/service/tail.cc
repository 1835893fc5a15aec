#include "service/tail.h"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/try.h"
#include "fs/posix_file_system.h"
#include "ingest/tail_sampler.h"
#include "server/tenants/tenant_stores.h"
#include "service/pipeline_config.h"
#include "service/sync_policy.h"
#include "service/tenant_tails.h"

namespace tracestore::tools {
namespace {

constexpr const char* kName = "tail-sampling.policies";

void LogTail(LogLevel level, std::string_view text) {
  if (level == LogLevel::kError) return spdlog::error("tail sampling: {}", text);
  if (level == LogLevel::kWarning) return spdlog::warn("tail sampling: {}", text);
  spdlog::info("tail sampling: {}", text);
}

ingest::TailSamplerOptions OptionsOf(const ServiceConfig& config) {
  ingest::TailSamplerOptions options;
  options.wait = config.tail.wait;
  options.max_memory_bytes = config.tail.max_memory_bytes;
  options.max_traces = config.tail.max_traces;
  options.max_disk_bytes = config.tail.max_disk_bytes;
  options.sync = SyncOf(config.store.sync);
  options.log = LogTail;
  return options;
}

void CollectTail(const ingest::TailStats& stats, server::MetricRegistry& metrics) {
  const auto set = [&](const char* name, std::uint64_t value) {
    metrics.Set(name, {}, static_cast<double>(value));
  };
  set("tracestore_tail_waiting_traces", stats.traces);
  set("tracestore_tail_waiting_spans", stats.spans);
  set("tracestore_tail_memory_bytes", stats.memory_bytes);
  set("tracestore_tail_disk_bytes", stats.disk_bytes);
  set("tracestore_tail_spilled_records", stats.spilled_records);
}

void Describe(server::MetricRegistry& metrics) {
  metrics.Describe("tracestore_tail_waiting_traces", "Traces that wait for a decision.");
  metrics.Describe("tracestore_tail_waiting_spans", "Spans of them.");
  metrics.Describe("tracestore_tail_memory_bytes", "Bytes of spans that wait in memory.");
  metrics.Describe("tracestore_tail_disk_bytes", "Bytes of the log that they are in.");
  metrics.Describe("tracestore_tail_spilled_records", "Records whose spans are in the log only.");
}

std::string FolderOf(const std::string& directory) { return directory + "/pending"; }

Result<Tail> OpenTail(Store& store, const std::string& directory,
                      const sampling::TailPolicies& policies, ingest::TailSamplerOptions options,
                      const ingest::StageObserver& observer) {
  Tail tail;
  tail.target = ingest::MakeTailTarget(store);
  TS_TRY_ASSIGN(tail.sampler,
                ingest::TailSampler::Open(fs::PosixFileSystem::Shared(), FolderOf(directory),
                                          policies, std::move(options), *tail.target, observer));
  return tail;
}

bool MayWait(const std::string& directory) {
  std::error_code error;
  return std::filesystem::exists(FolderOf(directory), error);
}

// What waits from a run with policies would wait for ever.
Status KeepWhatWaits(const ServiceConfig& config, Store& store, const std::string& directory,
                     const ingest::StageObserver& observer) {
  if (!MayWait(directory)) return {};
  sampling::TailPolicyConfig always;
  always.type = "always";
  TS_TRY_ASSIGN(const auto policies, sampling::TailPolicies::Compile({always}));
  auto options = OptionsOf(config);
  options.background = false;
  TS_TRY_ASSIGN(const Tail tail,
                OpenTail(store, directory, policies, std::move(options), observer));
  const std::uint64_t spans = tail.sampler->Stats().spans;
  TS_TRY(tail.sampler->DecideAll());
  tail.sampler->Stop();
  if (spans != 0) spdlog::info("tail sampling is off: {} spans that waited are kept", spans);
  return {};
}

Status KeepWhatWaits(Service& service, const ingest::StageObserver& observer) {
  const Shared& shared = service.shared();
  if (shared.tenants == nullptr)
    return KeepWhatWaits(service.config(), *shared.store, shared.directory, observer);
  for (const std::string& name : shared.tenants->Stored()) {
    if (!MayWait(shared.tenants->DirectoryOf(name))) continue;
    TS_TRY_ASSIGN(const auto tenant, shared.tenants->ToWrite(name));
    TS_TRY(KeepWhatWaits(service.config(), *tenant.store, tenant.directory, observer));
  }
  return {};
}

// A sampler for each tenant who has something waiting, now; for the others with their first span.
Result<TenantTails*> OpenTenantTails(Service& service, TenantTails::OpenTail open) {
  server::TenantStores& stores = *service.shared().tenants;
  TenantTails& tails = service.Keep(std::make_unique<TenantTails>(stores, std::move(open)));
  for (const std::string& name : stores.Stored()) {
    if (!MayWait(stores.DirectoryOf(name))) continue;
    TS_TRY(tails.Open(name));
  }
  return &tails;
}

}  // namespace

Result<ingest::SpanSink*> WithTailSampling(Service& service, ingest::SpanSink& next,
                                           const ingest::StageObserver& observer) {
  TS_TRY_ASSIGN(auto compiled, PoliciesOf(service.config().tail));
  const bool off = compiled.policies().empty();
  if (service.shared().store == nullptr) {
    if (off) return &next;
    return Error(ErrorCode::kInvalidArgument,
                 std::string(kName) + ": tail sampling needs a store; spans are sent on here");
  }
  if (off) {
    TS_TRY(KeepWhatWaits(service, observer));
    return &next;
  }
  Describe(service.metrics());
  auto& policies = service.Keep(std::make_unique<sampling::TailPolicies>(std::move(compiled)));
  const TenantTails::OpenTail open = [&policies, options = OptionsOf(service.config()), observer](
                                         Store& store, const std::string& directory) {
    return OpenTail(store, directory, policies, options, observer);
  };
  // A temporary store goes with the process: what waits has no later decision.
  const bool temporary = service.config().store.data.empty();
  if (service.shared().tenants != nullptr) {
    TS_TRY_ASSIGN(TenantTails* const tails, OpenTenantTails(service, open));
    service.OnStop(
        [tails, temporary](std::chrono::milliseconds) { return tails->Stop(temporary); });
    service.OnCollect(
        [tails](server::MetricRegistry& metrics) { CollectTail(tails->Stats(), metrics); });
    return tails;
  }
  TS_TRY_ASSIGN(Tail opened, open(*service.shared().store, service.shared().directory));
  const Tail& tail = service.Keep(std::make_unique<Tail>(std::move(opened)));
  ingest::TailSampler* const sampler = tail.sampler.get();
  service.OnStop([sampler, temporary](std::chrono::milliseconds) -> Status {
    const Status decided = temporary ? sampler->DecideAll() : Status();
    sampler->Stop();
    return decided;
  });
  service.OnCollect([sampler](server::MetricRegistry& metrics) {
    CollectTail(sampler->Stats(), metrics);
  });
  return sampler;
}

}  // namespace tracestore::tools
