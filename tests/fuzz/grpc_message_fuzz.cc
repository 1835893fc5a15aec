// Any bytes as one message of a gRPC call, in slices as the network cuts them, compressed in the
// way that the first byte says or in none: unpacked within a bound, and read the same however it is
// cut.
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "net/grpc_calls.h"

using namespace tracestore;

namespace {

constexpr std::size_t kMost = std::size_t{1} << 20;

void Check(bool holds) {
  if (!holds) std::abort();
}

// In slices of `piece` bytes. A grpc::ByteBuffer is the C API's pointer (net/grpc_plumbing.h), and
// says by no means of its own how it is compressed.
void Take(std::string_view bytes, std::size_t piece, grpc_compression_algorithm algorithm,
          net::RawReply& reply, std::string& message) {
  std::vector<grpc_slice> slices;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::string_view part = bytes.substr(at, piece);
    slices.push_back(grpc_slice_from_copied_buffer(part.data(), part.size()));
  }
  grpc::ByteBuffer buffer;
  static_assert(sizeof(buffer) == sizeof(grpc_byte_buffer*));
  grpc_byte_buffer* raw =
      grpc_raw_compressed_byte_buffer_create(slices.data(), slices.size(), algorithm);
  std::memcpy(static_cast<void*>(&buffer), &raw, sizeof raw);  // which destroys it
  for (const grpc_slice& slice : slices) grpc_slice_unref(slice);
  net::Unpacked unpacked;
  reply = unpacked.Take(buffer, kMost);
  message = unpacked.message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto algorithm =
      static_cast<grpc_compression_algorithm>(data[0] % (GRPC_COMPRESS_ALGORITHMS_COUNT + 1));
  net::RawReply whole, cut;
  std::string of_whole, of_cut;
  Take(bytes, std::max<std::size_t>(bytes.size(), 1), algorithm, whole, of_whole);
  Take(bytes, 1 + data[0] / 16, algorithm, cut, of_cut);
  Check(whole.code == cut.code && whole.message == cut.message);
  if (whole.code != net::GrpcCode::kOk) return 0;
  Check(of_whole == of_cut);
  if (algorithm == GRPC_COMPRESS_NONE) Check(of_whole == bytes);
  if (algorithm != GRPC_COMPRESS_NONE) Check(of_whole.size() <= kMost);
  return 0;
}
