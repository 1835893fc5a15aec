#include "codec/json/plain_json.h"

#include <algorithm>

#include "base/hex.h"

namespace tracestore::codec {
namespace {

// Below U+10000, no surrogate; or with four bytes.
void AppendUtf8(std::uint32_t code, char*& to) {
  const auto add = [&to](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xE0 | code >> 12);
    } else {
      add(0xF0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3F));
    }
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

}  // namespace

bool PlainJsonReader::FourDigits(std::uint32_t& out) noexcept {
  if (end_ - at_ < 4) return false;
  out = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = base::HexDigit(*at_++);
    if (digit < 0) return false;
    out = out << 4 | static_cast<std::uint32_t>(digit);
  }
  return true;
}

// What follows \u; half a pair of surrogates is no text.
bool PlainJsonReader::CodePoint(char*& to) noexcept {
  std::uint32_t code = 0;
  if (!FourDigits(code)) return false;
  if (code >= 0xD800 && code < 0xE000) {
    std::uint32_t low = 0;
    if (code >= 0xDC00 || !Word("\\u") || !FourDigits(low)) return false;
    if (low < 0xDC00 || low >= 0xE000) return false;
    code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
  }
  AppendUtf8(code, to);
  return true;
}

// Stands at what follows a backslash. At most half as many bytes are written as stood there, but
// for \u, of which six make at most three.
bool PlainJsonReader::Escape(char*& to) noexcept {
  if (at_ == end_) return false;
  switch (*at_++) {
    case '"': *to++ = '"'; return true;
    case '\\': *to++ = '\\'; return true;
    case '/': *to++ = '/'; return true;
    case 'b': *to++ = '\b'; return true;
    case 'f': *to++ = '\f'; return true;
    case 'n': *to++ = '\n'; return true;
    case 'r': *to++ = '\r'; return true;
    case 't': *to++ = '\t'; return true;
    case 'u': return CodePoint(to);
    default: return false;
  }
}

bool PlainJsonReader::Escaped(const char* begin, std::string_view& out) {
  // The end first: no escape makes a text longer, so that it needs no more room than it has here.
  const char* const first = at_;
  for (;;) {
    const char c = SkipPlain();
    if (c == '"') break;
    if (c != '\\' || end_ - at_ < 2) return false;
    at_ += 2;
  }
  const char* const last = at_;
  auto* const room = static_cast<char*>(texts_.allocate(static_cast<std::size_t>(last - begin), 1));
  char* to = std::copy(begin, first, room);
  for (at_ = first; at_ != last;) {
    ++at_;
    if (!Escape(to)) return false;
    const char* const from = at_;
    SkipPlain();
    to = std::copy(from, at_, to);
  }
  ++at_;
  out = {room, static_cast<std::size_t>(to - room)};
  return true;
}

}  // namespace tracestore::codec
