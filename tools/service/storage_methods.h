// The methods of a storage back end of Jaeger's, whatever carries them.
#pragma once
#include <functional>

#include "net/grpc_server.h"
#include "server/jaeger/query_api.h"
#include "service/service.h"

namespace tracestore::tools {

// Both generations' readers, counted. `archive` unset: there is none.
net::RawGrpcServices StorageReaders(Service& service, server::SnapshotSource store,
                                    server::SnapshotSource archive);

// Both generations' writers; `archive` may be null. The intakes must outlive the server.
net::RawGrpcServices StorageWriters(const ingest::Intake& intake, const ingest::Intake* archive);

// An intake of spans for the archive: what somebody puts there he wants to keep, so it is neither
// sampled nor processed. `store_of` gives the archive of a tenant. Needs the pipeline. The service
// keeps it.
const ingest::Intake& ArchiveIntake(
    Service& service, std::function<Result<Store*>(std::string_view tenant)> store_of);

}  // namespace tracestore::tools
