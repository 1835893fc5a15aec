// size:2 type:1 reserved:1 id:4 reserved:8, then the payload (docs/format/tchannel.md).
#include "codec/tchannel/frame.h"

#include <algorithm>

#include "codec/tchannel/payload.h"

namespace tracestore::codec {

using tchannel::AppendNumber;
using tchannel::AppendText;
using tchannel::BeginFrame;
using tchannel::Broken;
using tchannel::EndFrame;
using tchannel::PayloadReader;

Error tchannel::Broken(const char* what) {
  return {ErrorCode::kInvalidArgument, std::string("not TChannel: ") + what};
}

std::string TchannelTypeName(TchannelType type) {
  switch (type) {
    case TchannelType::kInitReq: return "messageTypeInitReq";
    case TchannelType::kInitRes: return "messageTypeInitRes";
    case TchannelType::kCallReq: return "messageTypeCallReq";
    case TchannelType::kCallRes: return "messageTypeCallRes";
    case TchannelType::kCallReqContinue: return "messageTypeCallReqContinue";
    case TchannelType::kCallResContinue: return "messageTypeCallResContinue";
    case TchannelType::kCancel: return "messageTypeCancel";
    case TchannelType::kClaim: return "messageTypeClaim";
    case TchannelType::kPingReq: return "messageTypePingReq";
    case TchannelType::kPingRes: return "messageTypePingRes";
    case TchannelType::kError: return "messageTypeError";
  }
  return "messageType(" + std::to_string(static_cast<unsigned>(type)) + ")";
}

const char* TchannelErrorName(TchannelErrorCode code) noexcept {
  switch (code) {
    case TchannelErrorCode::kTimeout: return "timeout";
    case TchannelErrorCode::kCancelled: return "cancelled";
    case TchannelErrorCode::kBusy: return "busy";
    case TchannelErrorCode::kDeclined: return "declined";
    case TchannelErrorCode::kUnexpected: return "unexpected error";
    case TchannelErrorCode::kBadRequest: return "bad request";
    case TchannelErrorCode::kNetwork: return "network error";
    case TchannelErrorCode::kUnhealthy: return "unhealthy";
    case TchannelErrorCode::kFatal: return "fatal protocol error";
  }
  return "unknown";
}

std::optional<std::size_t> TchannelPayloadSize(std::string_view header) noexcept {
  const std::size_t size = PayloadReader(header).Number(2);
  if (size < kTchannelHeaderBytes) return std::nullopt;
  return size - kTchannelHeaderBytes;
}

Result<TchannelFrame> DecodeTchannelFrame(std::string_view bytes) {
  PayloadReader in(bytes);
  TchannelFrame frame;
  const std::size_t size = in.Number(2);
  frame.type = static_cast<TchannelType>(in.Number(1));
  in.Take(1);
  frame.id = static_cast<std::uint32_t>(in.Number(4));
  in.Take(8);
  if (!in.ok()) return Broken("a frame is shorter than its header");
  if (size != bytes.size()) return Broken("a frame has another size than it says");
  frame.payload = in.rest();
  return frame;
}

Result<TchannelInit> DecodeTchannelInit(std::string_view payload) {
  PayloadReader in(payload);
  TchannelInit init;
  init.version = static_cast<std::uint16_t>(in.Number(2));
  const std::size_t count = in.Number(2);
  if (count > kMaxTchannelHeaders) return Broken("an init has too many headers");
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view key = in.Text(2);
    init.headers.emplace_back(key, in.Text(2));
  }
  if (!in.ok()) return Broken("an init ends too early");
  return init;
}

Result<TchannelError> DecodeTchannelError(std::string_view payload) {
  PayloadReader in(payload);
  TchannelError error;
  error.code = static_cast<TchannelErrorCode>(in.Number(1));
  in.Take(tchannel::kTracingBytes);
  error.message = in.Text(2);
  if (!in.ok()) return Broken("an error ends too early");
  return error;
}

void AppendTchannelInit(TchannelType type, std::uint32_t id, const TchannelInit& init,
                        std::string& out) {
  // So long that 128 pairs fit into a frame.
  constexpr std::size_t kMostText = 250;
  const std::size_t begin = BeginFrame(type, id, out);
  const std::size_t count = std::min(init.headers.size(), kMaxTchannelHeaders);
  AppendNumber(init.version, 2, out);
  AppendNumber(count, 2, out);
  for (std::size_t i = 0; i < count; ++i) {
    AppendText(init.headers[i].first.substr(0, kMostText), 2, out);
    AppendText(init.headers[i].second.substr(0, kMostText), 2, out);
  }
  EndFrame(begin, out);
}

void AppendTchannelError(std::uint32_t id, const TchannelError& error, std::string& out) {
  constexpr std::size_t kMostText = 16 * 1024;
  const std::size_t begin = BeginFrame(TchannelType::kError, id, out);
  AppendNumber(static_cast<std::uint8_t>(error.code), 1, out);
  out.append(tchannel::kTracingBytes, '\0');
  AppendText(error.message.substr(0, kMostText), 2, out);
  EndFrame(begin, out);
}

void AppendTchannelPing(TchannelType type, std::uint32_t id, std::string& out) {
  EndFrame(BeginFrame(type, id, out), out);
}

}  // namespace tracestore::codec
