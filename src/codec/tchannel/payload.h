// Numbers and texts of TChannel's payloads: big-endian, a text behind its length of 1 or 2 bytes.
// For frame.cc and call.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/tchannel/frame.h"

namespace tracestore::codec::tchannel {

inline constexpr std::size_t kTracingBytes = 25;  // span, parent and trace id, flags

// After the first read past the end ok() is false for good and values are 0 and "".
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view bytes) noexcept : rest_(bytes) {}

  bool ok() const noexcept { return ok_; }
  std::string_view rest() const noexcept { return rest_; }
  std::uint64_t Number(std::size_t width) noexcept {
    std::uint64_t value = 0;
    for (const char byte : Take(width)) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
  }
  std::string_view Take(std::size_t size) noexcept {
    ok_ = ok_ && size <= rest_.size();
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view Text(std::size_t length_width) noexcept { return Take(Number(length_width)); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

inline void AppendNumber(std::uint64_t value, std::size_t width, std::string& out) {
  for (std::size_t i = width; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

// Cut to what its length can say.
inline void AppendText(std::string_view text, std::size_t length_width, std::string& out) {
  text = text.substr(0, (std::size_t{1} << (8 * length_width)) - 1);
  AppendNumber(text.size(), length_width, out);
  out += text;
}

// A frame's header; its size is written by EndFrame. Gives where it begins.
inline std::size_t BeginFrame(TchannelType type, std::uint32_t id, std::string& out) {
  const std::size_t begin = out.size();
  AppendNumber(0, 2, out);
  AppendNumber(static_cast<std::uint8_t>(type), 1, out);
  AppendNumber(0, 1, out);
  AppendNumber(id, 4, out);
  AppendNumber(0, 8, out);
  return begin;
}

inline void EndFrame(std::size_t begin, std::string& out) {
  const std::size_t size = out.size() - begin;
  out[begin] = static_cast<char>(size >> 8);
  out[begin + 1] = static_cast<char>(size);
}

Error Broken(const char* what);  // "not TChannel: <what>"

}  // namespace tracestore::codec::tchannel
