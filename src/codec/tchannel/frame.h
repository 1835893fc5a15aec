// TChannel's frames (docs/format/tchannel.md): one frame's bytes and back, and the payloads of all
// types but calls (call.h).
//
// Errors are kInvalidArgument, "not TChannel: …". Views point into the bytes that were given.
// Threads: none shared.
#pragma once
#include <tracestore/status.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tracestore::codec {

inline constexpr std::size_t kTchannelHeaderBytes = 16;
inline constexpr std::size_t kMaxTchannelFrameBytes = 65535;  // header included
inline constexpr std::uint16_t kTchannelVersion = 2;
// of an error that belongs to no message
inline constexpr std::uint32_t kNoTchannelId = 0xFFFFFFFF;

enum class TchannelType : std::uint8_t {
  kInitReq = 0x01,
  kInitRes = 0x02,
  kCallReq = 0x03,
  kCallRes = 0x04,
  kCallReqContinue = 0x13,
  kCallResContinue = 0x14,
  kCancel = 0xC0,
  kClaim = 0xC1,
  kPingReq = 0xD0,
  kPingRes = 0xD1,
  kError = 0xFF,
};

// "messageTypeInitReq", as Uber's library for Go names it in its sentences; others by number.
std::string TchannelTypeName(TchannelType type);

struct TchannelFrame {
  TchannelType type = TchannelType::kInitReq;  // or any other byte
  std::uint32_t id = 0;
  std::string_view payload;
};

// The bytes that follow a frame's header of 16; nullopt where its size is less than the header's.
std::optional<std::size_t> TchannelPayloadSize(std::string_view header) noexcept;

// A whole frame. Reserved bytes aren't looked at.
Result<TchannelFrame> DecodeTchannelFrame(std::string_view bytes);

using TchannelHeaders = std::vector<std::pair<std::string_view, std::string_view>>;

struct TchannelInit {
  std::uint16_t version = kTchannelVersion;
  TchannelHeaders headers;  // at most kMaxTchannelHeaders
};
inline constexpr std::size_t kMaxTchannelHeaders = 128;

Result<TchannelInit> DecodeTchannelInit(std::string_view payload);

enum class TchannelErrorCode : std::uint8_t {
  kTimeout = 1,
  kCancelled = 2,
  kBusy = 3,
  kDeclined = 4,
  kUnexpected = 5,
  kBadRequest = 6,
  kNetwork = 7,
  kUnhealthy = 8,
  kFatal = 0xFF,  // of the protocol: the connection closes
};
const char* TchannelErrorName(TchannelErrorCode code) noexcept;  // "busy"; "unknown"

struct TchannelError {
  TchannelErrorCode code = TchannelErrorCode::kUnexpected;
  std::string_view message;
};

Result<TchannelError> DecodeTchannelError(std::string_view payload);

// Each appends one frame. Keys, values and messages are cut where they don't fit into the frame.
void AppendTchannelInit(TchannelType type, std::uint32_t id, const TchannelInit& init,
                        std::string& out);
void AppendTchannelError(std::uint32_t id, const TchannelError& error, std::string& out);
void AppendTchannelPing(TchannelType type, std::uint32_t id, std::string& out);

}  // namespace tracestore::codec
