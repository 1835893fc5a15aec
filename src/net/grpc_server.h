// GrpcServer: gRPC on one address. Its raw methods give the bytes of a call's one request to a
// handler and send bytes back, one message or a stream of them (RawReply::stream), so that a
// receiver may decode them itself; of a call with many requests each is answered (RawReply::again),
// or all together (GrpcServerOptions::client_streams). No gRPC type but a forward declaration here.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

#include "net/first_bytes.h"
#include "net/grpc_reply.h"
#include "net/tls.h"

namespace grpc {
class Service;
}

namespace tracestore::net {

struct RawRequest {
  std::string_view method;   // "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
  std::string_view message;  // the protobuf bytes, decompressed; valid during the call
  std::string_view peer;     // "127.0.0.1:41234", "[::1]:41234"
  std::string_view tenant;   // whose it is, where WithTenancy() stands before the handler; else ""
  // The first value of a metadata key (lower case); nullopt if the client sent none.
  std::function<std::optional<std::string_view>(std::string_view)> metadata;
  // How many values of the key the client sent.
  std::function<std::size_t(std::string_view)> metadata_count;
  // Asked to stop when the client gave up, its deadline passed, or the grace at shutdown is over.
  std::stop_token stop;
};

// Called on the server's worker threads, many at a time; may block. An exception becomes kInternal.
using RawHandler = std::function<RawReply(const RawRequest&)>;

// Method path, "/package.Service/Method", to its handler. Other methods are kUnimplemented.
using RawGrpcServices = std::map<std::string, RawHandler, std::less<>>;

struct GrpcServerOptions {
  std::string host = "127.0.0.1";  // a name or an address; "" = all interfaces
  std::uint16_t port = 0;          // 0 = a free one, see GrpcServer::port()
  bool listen = true;              // false: connections come by Adopt() alone
  // With `enabled`, TLS and nothing else. gRPC has ciphers of its own choice and no TLS below 1.2.
  TlsServerOptions tls;
  // Of one request, as sent and again after decompression; more is kResourceExhausted. Bytes, up to
  // 2 GiB. With typed services (below) gRPC decompresses itself, before it looks at the limit.
  std::size_t max_message_bytes = std::size_t{32} << 20;
  // Raw calls whose message has come and that are not answered, and the bytes of their requests and
  // of streamed messages that clients have not taken; calls beyond are kResourceExhausted with
  // RetryInfo.
  std::size_t max_calls_in_flight = 256;
  std::size_t max_bytes_in_flight = std::size_t{256} << 20;
  // Calls of which no message has come; with client_streams max_client_streams, if that is more. One
  // more ends the one that waits longest of the connection that has most of them.
  std::size_t max_silent_calls = 1024;
  std::size_t worker_threads = 4;  // that run the raw handlers, at least 1
  int max_streams_per_connection = 128;
  // Methods whose clients send any number of messages and get one answer at the end. What comes
  // while the handler runs, and in 10 ms else, is gathered, up to max_message_bytes: messages behind
  // each other, which protobuf reads as one; at least once, of none "". Its last reply answers the
  // call; one that isn't OK ends it. A client may be silent once its first message says who it is.
  std::set<std::string, std::less<>> client_streams;
  std::size_t max_client_streams = 4096;  // no calls in flight
  // Of grpc.health.v1.Health, SERVING beside "" and the services of the raw methods.
  std::vector<std::string> health_names;
  // Open connections. At the cap the one that has had no call for longest is closed for a new one;
  // if each has a call the new one is. As many again may wait for their first bytes, of which the
  // one that waits longest goes when there is one more. A connection is closed, too, whose client
  // begins calls only to give them up: with four times as many calls as streams (or 1,024 more, if
  // that is less), 512 more than messages came, or 1,000 more given up than answered, or if it has
  // most of many thousands of all; one that gRPC reads on and on while it doesn't get round to what
  // it has read; and one that sends what is no call's: 1 MiB beyond what its calls wait for.
  std::size_t max_connections = 1024;
  // Told of each connection that was closed as said above, by cause: "idle-longest",
  // "too-many-calls", "given-up-calls", "calls-ahead", "no-messages". Any thread; must not block.
  // May be unset.
  std::function<void(std::string_view cause)> on_connection_closed = {};
  // Told of each message that no handler got, by cause: "too-long", "broken" and "unsupported"
  // (compression), "no-room", "too-many-calls", "too-slow". Any thread; must not block. May be
  // unset.
  std::function<void(std::string_view cause)> on_refused = {};
  // In which a connection's first bytes, and its handshake, must come.
  std::chrono::milliseconds handshake_timeout{10'000};
  // In which a client must send the message of a raw call, of a client's stream the first, and
  // take the whole answer, or each message of a stream.
  std::chrono::milliseconds peer_timeout{30'000};
  // A connection without a call is closed, in the manner that clients expect. 0: never.
  std::chrono::milliseconds idle_timeout{600'000};
};

class GrpcServer {
 public:
  // Listens, then serves until Stop(): the raw methods, the typed `services` (not owned, they must
  // outlive the server) and grpc.health.v1.Health, which says SERVING of each service. Errors: kIo,
  // "cannot listen on 127.0.0.1:4317: address already in use (…)"; kInvalidArgument, unknown host;
  // those of the TLS files; kUnsupported, a cipher list or a greatest TLS version.
  static Result<std::unique_ptr<GrpcServer>> Start(GrpcServerOptions options, RawGrpcServices raw,
                                                   std::vector<grpc::Service*> services = {});

  ~GrpcServer();  // Stop(0)
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  std::uint16_t port() const noexcept;  // 0 if it doesn't listen

  // Takes over `fd`, a connected socket that doesn't block, of which nothing was read. Any thread;
  // after Stop(), and beyond max_connections, it is closed.
  void Adopt(int fd);
  // The same for one whose first bytes were looked at: closed if they are no client's of this
  // server.
  void Greet(int fd, const FirstBytes& first);
  // Connections open now, beside those that haven't said anything. Any thread.
  std::size_t connections() const;

  // Health says NOT_SERVING, new calls are refused, those in flight may end. After `grace` they are
  // cancelled and RawRequest::stop is asked; a handler that still runs is waited for. May be called
  // again; not from a handler.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
