// What the gRPC server and client share. Private to them: the only header of this room with gRPC in
// it.
#pragma once
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "net/compression.h"
#include "net/grpc_reply.h"

namespace tracestore::net {

// gRPC logs to stderr, a library must not. GRPC_VERBOSITY in the environment keeps its log.
void SilenceGrpcLog();

// A message's bytes in one piece: gRPC's own slice where there is one, else a copy.
class Flattened {
 public:
  explicit Flattened(const grpc::ByteBuffer& buffer);
  Flattened(const Flattened&) = delete;
  Flattened& operator=(const Flattened&) = delete;
  std::string_view view() const noexcept { return view_; }

 private:
  grpc::Slice slice_;
  std::string copy_;
  std::string_view view_;
};

// "ipv4:127.0.0.1:5" and "ipv6:%5B::1%5D:5" as everywhere else in this room.
std::string PeerName(const std::string& grpc_peer);

// How the client compressed this message; nullopt: in a way that isn't known. grpc::ByteBuffer
// hides that, but promises (by a static_assert of its own) to be represented as the C API's
// pointer, which says it.
std::optional<Coding> CodingOf(const grpc::ByteBuffer& buffer);

// How a call ends.
grpc::Status ToStatus(const RawReply& reply);

}  // namespace tracestore::net
