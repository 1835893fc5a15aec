// Jaeger's collector over HTTP: POST /api/traces, a Thrift Batch in the binary protocol
// (docs/format/jaeger-thrift.md).
#pragma once
#include "ingest/intake.h"
#include "net/http.h"

namespace tracestore::ingest {

// The handler of a whole server, of which `others` answers what isn't POST /api/traces (unset:
// 404). 202 without a body once the spans are kept. Refusals in the collector's words, as text: 400
// "Unsupported content type: text/plain", "Cannot parse content type: mime: no media type" (of
// ParseMediaType), "Unable to process request body: …"; 429 (busy) and 503 (the store can't
// write) with Retry-After and "Cannot submit Jaeger batch: …", for which Jaeger itself has 500.
// `intake` is borrowed and must outlive the handler.
net::HttpHandler MakeJaegerHttpHandler(const Intake& intake, net::HttpHandler others = {});

// For HttpServerOptions::error_response: what the server itself refuses, as text.
net::HttpResponse JaegerHttpRefusal(int status, const std::string& message);

}  // namespace tracestore::ingest
