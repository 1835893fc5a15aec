// frame { u24 size; u8 type; u8 flags; u32 stream; payload }: SETTINGS first, then any, up to
// HEADERS and the CONTINUATIONs that follow on it.
#include "net/http2_first_request.h"

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "net/http.h"

namespace tracestore::net {
namespace {

constexpr std::size_t kFrameHead = 9;
constexpr std::size_t kMaxFrame = 16 * 1024;  // before any SETTINGS of ours allow more
constexpr std::size_t kPriority = 5;          // bytes of it in HEADERS
constexpr std::uint32_t kStreamBits = 0x7FFF'FFFF;

struct Frame {
  int type = 0;
  int flags = 0;
  std::uint32_t stream = 0;
  std::string_view payload;

  bool has(int flag) const { return (flags & flag) != 0; }
};

std::uint32_t Number(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// What HEADERS carry beside padding and priority.
std::optional<std::string_view> BlockOf(const Frame& frame) {
  std::string_view payload = frame.payload;
  std::size_t padding = 0;
  if (frame.has(NGHTTP2_FLAG_PADDED)) {
    if (payload.empty()) return std::nullopt;
    padding = Number(payload.substr(0, 1));
    payload.remove_prefix(1);
  }
  const std::size_t priority = frame.has(NGHTTP2_FLAG_PRIORITY) ? kPriority : 0;
  if (payload.size() < priority + padding) return std::nullopt;
  payload.remove_prefix(priority);
  payload.remove_suffix(padding);
  return payload;
}

// As gRPC itself tells them: grpc-web is HTTP.
bool IsGrpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (!EqualsIgnoreCase(content_type.substr(0, kType.size()), kType)) return false;
  const std::string_view rest = content_type.substr(kType.size());
  return rest.empty() || rest.front() == '+' || rest.front() == ';';
}

FirstRequest ReadBlock(std::string_view block) {
  nghttp2_hd_inflater* made = nullptr;
  if (nghttp2_hd_inflate_new(&made) != 0) return FirstRequest::kMalformed;
  const std::unique_ptr<nghttp2_hd_inflater, decltype(&nghttp2_hd_inflate_del)> inflater(
      made, nghttp2_hd_inflate_del);
  const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
  std::size_t left = block.size();
  for (;;) {
    nghttp2_nv field{};
    int flags = 0;
    const auto read = nghttp2_hd_inflate_hd2(inflater.get(), &field, &flags, at, left, 1);
    if (read < 0) return FirstRequest::kMalformed;
    at += read;
    left -= static_cast<std::size_t>(read);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      const std::string_view name(reinterpret_cast<const char*>(field.name), field.namelen);
      const std::string_view value(reinterpret_cast<const char*>(field.value), field.valuelen);
      if (name == "content-type" && IsGrpc(value)) return FirstRequest::kGrpc;
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) return FirstRequest::kOther;
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) return FirstRequest::kMalformed;
  }
}

// Those that may stand before the first request.
bool MayPrecede(int type) {
  return type == NGHTTP2_SETTINGS || type == NGHTTP2_PRIORITY || type == NGHTTP2_PING ||
         type == NGHTTP2_WINDOW_UPDATE || type > NGHTTP2_CONTINUATION;
}

}  // namespace

FirstRequest ReadFirstRequest(std::string_view bytes) {
  std::string block;
  std::uint32_t stream = 0;  // of the HEADERS that aren't whole yet
  for (bool first = true;; first = false) {
    if (bytes.size() < kFrameHead) return FirstRequest::kIncomplete;
    const std::size_t size = Number(bytes.substr(0, 3));
    Frame frame;
    frame.type = static_cast<int>(Number(bytes.substr(3, 1)));
    frame.flags = static_cast<int>(Number(bytes.substr(4, 1)));
    frame.stream = Number(bytes.substr(5, 4)) & kStreamBits;
    if (size > kMaxFrame || (first && frame.type != NGHTTP2_SETTINGS))
      return FirstRequest::kMalformed;
    if (bytes.size() - kFrameHead < size) return FirstRequest::kIncomplete;
    frame.payload = bytes.substr(kFrameHead, size);
    bytes.remove_prefix(kFrameHead + size);
    if (stream != 0) {
      if (frame.type != NGHTTP2_CONTINUATION || frame.stream != stream)
        return FirstRequest::kMalformed;
      block += frame.payload;
    } else if (frame.type == NGHTTP2_HEADERS) {
      const auto part = BlockOf(frame);
      if (!part || frame.stream % 2 == 0) return FirstRequest::kMalformed;
      stream = frame.stream;
      block = *part;
    } else if (!MayPrecede(frame.type)) {
      return FirstRequest::kMalformed;
    }
    if (stream != 0 && frame.has(NGHTTP2_FLAG_END_HEADERS)) return ReadBlock(block);
  }
}

std::string_view Http2Greeting() {
  // SETTINGS of 6 bytes: MAX_CONCURRENT_STREAMS.
  static constexpr char kBytes[] = {
      0, 0, 6, NGHTTP2_SETTINGS, 0, 0, 0, 0, 0, 0, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
      0, 0, 0, kHttp2Streams};
  return {kBytes, sizeof(kBytes)};
}

}  // namespace tracestore::net
