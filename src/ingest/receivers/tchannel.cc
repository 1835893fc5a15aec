#include "ingest/receivers/tchannel.h"

#include <utility>

#include "base/try.h"
#include "ingest/receivers/tchannel_methods.h"

namespace tracestore::ingest {
namespace {

using codec::TchannelError;
using codec::TchannelErrorCode;
using codec::TchannelFrame;
using codec::TchannelType;

net::FrameAnswer Fatal(std::uint32_t id, const std::string& sentence) {
  net::FrameAnswer out;
  out.end = true;
  codec::AppendTchannelError(id, {TchannelErrorCode::kFatal, sentence}, out.bytes);
  return out;
}

}  // namespace

net::FrameAnswer TchannelSession::Take(std::string_view bytes, Clock::time_point now) {
  const auto frame = codec::DecodeTchannelFrame(bytes);
  if (!frame.has_value()) return Fatal(codec::kNoTchannelId, frame.error().message());
  if (!open_) return Open(*frame);
  net::FrameAnswer answer;
  DropLate(now, answer.bytes);
  switch (frame->type) {
    case TchannelType::kCallReq:
    case TchannelType::kCallReqContinue: TakeCall(*frame, now, answer.bytes); break;
    case TchannelType::kCancel: calls_.erase(frame->id); break;
    case TchannelType::kPingReq:
      codec::AppendTchannelPing(TchannelType::kPingRes, frame->id, answer.bytes);
      break;
    default: break;  // answers to nothing, errors of clients, types that nobody knows
  }
  answer.unfinished = !calls_.empty();
  return answer;
}

net::FrameAnswer TchannelSession::Open(const TchannelFrame& frame) {
  const auto refuse = [&](const std::string& sentence) {
    if (shared_.options.on_refused) shared_.options.on_refused("no-init");
    return Fatal(frame.id, sentence);
  };
  if (frame.type != TchannelType::kInitReq) {
    return refuse("expected message type messageTypeInitReq, got " +
                  codec::TchannelTypeName(frame.type));
  }
  const auto init = codec::DecodeTchannelInit(frame.payload);
  if (!init.has_value()) return refuse(init.error().message());
  if (init->version < codec::kTchannelVersion) {
    return refuse("unsupported protocol version " + std::to_string(init->version) +
                  " from peer, expected " + std::to_string(codec::kTchannelVersion));
  }
  open_ = true;
  net::FrameAnswer answer;
  codec::AppendTchannelInit(TchannelType::kInitRes, frame.id,
                            {codec::kTchannelVersion,
                             {{"host_port", "0.0.0.0:0"},
                              {"process_name", "tracestore"},
                              {"tchannel_language", "cpp"},
                              {"tchannel_language_version", "20"},
                              {"tchannel_version", shared_.options.version}}},
                            answer.bytes);
  return answer;
}

void TchannelSession::Refuse(std::uint32_t id, const TchannelError& error, std::string_view cause,
                             std::string& out) {
  codec::AppendTchannelError(id, error, out);
  if (shared_.options.on_refused) shared_.options.on_refused(cause);
}

// Whoever begins calls and doesn't end them gets no memory for long.
void TchannelSession::DropLate(Clock::time_point now, std::string& out) {
  for (auto call = calls_.begin(); call != calls_.end();) {
    if (call->second.deadline > now) {
      ++call;
      continue;
    }
    Refuse(call->first, {TchannelErrorCode::kTimeout, "the call's last frame didn't come in time"},
           "too-slow", out);
    call = calls_.erase(call);
  }
}

void TchannelSession::TakeCall(const TchannelFrame& frame, Clock::time_point now,
                               std::string& out) {
  auto call = calls_.find(frame.id);
  if (frame.type == TchannelType::kCallReqContinue) {
    if (call == calls_.end()) return;  // of a call that was refused
    return Add(call->second, frame, out);
  }
  if (call != calls_.end()) {
    calls_.erase(call);
    return Refuse(frame.id, {TchannelErrorCode::kBadRequest, "the call's id is in use"}, "broken",
                  out);
  }
  if (calls_.size() >= shared_.options.max_open_calls) {
    return Refuse(frame.id, {TchannelErrorCode::kBusy, "too many unfinished calls"}, "no-room",
                  out);
  }
  call = calls_.try_emplace(frame.id, shared_, now + shared_.options.call_timeout).first;
  Add(call->second, frame, out);
}

// Adds a frame to its call; a call that is whole is answered, a refused one is gone.
void TchannelSession::Add(OpenCall& open, const TchannelFrame& frame, std::string& out) {
  const std::size_t before = open.reader.bytes();
  const Status added = open.reader.Add(frame);
  if (!added.has_value()) {
    const bool too_long = added.error().code() == ErrorCode::kUnsupported;
    Refuse(frame.id, {TchannelErrorCode::kBadRequest, added.error().message()},
           too_long ? "too-long" : "broken", out);
  } else if (open.reader.complete()) {
    AnswerTchannelCall(frame.id, open.reader.call(), shared_, out);
  } else if (open.hold.Take(open.reader.bytes() - before)) {
    return;
  } else {
    Refuse(frame.id, {TchannelErrorCode::kBusy, "too many bytes of unfinished calls"}, "no-room",
           out);
  }
  calls_.erase(frame.id);
}

Result<std::unique_ptr<TchannelReceiver>> TchannelReceiver::Start(TchannelOptions options,
                                                                  const Intake& intake) {
  options.server.max_frame_bytes = codec::kMaxTchannelFrameBytes;
  // Its constructor is private.
  std::unique_ptr<TchannelReceiver> receiver(new TchannelReceiver(std::move(options), intake));
  net::FrameProtocol protocol;
  protocol.header_bytes = codec::kTchannelHeaderBytes;
  protocol.rest = codec::TchannelPayloadSize;
  protocol.open = [&shared = receiver->shared_](std::string_view) -> net::FrameSession {
    return [session = std::make_shared<TchannelSession>(shared)](std::string_view frame) {
      return session->Take(frame, TchannelSession::Clock::now());
    };
  };
  const auto on_problem = [&options = receiver->options_](net::FrameProblem problem) {
    if (options.on_refused) options.on_refused(net::FrameProblemName(problem));
  };
  TS_TRY_ASSIGN(receiver->server_, net::FramedServer::Start(receiver->options_.server,
                                                            std::move(protocol), on_problem));
  return receiver;
}

}  // namespace tracestore::ingest
