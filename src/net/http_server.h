// HttpServer: HTTP/1.1 on one address, and HTTP/2 over connections that it is handed. It knows no
// route and no trace: one handler answers all.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/tls.h"

namespace tracestore::net {

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // a name or an address; "" = all interfaces
  std::uint16_t port = 0;          // 0 = a free one, see HttpServer::port()
  bool listen = true;              // false: connections come by Adopt() alone

  // Of one body, as sent and again after decompression; more is refused with 413, a declared length
  // before the first byte of the body is read. Bytes, at least 1.
  std::size_t max_body_bytes = std::size_t{32} << 20;
  // Of all bodies that are being read or answered, as sent. Where there is no room the body that
  // comes slowest, and too slowly (MessageRoom), is ended for a new one; if none does, the new one
  // gets 429 with Retry-After. Bytes, at least max_body_bytes.
  std::size_t max_body_bytes_in_flight = std::size_t{256} << 20;
  // Of the request line with all header fields; more is refused with 431. Bytes.
  std::uint32_t max_header_bytes = 32 * 1024;
  // Open connections. At the cap the one that is idle longest is closed for a new one, or the one
  // whose request has been coming longest (OpenConnections); where all are being answered the new
  // one gets 503.
  std::size_t max_connections = 1024;

  // A whole header must come within this after its first byte, and each further 64 KiB of a body.
  std::chrono::milliseconds read_timeout{10'000};
  // How long a connection may wait for a request, the first one included.
  std::chrono::milliseconds idle_timeout{60'000};
  // In which the client must take each 256 KiB of an answer.
  std::chrono::milliseconds write_timeout{30'000};

  // With `enabled`, HTTPS and nothing else. A handshake must end within read_timeout.
  TlsServerOptions tls;

  // Threads that run the handler, at least 1. Sockets have one thread of their own.
  std::size_t worker_threads = 4;

  HttpGate gate;  // before the handler; unset: none

  // Told of each request that isn't the handler's to count, by cause: "too-long" (413, 431),
  // "broken" (400), "unsupported" (415, the handler's too, 417, 501), "no-room" (429),
  // "too-many-connections" (503 at the cap, or closed for a new one before all of the request had
  // come), "too-slow" (closed). Any thread; must not block. May be unset.
  std::function<void(std::string_view cause)> on_refused;

  // Words the server's own refusals; unset: text/plain, "message\n". Runs on any of its threads.
  std::function<HttpResponse(int status, const std::string& message)> error_response;
};

class TlsContext;

// A connection of HTTP/2.
struct Http2Start {
  bool greeted = false;  // Http2Greeting() was sent over it
  std::string client{};  // whom it is carried for, HttpRequest::peer; "": its own peer
};

// Request bodies may be chunked and come as gzip, deflate or zstd; answers of 2,048 bytes and more
// go out as gzip to those who accept it, streamed ones whatever their size. Keep-alive and
// pipelining: answers come in the order of the requests, one handler call at a time a connection.
// Over HTTP/2 up to 16 at a time (kHttp2Streams): limits hold for each request as over HTTP/1.1,
// and who is too slow for one has that one reset; idle_timeout is the connection's.
class HttpServer {
 public:
  // Listens, then serves on threads of its own until Stop(). Errors: kIo, "cannot listen on
  // 127.0.0.1:16686: address already in use (is another tracestore or Jaeger running?)";
  // kInvalidArgument for a host that is unknown; those of TlsContext (TLS files).
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options, HttpHandler handler);

  ~HttpServer();  // Stop(0)
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const noexcept;  // 0 if it doesn't listen
  // Null: it serves in plain.
  std::shared_ptr<TlsContext> tls() const noexcept;

  // Takes over `fd`, a connected socket of which nothing was read. Any thread; after Stop() it is
  // closed.
  // With `http2` it speaks HTTP/2 in plain, from the preface on.
  void Adopt(int fd, std::optional<Http2Start> http2 = std::nullopt);

  // Accepts nothing more, closes idle connections, lets requests in flight end. After `grace` their
  // HttpRequest::stop is asked and connections are closed; a handler that still runs is waited for,
  // because it can't be ended. May be called again; not from a handler.
  void Stop(std::chrono::milliseconds grace);

  // Connections open now. Any thread.
  std::size_t connections() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
