// First frame of a call:   flags:1 ttl:4 tracing:25 service~1 nh:1 (key~1 value~1)… checksum pieces
// of an answer:            flags:1 code:1 tracing:25 nh:1 (key~1 value~1)… checksum pieces
// continuation:            flags:1 checksum pieces
// checksum:                type:1 value:0 or 4
// An argument's piece (length of 2 bytes) that ends with the frame goes on in the next.
#include "codec/tchannel/call.h"

#include <algorithm>

#include "base/try.h"
#include "codec/tchannel/payload.h"

namespace tracestore::codec {
namespace {

using tchannel::AppendNumber;
using tchannel::AppendText;
using tchannel::BeginFrame;
using tchannel::Broken;
using tchannel::EndFrame;
using tchannel::kTracingBytes;
using tchannel::PayloadReader;

constexpr std::uint8_t kMore = 1;  // of the flags
constexpr std::size_t kLengthBytes = 2;

bool IsFirst(TchannelType type) {
  return type == TchannelType::kCallReq || type == TchannelType::kCallRes;
}

TchannelType ContinuationOf(bool is_answer) {
  return is_answer ? TchannelType::kCallResContinue : TchannelType::kCallReqContinue;
}

// Writes frames, one after the other, each with its share of the arguments.
class CallWriter {
 public:
  CallWriter(std::uint32_t id, const TchannelCall& call, std::string& out)
      : id_(id), call_(call), out_(out) {}

  void Run() {
    BeginFirst();
    for (std::size_t i = 0; i < call_.args.size(); ++i)
      WriteArgument(call_.args[i], i + 1 == call_.args.size());
    End(false);
  }

 private:
  void BeginFirst() {
    begin_ = BeginFrame(call_.is_answer ? TchannelType::kCallRes : TchannelType::kCallReq, id_,
                        out_);
    AppendNumber(0, 1, out_);
    if (call_.is_answer) {
      AppendNumber(call_.code, 1, out_);
    } else {
      AppendNumber(call_.ttl_ms, 4, out_);
    }
    out_.append(kTracingBytes, '\0');
    if (!call_.is_answer) AppendText(call_.service, 1, out_);
    const std::size_t count = std::min(call_.headers.size(), kMaxTchannelHeaders);
    AppendNumber(count, 1, out_);
    for (std::size_t i = 0; i < count; ++i) {
      AppendText(call_.headers[i].first, 1, out_);
      AppendText(call_.headers[i].second, 1, out_);
    }
    BeginPieces();
  }

  void BeginPieces() {
    AppendNumber(static_cast<std::uint8_t>(call_.checksum), 1, out_);
    checksum_at_ = out_.size();
    if (call_.checksum != TchannelChecksum::kNone) AppendNumber(0, 4, out_);
  }

  void BeginContinuation() {
    begin_ = BeginFrame(ContinuationOf(call_.is_answer), id_, out_);
    AppendNumber(0, 1, out_);
    BeginPieces();
  }

  void End(bool more) {
    out_[begin_ + kTchannelHeaderBytes] = static_cast<char>(more ? kMore : 0);
    if (call_.checksum != TchannelChecksum::kNone) {
      std::string value;
      AppendNumber(running_, 4, value);
      out_.replace(checksum_at_, value.size(), value);
    }
    EndFrame(begin_, out_);
  }

  std::size_t room() const { return kMaxTchannelFrameBytes - (out_.size() - begin_); }

  void WriteArgument(std::string_view rest, bool last) {
    while (true) {
      const std::string_view piece = rest.substr(0, room() - kLengthBytes);
      AppendText(piece, kLengthBytes, out_);
      running_ = ContinueTchannelChecksum(call_.checksum, running_, piece);
      rest.remove_prefix(piece.size());
      // An argument before the last ends by the bytes that follow it in its frame: the next one's
      // length.
      if (rest.empty() && (last || room() >= kLengthBytes)) return;
      End(true);
      BeginContinuation();
    }
  }

  const std::uint32_t id_;
  const TchannelCall& call_;
  std::string& out_;
  std::size_t begin_ = 0;
  std::size_t checksum_at_ = 0;
  std::uint32_t running_ = 0;
};

}  // namespace

std::string_view TchannelCall::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

void AppendTchannelCall(std::uint32_t id, const TchannelCall& call, std::string& out) {
  CallWriter(id, call, out).Run();
}

Status TchannelCallReader::Add(const TchannelFrame& frame) {
  if (complete_) return Broken("a call goes on after its end");
  if (++frames_ > limits_.max_frames)
    return Error(ErrorCode::kUnsupported,
                 "a call has more than " + std::to_string(limits_.max_frames) + " frames");
  bool more = false;
  if (frames_ == 1) return AddFirst(frame, more);
  if (frame.type != ContinuationOf(call_.is_answer))
    return Broken("a call doesn't go on as it began");
  PayloadReader in(frame.payload);
  more = (in.Number(1) & kMore) != 0;
  if (!in.ok()) return Broken("a frame of a call is empty");
  return AddPieces(in.rest(), more);
}

Status TchannelCallReader::AddFirst(const TchannelFrame& frame, bool& more) {
  if (!IsFirst(frame.type)) return Broken("a call begins with a continuation");
  call_.is_answer = frame.type == TchannelType::kCallRes;
  PayloadReader in(frame.payload);
  more = (in.Number(1) & kMore) != 0;
  if (call_.is_answer) {
    call_.code = static_cast<std::uint8_t>(in.Number(1));
  } else {
    call_.ttl_ms = static_cast<std::uint32_t>(in.Number(4));
  }
  in.Take(kTracingBytes);
  if (!call_.is_answer) call_.service = in.Text(1);
  const std::size_t count = in.Number(1);
  if (count > kMaxTchannelHeaders) return Broken("a call has too many headers");
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view key = in.Text(1);
    const std::string_view value = in.Text(1);
    bytes_ += key.size() + value.size() + sizeof call_.headers.front();
    call_.headers.emplace_back(key, value);
  }
  bytes_ += call_.service.size();
  const std::string_view rest = in.rest();
  if (!in.ok() || rest.empty()) return Broken("a call's first frame ends too early");
  if (!IsTchannelChecksum(static_cast<std::uint8_t>(rest.front())))
    return Broken("a checksum is of an unknown type");
  call_.checksum = static_cast<TchannelChecksum>(rest.front());
  return AddPieces(rest, more);
}

Status TchannelCallReader::AddPieces(std::string_view payload, bool more) {
  PayloadReader in(payload);
  if (static_cast<TchannelChecksum>(in.Number(1)) != call_.checksum || !in.ok())
    return Broken("a frame's checksum is of another type than the first one's");
  const bool checked = call_.checksum != TchannelChecksum::kNone;
  const std::uint64_t said = checked ? in.Number(4) : 0;
  while (in.ok() && !in.rest().empty()) {
    TS_TRY(AddPiece(in.Text(kLengthBytes)));
    if (!in.ok() || in.rest().empty()) break;
    if (++argument_ == call_.args.size()) return Broken("a call has more than three arguments");
  }
  if (!in.ok()) return Broken("a frame of a call ends within an argument");
  if (call_.checksum != TchannelChecksum::kFarm32 && said != running_)
    return Broken("a call's checksum is another");
  if (more) return {};
  if (argument_ + 1 != call_.args.size()) return Broken("a call has less than three arguments");
  complete_ = true;
  return {};
}

Status TchannelCallReader::AddPiece(std::string_view piece) {
  std::string& argument = call_.args[argument_];
  const std::size_t size = call_.args[0].size() + call_.args[1].size() + call_.args[2].size();
  if (piece.size() > limits_.max_argument_bytes - size)
    return Error(ErrorCode::kUnsupported, "a call's arguments are longer than " +
                                              std::to_string(limits_.max_argument_bytes) +
                                              " bytes");
  if (argument_ == 0 && piece.size() > kMaxTchannelMethodBytes - argument.size())
    return Broken("a call's first argument is longer than 16 KiB");
  argument += piece;
  bytes_ += piece.size();
  running_ = ContinueTchannelChecksum(call_.checksum, running_, piece);
  return {};
}

}  // namespace tracestore::codec
