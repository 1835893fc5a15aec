// PlainJsonReader: JSON read as it stands, from front to back, without a tree of it.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <string_view>

#include "base/eight_digits.h"

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
      : at_(text.data()), end_(text.data() + text.size()) {
    LookAtBlock(at_);
  }

  // The character `c`, with white space before it; after a false one may go on.
  bool Take(char c) noexcept {
    if (at_ != end_ && *at_ == c) {
      ++at_;
      return true;
    }
    return TakeFarther(c);
  }
  // What was read before, where it stands next again, byte for byte; after a false one may go on.
  bool TakeAgain(std::string_view known) noexcept {
    if (left().size() < known.size() || std::memcmp(at_, known.data(), known.size()) != 0)
      return false;
    at_ += known.size();
    return true;
  }
  // What is not read yet.
  std::string_view left() const noexcept { return {at_, static_cast<std::size_t>(end_ - at_)}; }
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
    for (; end_ - at_ >= 8 && base::AreEightDigits(at_); at_ += 8)
      value = value * 100'000'000 + base::EightDigits(at_);
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
  // An object whose values are all texts: `each(key, value)`.
  template <typename Each>
  bool Texts(const Each& each) {
    if (!Take('{')) return false;
    if (Take('}')) return true;
    do {
      std::string_view key, value;
      if (!PlainPair(key, value) && !(Text(key) && Take(':') && Text(value))) return false;
      each(key, value);
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

  // "key":"value" without white space and escapes, or nothing is taken.
  bool PlainPair(std::string_view& key, std::string_view& value) noexcept {
    const char* const begin = at_;
    if (begin == end_ || *begin != '"') return false;
    const char* const key_end = StopFrom(begin + 1);
    if (end_ - key_end < 4 || std::memcmp(key_end, "\":\"", 3) != 0) return false;
    const char* const text = key_end + 3;
    const char* const text_end = StopFrom(text);
    if (text_end == end_ || *text_end != '"') return false;
    key = {begin + 1, static_cast<std::size_t>(key_end - begin - 1)};
    value = {text, static_cast<std::size_t>(text_end - text)};
    at_ = text_end + 1;
    return true;
  }
  // The next quote, backslash or control character at `at` or behind it; or the end.
  const char* StopFrom(const char* at) noexcept {
    for (;;) {
      const auto passed = static_cast<std::size_t>(at - block_);
      const std::uint64_t left = passed < kBlock ? stops_ >> passed : 0;
      if (left != 0) return at + std::countr_zero(left);
      if (passed < kBlock) at = block_ + kBlock;
      LookAtBlock(at);
    }
  }
  // Goes on to it, and gives it; 0 at the end.
  char SkipPlain() noexcept {
    at_ = StopFrom(at_);
    return at_ == end_ ? '\0' : *at_;
  }
  void LookAtBlock(const char* at) noexcept;
  // From a backslash on, of a text that begins at `begin`.
  bool Escaped(const char* begin, std::string_view& out);
  bool Escape(char*& to) noexcept;
  bool CodePoint(char*& to) noexcept;
  bool FourDigits(std::uint32_t& out) noexcept;

  // Texts are looked at in blocks: where one ends no longer waits for the bytes before it, as it
  // does where each is gone through by itself.
  static constexpr std::size_t kBlock = 64;

  const char* at_;
  const char* end_;
  const char* block_ = nullptr;  // where the one looked at begins
  std::uint64_t stops_ = 0;      // by byte of it: StopFrom() ends there
  unsigned high_ = 0;            // not 0: such a byte was met
  std::pmr::monotonic_buffer_resource texts_;
};

}  // namespace tracestore::codec
