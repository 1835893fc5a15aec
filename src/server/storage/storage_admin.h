// tracestore.storage.v1.StorageAdmin: emptying a store, for tests of what stands in front of it.
#pragma once
#include <tracestore/status.h>

#include <functional>

#include "net/grpc_server.h"

namespace tracestore::server {

// `purge` deletes every span that stands.
net::RawGrpcServices StorageAdmin(std::function<Status()> purge);

}  // namespace tracestore::server
