#include "codec/json/plain_json.h"

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

#if defined(__SSE2__)
// Bits of the quotes, backslashes and control characters among 16 bytes. With bit 1 turned a quote
// is the only one above the control characters that is not above 0x20.
std::uint64_t StopsOf(__m128i bytes) {
  const __m128i turned = _mm_xor_si128(bytes, _mm_set1_epi8('"' ^ 0x20));
  const __m128i found =
      _mm_or_si128(_mm_cmpeq_epi8(turned, _mm_min_epu8(turned, _mm_set1_epi8(0x20))),
                   _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  return static_cast<std::uint64_t>(_mm_movemask_epi8(found));
}
// The same of 64; `high` gets bits where one is 0x80 or more.
std::uint64_t StopsOf(const char* bytes, unsigned& high) {
  const auto* const at = reinterpret_cast<const __m128i*>(bytes);
  const __m128i a = _mm_loadu_si128(at), b = _mm_loadu_si128(at + 1);
  const __m128i c = _mm_loadu_si128(at + 2), d = _mm_loadu_si128(at + 3);
  high |= static_cast<unsigned>(
      _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))));
  return StopsOf(a) | StopsOf(b) << 16 | StopsOf(c) << 32 | StopsOf(d) << 48;
}
#else
std::uint64_t StopsOf(const char* bytes, unsigned& high) {
  std::uint64_t stops = 0;
  for (unsigned i = 0; i < 64; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    high |= byte & 0x80U;
    stops |= std::uint64_t{byte == '"' || byte == '\\' || byte < 0x20} << i;
  }
  return stops;
}
#endif

}  // namespace

// The one that begins there. What is missing of it at the end of the text are zeros, which stop.
void PlainJsonReader::LookAtBlock(const char* at) noexcept {
  block_ = at;
  const auto left = static_cast<std::size_t>(end_ - at);
  if (left >= kBlock) {
    stops_ = StopsOf(at, high_);
    return;
  }
  char last[kBlock] = {};
  if (left != 0) std::memcpy(last, at, left);
  stops_ = StopsOf(last, high_);
}

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
