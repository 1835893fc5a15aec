#include "net/grpc_plumbing.h"

#include <grpc/byte_buffer.h>
#include <grpc/support/log.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "net/http.h"

namespace tracestore::net {

void SilenceGrpcLog() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
  });
}

Flattened::Flattened(const grpc::ByteBuffer& buffer) {
  if (buffer.TrySingleSlice(&slice_).ok()) {
    view_ = {reinterpret_cast<const char*>(slice_.begin()), slice_.size()};
    return;
  }
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return;  // an empty message has no slices
  copy_.reserve(buffer.Length());
  for (const auto& slice : slices) {
    copy_.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  view_ = copy_;
}

std::string PeerName(const std::string& grpc_peer) {
  const std::string_view peer = grpc_peer;
  if (!peer.starts_with("ipv4:") && !peer.starts_with("ipv6:")) return grpc_peer;
  auto name = PercentDecode(peer.substr(5), false).value_or(grpc_peer);
  constexpr std::string_view kMapped = "[::ffff:";  // an IPv4 client of a socket on all interfaces
  if (const auto close = name.find(']');
      name.starts_with(kMapped) && close != std::string::npos && name.find('.') < close) {
    name = name.substr(kMapped.size(), close - kMapped.size()) + name.substr(close + 1);
  }
  return name;
}

std::optional<Coding> CodingOf(const grpc::ByteBuffer& buffer) {
  static_assert(sizeof(grpc::ByteBuffer) == sizeof(grpc_byte_buffer*));
  const grpc_byte_buffer* raw = nullptr;
  std::memcpy(static_cast<void*>(&raw), static_cast<const void*>(&buffer), sizeof(raw));
  if (raw == nullptr) return Coding::kIdentity;
  switch (raw->data.raw.compression) {
    case GRPC_COMPRESS_NONE: return Coding::kIdentity;
    case GRPC_COMPRESS_GZIP: return Coding::kGzip;
    case GRPC_COMPRESS_DEFLATE: return Coding::kDeflate;
    default: return std::nullopt;
  }
}

grpc::Status ToStatus(const RawReply& reply) {
  return {static_cast<grpc::StatusCode>(reply.code), reply.message, reply.details};
}

}  // namespace tracestore::net
