#include "server/storage/storage_admin.h"

#include <utility>

#include "server/jaeger/grpc_call.h"

namespace tracestore::server {

net::RawGrpcServices StorageAdmin(std::function<Status()> purge) {
  return {{"/tracestore.storage.v1.StorageAdmin/Purge",
           [purge = std::move(purge)](const net::RawRequest&) {
             const Status purged = purge();
             return purged.has_value() ? net::RawReply::Ok("")
                                       : GrpcFailure(purged.error(), "failed to purge");
           }}};
}

}  // namespace tracestore::server
