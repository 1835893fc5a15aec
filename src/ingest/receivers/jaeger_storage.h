// What Jaeger 1.x writes to a storage back end: the writers of jaeger.storage.v1
// (docs/format/jaeger-storage.md).
#pragma once
#include <set>
#include <string>

#include "ingest/intake.h"
#include "net/grpc_server.h"

namespace tracestore::ingest {

// SpanWriterPlugin, StreamingSpanWriterPlugin and, with an archive, ArchiveSpanWriterPlugin. An
// answer means that the spans are kept; of a stream it comes when the client has no more. A bad
// span is refused where the call has no other; of a stream it is left out and counted. The intakes
// are borrowed and must outlive the server.
net::RawGrpcServices StorageV1Writers(const Intake& intake, const Intake* archive);

// For GrpcServerOptions::client_streams.
std::set<std::string, std::less<>> StorageV1ClientStreams();

}  // namespace tracestore::ingest
