// What the calls of one gRPC server share, and how a handler is called. Private to the server, as
// all headers with gRPC in them.
#pragma once
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "net/compression.h"
#include "net/grpc_connections.h"
#include "net/grpc_plumbing.h"
#include "net/grpc_question.h"
#include "net/grpc_server.h"
#include "net/peer_watch.h"
#include "net/silent_calls.h"
#include "net/worker_pool.h"

namespace tracestore::net {

// Outlives the grpc::Server.
struct GrpcCalls {
  GrpcCalls(GrpcServerOptions o, RawGrpcServices m);
  const GrpcServerOptions options;
  const RawGrpcServices methods;
  GrpcQuestion question;
  GrpcConnections connections;
  std::atomic<std::size_t> calls{0};
  std::atomic<std::size_t> bytes{0};
  std::mutex streams_mutex;
  // Clients' streams, guarded by streams_mutex: all; how many have had their first message.
  std::set<grpc::ServerContextBase*> streams;
  std::size_t begun_streams = 0;
  PeerWatch peers;
  SilentCalls silent;
  WorkerPool pool;

  void Tell(std::string_view cause) const {
    if (options.on_refused) options.on_refused(cause);
  }
  // RESOURCE_EXHAUSTED: come again.
  grpc::Status Busy(std::string_view cause, const char* why) const;
  // In gRPC's words, which senders know; OK if the message may be so long.
  grpc::Status CheckLength(const grpc::ByteBuffer& message) const;
  // Gives what is wrong, or a reply that is OK.
  RawReply Unpack(const grpc::ByteBuffer& message, class Unpacked& into) const;
};

// The connection of a call, while the call lasts.
class ConnectionInUse {
 public:
  ConnectionInUse(GrpcCalls& shared, const grpc::ServerContextBase& context)
      : shared_(shared),
        peer_(PeerName(context.peer())),
        connection_(shared.connections.Begin(peer_, &peer_)) {}
  ConnectionInUse(const ConnectionInUse&) = delete;
  ConnectionInUse& operator=(const ConnectionInUse&) = delete;
  // As GrpcConnections knows it; 0: it doesn't.
  std::uint64_t number() const noexcept { return connection_; }
  // The client's address.
  const std::string& peer() const noexcept { return peer_; }
  // A message has come, or none will.
  void Touch(bool message) { shared_.connections.Touch(connection_, message); }
  // Once. `given_up`: by the client, or because it was too slow, or no handler got anything of it.
  void End(bool given_up) { shared_.connections.End(connection_, given_up); }

 private:
  GrpcCalls& shared_;
  std::string peer_;
  const std::uint64_t connection_;
};

grpc::Status StoppingStatus();
RawReply ThrownReply(const std::exception& error);

// A message without its compression; `message` is valid as long as this.
class Unpacked {
 public:
  // Gives what is wrong, or a reply that is OK.
  RawReply Take(const grpc::ByteBuffer& buffer, std::size_t max_bytes);

  std::string_view message;

 private:
  std::optional<Flattened> sent_;
  Decompressed unpacked_;
};

// What the handler throws is a reply.
RawReply CallHandler(const RawHandler& handler, std::string_view message, std::string_view peer,
                     grpc::GenericCallbackServerContext& context, std::stop_token stop);

}  // namespace tracestore::net
