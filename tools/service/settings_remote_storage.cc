// The storage back end of Jaeger's collectors and query services.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr unsigned kServing = kAllInOne | kRemoteStorage;

constexpr Setting kSettings[] = {
    {.name = "remote-storage.host-port",
     .field = TS_FIELD(remote_storage.grpc),
     .group = "Storage for Jaeger",
     .help = "Storage back end of Jaeger's collectors and query services, over gRPC",
     .roles = kServing},
    {.name = "remote-storage.archive-host-port",
     .field = TS_FIELD(remote_storage.archive),
     .group = "Storage for Jaeger",
     .help = "The same over the archive: Jaeger takes it as a second storage",
     .roles = kServing},
    {.name = "remote-storage.purge-enabled",
     .field = TS_FIELD(remote_storage.purge),
     .group = "Storage for Jaeger",
     .help = "For tests: whoever may speak to these ports may empty the store, or the archive, "
             "tracestore.storage.v1.StorageAdmin/Purge",
     .roles = kServing},
};

}  // namespace

std::span<const Setting> RemoteStorageSettings() { return kSettings; }

}  // namespace tracestore::tools
