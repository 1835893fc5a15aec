#include "ingest/forward/tchannel_client.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace tracestore::ingest {
namespace {

using codec::TchannelCall;
using codec::TchannelErrorCode;
using codec::TchannelFrame;
using codec::TchannelType;
using net::FrameStep;
using Outcome = TchannelReply::Outcome;

constexpr std::uint32_t kGreetingId = 1;
// Strategies of some 10,000 operations; an answer to spans is 4 bytes a batch.
constexpr codec::TchannelLimits kAnswerLimits{std::size_t{4} << 20, 128};
constexpr std::size_t kMostFrames = 1024;  // of all calls and pings, while one waits for its answer
constexpr std::size_t kMostErrorBytes = 1024;  // of a collector's sentence

Error AsCorruption(const Error& error) { return {ErrorCode::kCorruption, error.message()}; }

// Of frames that aren't this call's.
FrameStep PassOver(const TchannelFrame& frame) {
  FrameStep step;
  if (frame.type == TchannelType::kPingReq)
    codec::AppendTchannelPing(TchannelType::kPingRes, frame.id, step.reply);
  return step;
}

std::string SentenceOf(const codec::TchannelError& error) {
  return std::string(codec::TchannelErrorName(error.code)) + ": " +
         std::string(error.message.substr(0, kMostErrorBytes));
}

}  // namespace

TchannelAnswerReader::TchannelAnswerReader(std::uint32_t id) : id_(id), reader_(kAnswerLimits) {}

Result<FrameStep> TchannelAnswerReader::Take(std::string_view bytes) {
  const auto frame = codec::DecodeTchannelFrame(bytes);
  if (!frame.has_value()) return AsCorruption(frame.error());
  if (frame->type == TchannelType::kError &&
      (frame->id == id_ || frame->id == codec::kNoTchannelId)) {
    return TakeError(*frame);
  }
  const bool piece =
      frame->type == TchannelType::kCallRes || frame->type == TchannelType::kCallResContinue;
  return piece && frame->id == id_ ? TakePiece(*frame) : PassOver(*frame);
}

Result<FrameStep> TchannelAnswerReader::TakePiece(const TchannelFrame& frame) {
  const Status added = reader_.Add(frame);
  if (!added.has_value()) {
    if (added.error().code() == ErrorCode::kUnsupported)
      return Error(ErrorCode::kBusy, "the answer is too long: " + added.error().message());
    return AsCorruption(added.error());
  }
  FrameStep step;
  step.last = reader_.complete();
  if (!step.last) return step;
  TchannelCall& call = reader_.call();
  if (call.code == 0) {
    reply_.outcome = Outcome::kAnswered;
    reply_.result = std::move(call.args[2]);
  } else {
    reply_.outcome = Outcome::kRefused;
    reply_.text = "the method failed with an exception";
  }
  return step;
}

Result<FrameStep> TchannelAnswerReader::TakeError(const TchannelFrame& frame) {
  const auto error = codec::DecodeTchannelError(frame.payload);
  if (!error.has_value()) return AsCorruption(error.error());
  reply_.outcome = Outcome::kRefused;
  reply_.code = error->code;
  reply_.text = SentenceOf(*error);
  FrameStep step;
  step.last = true;
  // After an error of the connection, and one of the protocol, the server closes it.
  step.keep = frame.id == id_ && error->code != TchannelErrorCode::kFatal;
  return step;
}

std::string TchannelGreeting() {
  // A host_port of zeros: nobody can call back.
  codec::TchannelInit init;
  init.headers = {{"host_port", "0.0.0.0:0"},
                  {"process_name", "tracestore"},
                  {"tchannel_language", "cpp"},
                  {"tchannel_language_version", "20"},
                  {"tchannel_version", "2"}};
  std::string out;
  codec::AppendTchannelInit(TchannelType::kInitReq, kGreetingId, init, out);
  return out;
}

Result<FrameStep> ReadTchannelGreeting(std::string_view bytes) {
  const auto frame = codec::DecodeTchannelFrame(bytes);
  if (!frame.has_value()) return AsCorruption(frame.error());
  if (frame->type == TchannelType::kError) {
    const auto error = codec::DecodeTchannelError(frame->payload);
    if (!error.has_value()) return AsCorruption(error.error());
    return Error(ErrorCode::kIo, "the server refuses the connection: " + SentenceOf(*error));
  }
  if (frame->type != TchannelType::kInitRes || frame->id != kGreetingId) {
    return Error(ErrorCode::kCorruption, "not TChannel: expected messageTypeInitRes, got " +
                                             codec::TchannelTypeName(frame->type));
  }
  const auto init = codec::DecodeTchannelInit(frame->payload);
  if (!init.has_value()) return AsCorruption(init.error());
  if (init->version != codec::kTchannelVersion) {
    return Error(ErrorCode::kIo,
                 "the server speaks version " + std::to_string(init->version) + " of TChannel");
  }
  FrameStep step;
  step.last = true;
  return step;
}

Result<std::unique_ptr<TchannelClient>> TchannelClient::Make(net::FramedClientOptions options) {
  options.max_frame_bytes = codec::kMaxTchannelFrameBytes - codec::kTchannelHeaderBytes;
  options.max_frames = kMostFrames;
  net::FrameClientProtocol protocol;
  protocol.header_bytes = codec::kTchannelHeaderBytes;
  protocol.rest = codec::TchannelPayloadSize;
  protocol.greeting = TchannelGreeting();
  protocol.greeted = ReadTchannelGreeting;
  TS_TRY_ASSIGN(auto client, net::FramedClient::Make(std::move(options), std::move(protocol)));
  return std::unique_ptr<TchannelClient>(new TchannelClient(std::move(client)));
}

TchannelReply TchannelClient::Call(std::string_view method, std::string arguments,
                                   std::chrono::milliseconds timeout,
                                   const std::stop_token& stop) {
  std::uint32_t id = ++last_id_;
  while (id <= kGreetingId || id == codec::kNoTchannelId) id = ++last_id_;
  TchannelCall call;
  call.ttl_ms =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(timeout.count(), 1, 86'400'000));
  call.service = "jaeger-collector";
  call.headers = {{"as", "thrift"}, {"cn", "jaeger-agent"}};
  call.checksum = codec::TchannelChecksum::kCrc32;
  call.args = {std::string(method), std::string(codec::kNoTchannelHeaders), std::move(arguments)};
  std::string frames;
  codec::AppendTchannelCall(id, call, frames);
  call.args = {};
  TchannelAnswerReader reader(id);
  net::FramedCall framed;
  framed.bytes = frames;
  framed.on_frame = [&reader](std::string_view frame) { return reader.Take(frame); };
  framed.timeout = timeout;
  framed.stop = stop;
  const Status called = client_->Call(framed);
  if (called.has_value()) return std::move(reader.reply());
  TchannelReply unreached;
  unreached.text = called.error().message();
  return unreached;
}

}  // namespace tracestore::ingest
