// A storage back end of Jaeger's collectors and query services: the store on one address, the
// archive as a store like it on another.
#include <tracestore/store.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "ingest/receivers/jaeger_storage.h"
#include "server/reflection/reflection.h"
#include "server/storage/storage_admin.h"
#include "server/storage/storage_v2.h"
#include "server/tenants/tenant_stores.h"
#include "service/late_stores.h"
#include "service/parts.h"
#include "service/query_access.h"
#include "service/storage_methods.h"
#include "service/tenants.h"

namespace tracestore::tools {
namespace {

Result<Store*> ArchiveOf(const Shared& shared, std::string_view tenant) {
  std::string directory = shared.directory;
  if (shared.tenants != nullptr) {
    TS_TRY_ASSIGN(const auto found, shared.tenants->ToWrite(tenant));
    directory = found.directory;
  }
  return shared.archives->ToWrite(ArchiveDirectory(directory));
}

// Of a tenant's store or archive; of a tenant who has none it does nothing.
net::RawGrpcServices Purging(Service& service, bool is_archive) {
  LateStores& archives = *service.shared().archives;
  return PerTenant(service, [&archives, is_archive](const TenantView& view) {
    return server::StorageAdmin([&archives, is_archive, view]() -> Status {
      if (view.store == nullptr) return {};
      return is_archive ? archives.Purge(ArchiveDirectory(view.directory))
                        : view.store->DeleteAll();
    });
  });
}

struct Served {
  ListenerName name;
  ListenAddress address;
  bool is_archive = false;
};

Status Serve(Service& service, Served served, const ingest::Intake& intake,
             const ingest::Intake* archive_intake) {
  net::RawGrpcServices methods = PerTenant(
      service, [&service, is_archive = served.is_archive](const TenantView& view) {
        const server::SnapshotSource store = [view] { return view.Take(); };
        const server::SnapshotSource archive = [&service, view]() -> Result<Snapshot> {
          if (view.store == nullptr) return view.Take();
          return Counted(service.shared().archives->Take(ArchiveDirectory(view.directory)));
        };
        return is_archive ? StorageReaders(service, archive, {})
                          : StorageReaders(service, store, archive);
      });
  methods = service.shared().query_access->Grpc(served.name.key, std::move(methods));
  methods.merge(StorageWriters(intake, archive_intake));
  if (service.config().remote_storage.purge) methods.merge(Purging(service, served.is_archive));
  server::AddReflection(methods);
  return service.ServeGrpc({
      .name = std::move(served.name),
      .address = served.address,
      .methods = std::move(methods),
      .client_streams = ingest::StorageV1ClientStreams(),
      .health_names = {server::kStorageV2WriterHealth},
  });
}

}  // namespace

Status StartRemoteStorage(Service& service) {
  const Shared& shared = service.shared();
  if (shared.store == nullptr) return {};
  const RemoteStorageSection& config = service.config().remote_storage;
  const ingest::Intake& archive = ArchiveIntake(
      service, [&shared](std::string_view tenant) { return ArchiveOf(shared, tenant); });
  TS_TRY(Serve(service,
               {{"remote_storage_archive", "Archive for Jaeger, gRPC", "{}"}, config.archive, true},
               archive, nullptr));
  return Serve(service, {{"remote_storage", "Storage for Jaeger, gRPC", "{}"}, config.grpc},
               *shared.intake, &archive);
}

}  // namespace tracestore::tools
