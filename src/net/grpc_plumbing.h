// What the gRPC server and client share. Private to them: the only header of this room with gRPC in
// it.
#pragma once
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <string>
#include <string_view>

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

}  // namespace tracestore::net
