// TChannel's calls and their answers (docs/format/tchannel.md): three arguments over any number of
// frames.
#pragma once
#include <tracestore/status.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/tchannel/checksum.h"
#include "codec/tchannel/frame.h"

namespace tracestore::codec {

// A call, or the answer to one. Of the Thrift scheme the arguments are: "Service::method" ("" of an
// answer), application headers, a struct of the binary protocol without a message's header.
struct TchannelCall {
  bool is_answer = false;
  std::uint32_t ttl_ms = 0;  // of a call: how long the caller waits
  std::uint8_t code = 0;     // of an answer: 0, or 1 where the argument is the method's exception
  std::string service;       // of a call
  std::vector<std::pair<std::string, std::string>> headers;  // of the transport: "as", "cn", …
  TchannelChecksum checksum = TchannelChecksum::kNone;
  std::array<std::string, 3> args;

  // "" where there is none of that name.
  std::string_view header(std::string_view name) const noexcept;
};

// Appends the call's frames. Its checksum is any but kFarm32; at most 128 headers of 255 bytes.
void AppendTchannelCall(std::uint32_t id, const TchannelCall& call, std::string& out);

// Application headers of none: nh:2.
inline constexpr std::string_view kNoTchannelHeaders{"\0\0", 2};

struct TchannelLimits {
  std::size_t max_argument_bytes = std::size_t{32} << 20;  // of the three together
  std::size_t max_frames = 4096;                           // of one call
};
inline constexpr std::size_t kMaxTchannelMethodBytes = 16 * 1024;  // of the first argument

// Puts one call together, frame by frame. Threads: one.
class TchannelCallReader {
 public:
  explicit TchannelCallReader(TchannelLimits limits = {}) : limits_(limits) {}

  // A frame of the call: first a kCallReq or kCallRes, then such of continuation. After an error
  // the reader is of no more use. kInvalidArgument: broken, or the checksum is another;
  // kUnsupported: longer than the limits.
  Status Add(const TchannelFrame& frame);

  bool complete() const noexcept { return complete_; }
  // What is kept of the call so far.
  std::size_t bytes() const noexcept { return bytes_; }
  // Whole once complete().
  TchannelCall& call() noexcept { return call_; }

 private:
  Status AddFirst(const TchannelFrame& frame, bool& more);
  Status AddPieces(std::string_view payload, bool more);
  Status AddPiece(std::string_view piece);

  const TchannelLimits limits_;
  TchannelCall call_;
  std::size_t frames_ = 0;
  std::size_t bytes_ = 0;
  std::size_t argument_ = 0;   // the one whose pieces come
  std::uint32_t running_ = 0;  // checksum of all pieces so far
  bool complete_ = false;
};

}  // namespace tracestore::codec
