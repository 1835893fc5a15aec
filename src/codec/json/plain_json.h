// PlainJsonReader: JSON read as it stands, from front to back, without a tree of it.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tracestore::codec {

// Reads what programs write: texts, whole numbers, true and false. Each call looks at what comes
// next and gives false where that is something else; the text may be well-formed JSON all the same,
// and whoever asks then reads it all anew as a tree (json_dom.h), which also knows what to say of a
// text that isn't. Nothing is taken back: after a false the reader is of no use, but where said.
// Threads: one. `text` is borrowed. Texts are as they stand there: where it isn't ascii() it may be
// no UTF-8.
class PlainJsonReader {
 public:
  explicit PlainJsonReader(std::string_view text) noexcept
      : at_(text.data()), end_(text.data() + text.size()) {}

  // The character `c`, with white space before it; after a false one may go on.
  bool Take(char c) noexcept {
    if (at_ != end_ && *at_ == c) {
      ++at_;
      return true;
    }
    return TakeFarther(c);
  }
  // Whether nothing but white space is left.
  bool AtEnd() noexcept {
    SkipSpace();
    return at_ == end_;
  }

  // Whether what was read so far has no byte of 0x80 or more; false may mean that one is near.
  bool ascii() const noexcept { return high_ == 0; }

  // Points into the text, or, of one with escapes, into this reader.
  bool Text(std::string_view& out) {
    if (!Take('"')) return false;
    const char* const begin = at_;
    const char c = SkipPlain();
    if (c == '"') {
      out = {begin, static_cast<std::size_t>(at_ - begin)};
      ++at_;
      return true;
    }
    return c == '\\' && Escaped(begin, out);
  }
  // Up to kMostDigits digits, neither signed nor a fraction.
  bool Number(std::uint64_t& out) noexcept {
    SkipSpace();
    const char* const begin = at_;
    std::uint64_t value = 0;
    for (; at_ != end_ && IsDigit(*at_); ++at_)
      value = value * 10 + static_cast<std::uint64_t>(*at_ - '0');
    const auto digits = static_cast<std::size_t>(at_ - begin);
    out = value;
    return digits > 0 && digits <= kMostDigits && (digits == 1 || *begin != '0') && EndsNumber();
  }
  bool Flag(bool& out) noexcept {
    SkipSpace();
    out = Word("true");
    return out || Word("false");
  }

  // `field(key)` reads what stands behind each key.
  template <typename Field>
  bool Object(const Field& field) {
    if (!Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string_view key;
      if (!Text(key) || !Take(':') || !field(key)) return false;
    } while (Take(','));
    return Take('}');
  }
  // `item()` reads each.
  template <typename Item>
  bool List(const Item& item) {
    if (!Take('[')) return false;
    if (Take(']')) return true;
    do {
      if (!item()) return false;
    } while (Take(','));
    return Take(']');
  }

 private:
  static constexpr std::size_t kMostDigits = 19;  // of which one can't pass 64 bits
  static bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }

  void SkipSpace() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool TakeFarther(char c) noexcept {
    SkipSpace();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool EndsNumber() const noexcept {
    return at_ == end_ || *at_ == ',' || *at_ == '}' || *at_ == ']' || *at_ == ' ' ||
           *at_ == '\n' || *at_ == '\r' || *at_ == '\t';
  }
  bool Word(std::string_view word) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < word.size() ||
        std::string_view(at_, word.size()) != word)
      return false;
    at_ += word.size();
    return true;
  }

  // Goes on to the next quote, backslash or control character, and gives it; 0 at the end.
  char SkipPlain() noexcept {
#if defined(__SSE2__)
    for (; end_ - at_ >= 16; at_ += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at_));
      const __m128i found =
          _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                    _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
                       _mm_cmpeq_epi8(bytes, _mm_min_epu8(bytes, _mm_set1_epi8(0x1F))));
      high_ |= static_cast<unsigned>(_mm_movemask_epi8(bytes));
      const auto places = static_cast<unsigned>(_mm_movemask_epi8(found));
      if (places == 0) continue;
      at_ += std::countr_zero(places);
      return *at_;
    }
#endif
    for (; at_ != end_; ++at_) {
      high_ |= static_cast<unsigned char>(*at_) & 0x80U;
      if (*at_ == '"' || *at_ == '\\' || static_cast<unsigned char>(*at_) < 0x20) return *at_;
    }
    return 0;
  }
  // From a backslash on, of a text that begins at `begin`.
  bool Escaped(const char* begin, std::string_view& out);
  bool Escape(char*& to) noexcept;
  bool CodePoint(char*& to) noexcept;
  bool FourDigits(std::uint32_t& out) noexcept;

  const char* at_;
  const char* end_;
  unsigned high_ = 0;  // not 0: such a byte was met
  std::pmr::monotonic_buffer_resource texts_;
};

}  // namespace tracestore::codec
