// TchannelClient: Thrift's methods of one collector, called by TChannel as Jaeger's agents up to
// 1.17 do (docs/format/tchannel.md, "Sent").
#pragma once
#include <tracestore/status.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "codec/tchannel/call.h"
#include "codec/tchannel/frame.h"
#include "net/framed_client.h"

namespace tracestore::ingest {

struct TchannelReply {
  enum class Outcome : std::uint8_t {
    kAnswered,   // `result` is the method's struct
    kRefused,    // by an error frame or the method's exception: `code`
    kUnreached,  // no connection, no answer in time, or none that can be read
  };
  Outcome outcome = Outcome::kUnreached;
  codec::TchannelErrorCode code = codec::TchannelErrorCode::kUnexpected;
  std::string text;  // unless answered: a sentence
  std::string result;
};

// Puts together what comes after one call, frame by frame. What the collector sends is bounded:
// 4 MiB of an answer, 128 headers; frames of other calls are passed over, pings are answered. Pure.
class TchannelAnswerReader {
 public:
  explicit TchannelAnswerReader(std::uint32_t id);

  // Errors: kCorruption (no TChannel), kBusy (an answer beyond the limits).
  Result<net::FrameStep> Take(std::string_view frame);
  // Whole once Take() gave `last`.
  TchannelReply& reply() noexcept { return reply_; }

 private:
  Result<net::FrameStep> TakePiece(const codec::TchannelFrame& frame);
  Result<net::FrameStep> TakeError(const codec::TchannelFrame& frame);

  const std::uint32_t id_;
  codec::TchannelCallReader reader_;
  TchannelReply reply_;
};

// What a client says first over a connection, and how its answer is read: kIo where the server
// refuses, kCorruption where it is no TChannel.
std::string TchannelGreeting();
Result<net::FrameStep> ReadTchannelGreeting(std::string_view frame);

// Threads: any number call at a time.
class TchannelClient {
 public:
  // Of `options` the limits of frames are set here. Errors: as FramedClient::Make.
  static Result<std::unique_ptr<TchannelClient>> Make(net::FramedClientOptions options);

  // Calls "Service::method" with its arguments, a struct of the binary protocol. Blocks until the
  // answer, the time-out (of at least 1 ms) or `stop`.
  TchannelReply Call(std::string_view method, std::string arguments,
                     std::chrono::milliseconds timeout, const std::stop_token& stop = {});

 private:
  explicit TchannelClient(std::unique_ptr<net::FramedClient> client) : client_(std::move(client)) {}

  const std::unique_ptr<net::FramedClient> client_;
  std::atomic<std::uint32_t> last_id_{1};  // 1 is the greeting's
};

}  // namespace tracestore::ingest
