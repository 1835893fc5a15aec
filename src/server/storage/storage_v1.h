// What Jaeger 1.x reads of a storage back end: jaeger.storage.v1 without its writers
// (docs/format/jaeger-storage.md).
#pragma once
#include "net/grpc_server.h"
#include "server/jaeger/query_api.h"

namespace tracestore::server {

struct StorageV1Options {
  // Of the store; its snapshot and observer count, and how long a search may take.
  JaegerQueryOptions store;
  // A moment of the archive, of the methods that read it. Unset: there is none, and no such
  // methods.
  SnapshotSource archive;
};

// SpanReaderPlugin, DependenciesReaderPlugin, PluginCapabilities and, with an archive,
// ArchiveSpanReaderPlugin. Spans are given as they were stored, as often as they were, one trace in
// memory at a time.
net::RawGrpcServices StorageV1Readers(StorageV1Options options);

}  // namespace tracestore::server
