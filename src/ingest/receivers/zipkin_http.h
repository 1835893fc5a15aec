// Zipkin over HTTP: POST /api/v1/spans and /api/v2/spans (docs/operations.md).
#pragma once
#include <string>

#include "ingest/intake.h"
#include "net/http.h"

namespace tracestore::ingest {

struct ZipkinHttpOptions {
  // False: POSTs are not found (COLLECTOR_HTTP_ENABLED).
  bool enabled = true;
  // Answers all but POST, where Zipkin's query API is on the same port. Unset: they are
  // not found.
  net::HttpHandler reads = {};
};

// The handler of a whole server. A v2 body is JSON unless its type is application/x-protobuf, a v1
// body JSON unless it is application/x-thrift. 202 without a body once the spans are kept; Zipkin
// itself answers before. 400 with Zipkin's own sentence refuses the whole message; 429 (busy) and
// 503 (the store can't write) have Retry-After. All else is `reads`'s, or `404 Not Found`.
// `intake` is borrowed and must outlive the handler.
net::HttpHandler MakeZipkinHttpHandler(const Intake& intake, ZipkinHttpOptions options = {});

// For HttpServerOptions::error_response: what the server itself refuses, in Zipkin's manner: a
// broken gzip body is "Cannot gunzip spans".
net::HttpResponse ZipkinHttpRefusal(int status, const std::string& message);

}  // namespace tracestore::ingest
