// What Jaeger's query service changes of a trace before it shows it (its adjusters).
#pragma once
#include <optional>

#include "model/span_batch.h"

namespace tracestore::server {

// A copy with these changes, or nothing where none is needed:
// - Server spans that share their id with a client span (Zipkin's shared spans) get an id of their
//   own, the lowest unused from 1 up, and become the client span's child; what was below the shared
//   id is then below the server span.
// - Attributes "ip" and "peer.ipv4" that are numbers become dotted text: 10.1.2.3.
// `batch`: the spans of one trace.
std::optional<model::SpanBatch> AdjustForJaeger(const model::SpanBatch& batch);

}  // namespace tracestore::server
