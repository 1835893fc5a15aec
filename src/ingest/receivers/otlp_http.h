// OTLP over HTTP: POST /v1/traces, protobuf or JSON (https://opentelemetry.io/docs/specs/otlp/).
#pragma once
#include <string>

#include "ingest/intake.h"
#include "net/http.h"

namespace tracestore::ingest {

// The handler of a whole server. 200 with an ExportTraceServiceResponse once the spans are kept; a
// refusal is a google.rpc.Status in the encoding of the request: 400 (malformed), 429 with
// Retry-After (busy), 503 with Retry-After (the store can't write). 415, 405 and 404 are text.
// `intake` is borrowed and must outlive the handler.
net::HttpHandler MakeOtlpHttpHandler(const Intake& intake);

// For HttpServerOptions::error_response: what the server itself refuses (413, 429, broken gzip), as
// a google.rpc.Status in JSON.
net::HttpResponse OtlpHttpRefusal(int status, const std::string& message);

}  // namespace tracestore::ingest
