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
#include "service/pipeline_config.h"
#include "service/sync_policy.h"

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

void CollectTail(const ingest::TailSampler& sampler, server::MetricRegistry& metrics) {
  const ingest::TailStats stats = sampler.Stats();
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

struct Parts {
  sampling::TailPolicies& policies;
  ingest::TailTarget& target;
  std::string directory;
};

Result<std::unique_ptr<ingest::TailSampler>> Open(const Parts& parts,
                                                  ingest::TailSamplerOptions options,
                                                  const ingest::StageObserver& observer) {
  return ingest::TailSampler::Open(fs::PosixFileSystem::Shared(), parts.directory, parts.policies,
                                   std::move(options), parts.target, observer);
}

// What waits from a run with policies would wait for ever.
Status KeepWhatWaits(Service& service, const Parts& parts, const ingest::StageObserver& observer) {
  std::error_code error;
  if (!std::filesystem::exists(parts.directory, error)) return {};
  sampling::TailPolicyConfig always;
  always.type = "always";
  TS_TRY_ASSIGN(parts.policies, sampling::TailPolicies::Compile({always}));
  auto options = OptionsOf(service.config());
  options.background = false;
  TS_TRY_ASSIGN(const auto sampler, Open(parts, std::move(options), observer));
  const std::uint64_t spans = sampler->Stats().spans;
  TS_TRY(sampler->DecideAll());
  sampler->Stop();
  if (spans != 0) spdlog::info("tail sampling is off: {} spans that waited are kept", spans);
  return {};
}

}  // namespace

Result<ingest::SpanSink*> WithTailSampling(Service& service, ingest::SpanSink& next,
                                           const ingest::StageObserver& observer) {
  TS_TRY_ASSIGN(auto compiled, PoliciesOf(service.config().tail));
  const bool off = compiled.policies().empty();
  Store* store = service.shared().store;
  if (store == nullptr) {
    if (off) return &next;
    return Error(ErrorCode::kInvalidArgument,
                 std::string(kName) + ": tail sampling needs a store; spans are sent on here");
  }
  auto& policies = service.Keep(std::make_unique<sampling::TailPolicies>(std::move(compiled)));
  const Parts parts{policies, service.Keep(ingest::MakeTailTarget(*store)),
                    service.shared().directory + "/pending"};
  if (off) {
    TS_TRY(KeepWhatWaits(service, parts, observer));
    return &next;
  }
  TS_TRY_ASSIGN(auto opened, Open(parts, OptionsOf(service.config()), observer));
  ingest::TailSampler& sampler = service.Keep(std::move(opened));
  // A temporary store goes with the process: what waits has no later decision.
  const bool temporary = service.config().store.data.empty();
  service.OnStop([&sampler, temporary](std::chrono::milliseconds) -> Status {
    const Status decided = temporary ? sampler.DecideAll() : Status();
    sampler.Stop();
    return decided;
  });
  Describe(service.metrics());
  service.OnCollect([&sampler](server::MetricRegistry& metrics) { CollectTail(sampler, metrics); });
  return &sampler;
}

}  // namespace tracestore::tools
