#include "service/storage_methods.h"

#include <chrono>
#include <memory>
#include <utility>

#include "ingest/intake.h"
#include "ingest/receivers/jaeger_storage.h"
#include "ingest/receivers/otlp_grpc.h"
#include "ingest/sanitize.h"
#include "ingest/span_sink.h"
#include "server/storage/storage_v1.h"
#include "server/storage/storage_v2.h"
#include "service/metrics.h"
#include "service/pipeline_config.h"
#include "service/query_counts.h"

namespace tracestore::tools {

net::RawGrpcServices StorageReaders(Service& service, server::SnapshotSource store,
                                    server::SnapshotSource archive) {
  server::StorageV1Options options;
  options.store.observer = CountedOverGrpc(service.metrics()).requests;
  options.store.search_deadline =
      std::chrono::duration_cast<std::chrono::milliseconds>(service.config().query.timeout);
  options.store.snapshot = std::move(store);
  options.archive = std::move(archive);
  net::RawGrpcServices readers = server::StorageV2Readers(options.store);
  readers.merge(server::StorageV1Readers(std::move(options)));
  return readers;
}

net::RawGrpcServices StorageWriters(const ingest::Intake& intake, const ingest::Intake* archive) {
  net::RawGrpcServices writers = ingest::StorageV1Writers(intake, archive);
  writers.merge(ingest::OtlpGrpcServices(intake));
  return writers;
}

const ingest::Intake& ArchiveIntake(
    Service& service, std::function<Result<Store*>(std::string_view tenant)> store_of) {
  server::MetricRegistry& counts = service.metrics();
  auto& sink = service.Keep(ingest::MakeTenantStoreSink(std::move(store_of)));
  auto& first = service.Keep(ingest::MakeSanitizeSink(
      LimitsOf(service.config().pipeline), sink,
      [&counts](const ingest::StageEvent& event) { CountStage(counts, event); }));
  ingest::IntakeOptions options;
  options.budget = service.shared().budget;
  options.admit = service.shared().admit;
  options.observer = [&counts](const ingest::IntakeEvent& event) { CountIntake(counts, event); };
  return service.Keep(std::make_unique<ingest::Intake>(first, std::move(options)));
}

}  // namespace tracestore::tools
