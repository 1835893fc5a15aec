#include "net/grpc_plumbing.h"

#include <grpc/support/log.h>

#include <cstdlib>
#include <mutex>
#include <vector>

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

}  // namespace tracestore::net
