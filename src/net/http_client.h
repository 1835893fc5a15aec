// HttpClient: requests to one HTTP/1.1 server, over connections that it keeps. No third-party type
// here.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/tls.h"

namespace tracestore::net {

struct HttpClientOptions {
  std::string host = "127.0.0.1";  // a name or an address
  std::uint16_t port = 0;
  TlsClientOptions tls;  // with `enabled`, HTTPS
  // To look the name up, connect and shake hands, each. The look-up is the system's, which may take
  // longer.
  std::chrono::milliseconds connect_timeout{5'000};
  // From the first byte sent to the last byte received.
  std::chrono::milliseconds timeout{10'000};
  // Of one answer's body, as sent and decompressed; more is an error. Bytes.
  std::size_t max_body_bytes = std::size_t{32} << 20;
  std::uint32_t max_header_bytes = 32 * 1024;
  // Connections kept open for the next request, and for how long. 0: every request has its own.
  std::size_t max_idle_connections = 4;
  std::chrono::milliseconds idle_timeout{30'000};
};

struct HttpClientRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, encoded
  NamedValues headers;       // beside Host, User-Agent, Content-Length and Connection
  std::string_view body;     // borrowed during Send
  std::stop_token stop;      // when asked, Send ends with kCancelled
};

struct HttpClientResponse {
  int status = 0;
  NamedValues headers;
  std::string body;  // whole, content coding undone

  // The first header of that name in any case; "" if there is none.
  std::string_view header(std::string_view name) const noexcept;
};

// Send may be called from any thread, many at a time: each has a connection of its own meanwhile.
// A request is sent once; nothing is repeated after a failure, because the server may have acted on
// it. A kept connection that the server has closed is noticed before it is used.
class HttpClient {
 public:
  // Connects to nothing yet. Errors: kInvalidArgument (no host, no port); those of the TLS files.
  static Result<std::unique_ptr<HttpClient>> Make(HttpClientOptions options);

  ~HttpClient();  // no Send may be running
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is an answer, also 500. Errors, each "POST http://127.0.0.1:4318/v1/traces: why":
  // kIo (no connection, or it broke), kCancelled (a time-out, or `stop`), kCorruption (what came is
  // no HTTP, or its coding is broken), kInvalidArgument (a request that can't be sent), kBusy (an
  // answer beyond a limit).
  Result<HttpClientResponse> Send(const HttpClientRequest& request);

 private:
  struct Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
