// One request turned into the bytes of one answer: everything of HTTP/1 that needs no socket.
// Private to the HTTP server; apart from it for the tests' sake.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/compression.h"
#include "net/http.h"

namespace tracestore::net {

// Words a refusal of the server itself (400, 413, 500, …) in the manner of the surface it serves.
using ErrorResponder = std::function<HttpResponse(int status, const std::string& message)>;

// What the framing of an answer depends on.
struct ExchangeContext {
  bool keep_alive = true;    // the client and the server would both go on
  bool http_1_1 = true;      // HTTP/1.0 has no chunked bodies
  bool head_only = false;    // HEAD: the same header fields, no body
  bool accepts_gzip = false;
};

// An answer ready for the wire: `head`, then `body`, then, while `more`, what PullNext puts in
// `body`.
struct WireResponse {
  std::string head;
  std::string body;
  bool keep_alive = true;  // the connection may carry another request
  bool more = false;       // a streamed body goes on
  bool broken = false;     // the stream failed: break off, so that the end looks like no end
  bool chunked = false;
  std::string_view refusal;  // RefusalCause() of an answer that isn't the handler's to count
  BodyStream stream;
  std::shared_ptr<const void> held;  // HttpResponse's
  std::unique_ptr<GzipStream> gzip;  // what the stream gives goes through it; null: as it is
};

// HttpServerOptions::on_refused's word for a status; "": it is no refusal of a message.
std::string_view RefusalCause(int status) noexcept;

// Asks the gate, undoes the content coding, calls the handler, frames its answer. Blocks as long as
// they do.
WireResponse Answer(const HttpHandler& handler, const HttpGate& gate, const ErrorResponder& errors,
                    std::size_t max_body_bytes, ExchangeContext context, HttpRequest& request);

// Frames `response`; takes the first piece of a stream, so that an early failure is a clean 500.
WireResponse Frame(HttpResponse response, const ErrorResponder& errors, ExchangeContext context);

// Replaces response.body by the next framed piece; sets more and broken.
void PullNext(WireResponse& response);

// What `errors` makes of it; text/plain, "message\n", if it is unset or throws.
HttpResponse MakeError(const ErrorResponder& errors, int status, const std::string& message);

}  // namespace tracestore::net
