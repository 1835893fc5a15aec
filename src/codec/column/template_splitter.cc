// Rules: docs/format/column-encodings.md, "Templates". Every value contains a digit, so the
// splitter jumps from digit to digit (eight bytes at a time) and looks around each.
#include "codec/column/template_splitter.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/bytes.h"

namespace tracestore::column {
namespace {

enum CharClass : std::uint8_t {
  kDigit = 1,
  kHexLetter = 2,    // a … f
  kOtherLetter = 4,  // g … z, A … Z
  kLowerHex = kDigit | kHexLetter,
  kTokenChar = kDigit | kHexLetter | kOtherLetter,
};

struct CharTable {
  std::array<std::uint8_t, 256> class_of = {};
  std::array<std::uint8_t, 256> digit_of = {};  // of lower-case hex digits
};
constexpr CharTable MakeCharTable() {
  CharTable table;
  for (unsigned c = '0'; c <= '9'; ++c) {
    table.class_of[c] = kDigit;
    table.digit_of[c] = static_cast<std::uint8_t>(c - '0');
  }
  for (unsigned c = 'a'; c <= 'z'; ++c) table.class_of[c] = c <= 'f' ? kHexLetter : kOtherLetter;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table.class_of[c] = kOtherLetter;
  for (unsigned c = 'a'; c <= 'f'; ++c) table.digit_of[c] = static_cast<std::uint8_t>(c - 'a' + 10);
  return table;
}
constexpr CharTable kChars = MakeCharTable();

bool Is(char c, std::uint8_t classes) noexcept {
  return (kChars.class_of[static_cast<std::uint8_t>(c)] & classes) != 0;
}

// The position of the next digit at or after `i`, or the size.
std::size_t NextDigit(std::string_view text, std::size_t i) noexcept {
  constexpr std::uint64_t kZeros = 0x3030303030303030ULL;
  constexpr std::uint64_t kLow7 = 0x7F7F7F7F7F7F7F7FULL;
  constexpr std::uint64_t kAdd = 0x7676767676767676ULL;  // 10 + 0x76 sets the high bit, 9 doesn't
  for (; i + 8 <= text.size(); i += 8) {
    const std::uint64_t x = base::LoadLe<std::uint64_t>(text.data() + i) ^ kZeros;
    const std::uint64_t digits = ~(x | ((x & kLow7) + kAdd)) & ~kLow7;
    if (digits != 0) return i + static_cast<std::size_t>(std::countr_zero(digits)) / 8;
  }
  while (i < text.size() && !Is(text[i], kDigit)) ++i;
  return i;
}

std::uint64_t ParseHex(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  for (const char c : digits) value = value << 4 | kChars.digit_of[static_cast<std::uint8_t>(c)];
  return value;
}

std::uint64_t ParseDecimal(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  for (const char c : digits) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

constexpr std::size_t kUuidSize = 36;

class Splitter {
 public:
  Splitter(std::string_view text, SplitText& out) noexcept : text_(text), out_(out) {
    out_.literal_size = 0;
    out_.slot_count = 0;
  }

  bool Run() noexcept {
    std::size_t i = NextDigit(text_, 0);
    while (i < text_.size() && !overflow_) {
      if (!TakeHexAround(i)) TakeDigits(i);
      i = NextDigit(text_, done_);
    }
    if (overflow_) return false;
    AppendLiteral(text_.size());
    return true;
  }

 private:
  bool DigitsAt(std::size_t begin, std::size_t count) const noexcept {
    if (begin + count > text_.size()) return false;
    return std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                       text_.begin() + static_cast<std::ptrdiff_t>(begin + count),
                       [](char c) { return Is(c, kDigit); });
  }
  bool CharAt(std::size_t at, char c) const noexcept { return at < text_.size() && text_[at] == c; }
  bool TokenEndsAt(std::size_t at) const noexcept {
    return at == text_.size() || !Is(text_[at], kTokenChar);
  }
  bool TokenStartsAt(std::size_t at) const noexcept {
    if (at == 0 || !Is(text_[at - 1], kTokenChar)) return true;
    return at >= 2 && text_[at - 1] == 'x' && text_[at - 2] == '0';
  }

  bool UuidAt(std::size_t begin) const noexcept {
    if (begin + kUuidSize > text_.size() || !TokenEndsAt(begin + kUuidSize)) return false;
    for (std::size_t k = 0; k < kUuidSize; ++k) {
      const char c = text_[begin + k];
      const bool dash = k == 8 || k == 13 || k == 18 || k == 23;
      if (dash ? c != '-' : !Is(c, kLowerHex)) return false;
    }
    return true;
  }

  void AppendLiteral(std::size_t end) noexcept {
    const std::size_t size = end - done_;
    char* to = out_.literal_bytes.data() + out_.literal_size;
    const char* from = text_.data() + done_;
    if (done_ + (size | 15) < text_.size()) {
      // Pieces are short: whole blocks, past their end, are faster than a call that counts.
      for (std::size_t k = 0; k < size; k += 16) std::memcpy(to + k, from + k, 16);
    } else if (size > 0) {
      std::memcpy(to, from, size);
    }
    out_.literal_size += size;
    done_ = end;
  }

  // A value that stands for the text from `begin` to `end`.
  void Take(std::size_t begin, std::size_t end, SlotKind kind, std::size_t width,
            std::uint64_t value) noexcept {
    if (out_.slot_count == kMaxTemplateSlots) {
      overflow_ = true;
      done_ = text_.size();
      return;
    }
    AppendLiteral(begin);
    out_.slots[out_.slot_count] = {static_cast<std::uint32_t>(out_.literal_size), kind,
                                   static_cast<std::uint8_t>(width), 0};
    out_.values[out_.slot_count++] = value;
    done_ = end;
  }

  void TakeFixed(std::size_t begin, std::size_t count) noexcept {
    while (count > 0 && !overflow_) {
      const std::size_t width = std::min<std::size_t>(count, kMaxDigits);
      const std::uint64_t value = ParseDecimal(text_.substr(begin, width));
      Take(begin, begin + width, SlotKind::kDigits, width, value);
      begin += width;
      count -= width;
    }
  }

  void TakeUuid(std::size_t begin) noexcept {
    char hex[32];
    char* at = hex;
    for (std::size_t k = 0; k < kUuidSize; ++k) {
      if (text_[begin + k] != '-') *at++ = text_[begin + k];
    }
    Take(begin, begin + 19, SlotKind::kUuidHigh, 0, ParseHex({hex, 16}));
    Take(begin + 19, begin + kUuidSize, SlotKind::kUuidLow, 0, ParseHex({hex + 16, 16}));
  }

  // A UUID or hex token that the digit at `i` belongs to.
  bool TakeHexAround(std::size_t i) noexcept {
    std::size_t begin = i;
    while (begin > done_ && Is(text_[begin - 1], kHexLetter)) --begin;
    if (!TokenStartsAt(begin)) return false;
    std::size_t end = i;
    std::uint8_t seen = 0;
    while (end < text_.size() && Is(text_[end], kLowerHex)) {
      seen |= kChars.class_of[static_cast<std::uint8_t>(text_[end++])];
    }
    if (!TokenEndsAt(end)) return false;
    if (end - begin == 8 && UuidAt(begin)) {
      TakeUuid(begin);
      return true;
    }
    // The first group of a UUID may have had no digit: then its second has led here.
    if (end - begin == 4 && begin >= done_ + 9 && TokenStartsAt(begin - 9) && UuidAt(begin - 9)) {
      TakeUuid(begin - 9);
      return true;
    }
    const bool has_letter = begin < i || (seen & kHexLetter) != 0;
    if (!has_letter || end - begin < 5) return false;
    while (begin < end && !overflow_) {
      const std::size_t width = std::min<std::size_t>(end - begin, kMaxHexDigits);
      Take(begin, begin + width, SlotKind::kHex, width, ParseHex(text_.substr(begin, width)));
      begin += width;
    }
    return true;
  }

  void TakeDigits(std::size_t i) noexcept {
    std::size_t end = i;
    while (end < text_.size() && Is(text_[end], kDigit)) ++end;
    const std::size_t count = end - i;
    if (count == 4 && TakeDate(i)) return;
    if (count == 2 && TakeTime(i)) return;
    if (count > 1 && text_[i] == '0') return TakeFixed(i, count);
    const std::size_t head = std::min<std::size_t>(count, kMaxDigits);
    Take(i, i + head, SlotKind::kNumber, 0, ParseDecimal(text_.substr(i, head)));
    TakeFixed(i + head, count - head);
  }

  // "2026-11-05": fixed widths, so that the 5th and the 15th of a month share a template.
  bool TakeDate(std::size_t i) noexcept {
    if (!CharAt(i + 4, '-') || !DigitsAt(i + 5, 2) || !CharAt(i + 7, '-') || !DigitsAt(i + 8, 2) ||
        DigitsAt(i + 10, 1)) {
      return false;
    }
    TakeFixed(i, 4);
    TakeFixed(i + 5, 2);
    TakeFixed(i + 8, 2);
    return true;
  }

  // "09:15:00", and its fraction where one follows.
  bool TakeTime(std::size_t i) noexcept {
    if (!CharAt(i + 2, ':') || !DigitsAt(i + 3, 2) || !CharAt(i + 5, ':') || !DigitsAt(i + 6, 2) ||
        DigitsAt(i + 8, 1)) {
      return false;
    }
    TakeFixed(i, 2);
    TakeFixed(i + 3, 2);
    TakeFixed(i + 6, 2);
    if (!CharAt(i + 8, '.') && !CharAt(i + 8, ',')) return true;
    std::size_t end = i + 9;
    while (end < text_.size() && Is(text_[end], kDigit)) ++end;
    TakeFixed(i + 9, end - (i + 9));
    return true;
  }

  std::string_view text_;
  SplitText& out_;
  std::size_t done_ = 0;  // the text before it is in `out_`
  bool overflow_ = false;
};

struct PowerTable {
  std::array<std::uint64_t, kMaxDigits + 1> most = {};  // 10^width - 1
};
constexpr PowerTable MakePowerTable() {
  PowerTable table;
  std::uint64_t power = 1;
  for (std::size_t width = 1; width <= kMaxDigits; ++width) {
    power *= 10;
    table.most[width] = power - 1;
  }
  return table;
}
constexpr PowerTable kPowers = MakePowerTable();

char* PrintHex(std::uint64_t value, unsigned width, char* out) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned k = width; k-- > 0; value >>= 4) out[k] = kDigits[value & 15];
  return out + width;
}

char* PrintFixed(std::uint64_t value, unsigned width, char* out) noexcept {
  for (unsigned k = width; k-- > 0; value /= 10) out[k] = static_cast<char>('0' + value % 10);
  return out + width;
}

}  // namespace

bool SplitTemplate(std::string_view text, SplitText& out) noexcept {
  if (text.size() > kMaxTemplateText) return false;
  return Splitter(text, out).Run();
}

std::uint64_t MostOfSlot(TemplateSlot slot) noexcept {
  if (slot.kind == SlotKind::kDigits) {
    return kPowers.most[std::min<unsigned>(slot.width, kMaxDigits)];
  }
  if (slot.kind == SlotKind::kHex && slot.width < kMaxHexDigits) {
    return (std::uint64_t{1} << (4 * slot.width)) - 1;
  }
  return ~std::uint64_t{0};
}

std::size_t MaxBytesOfSlot(TemplateSlot slot) noexcept {
  switch (slot.kind) {
    case SlotKind::kNumber: return 20;
    case SlotKind::kUuidHigh: return 19;
    case SlotKind::kUuidLow: return 17;
    default: return slot.width;
  }
}

char* PrintSlot(TemplateSlot slot, std::uint64_t value, char* out) noexcept {
  switch (slot.kind) {
    case SlotKind::kNumber: return std::to_chars(out, out + 20, value).ptr;
    case SlotKind::kDigits: return PrintFixed(value, slot.width, out);
    case SlotKind::kHex: return PrintHex(value, slot.width, out);
    case SlotKind::kUuidHigh:
      out = PrintHex(value >> 32, 8, out);
      *out++ = '-';
      out = PrintHex(value >> 16, 4, out);
      *out++ = '-';
      out = PrintHex(value, 4, out);
      *out++ = '-';
      return out;
    case SlotKind::kUuidLow: break;
  }
  out = PrintHex(value >> 48, 4, out);
  *out++ = '-';
  return PrintHex(value, 12, out);
}

}  // namespace tracestore::column
