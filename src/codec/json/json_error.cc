#include "codec/json/json_error.h"

#include <vector>

#include "base/hex.h"
#include "model/text.h"

namespace tracestore::codec {
namespace {

// One pass over the grammar with an explicit stack.
class Scanner {
 public:
  Scanner(std::string_view text, bool any_text) : text_(text), any_text_(any_text) {}

  std::optional<JsonError> Run() {
    while (!failed_) {
      SkipSpace();
      if (!Step()) break;
    }
    if (failed_) return JsonError{at_, what_, cut_};
    return std::nullopt;
  }

 private:
  enum class Expect { kValue, kValueOrEnd, kKey, kKeyOrEnd, kColon, kCommaOrEnd, kNothing };

  bool End() const { return at_ >= text_.size(); }
  char Peek() const { return text_[at_]; }

  bool Fail(std::string what) {
    if (!failed_) what_ = std::move(what);
    failed_ = true;
    return false;
  }
  bool FailHere() {
    if (End()) return Fail("unexpected end");
    return Fail("unexpected " + QuoteForMessage(text_.substr(at_, 1)));
  }

  void SkipSpace() {
    while (!End() && (Peek() == ' ' || Peek() == '\n' || Peek() == '\r' || Peek() == '\t')) ++at_;
  }

  void Push(bool object) {
    if (open_.size() >= kMaxJsonDepth) {
      Fail("nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
      return;
    }
    open_.push_back(object);
    ++at_;
    expect_ = object ? Expect::kKeyOrEnd : Expect::kValueOrEnd;
  }

  void Pop() {
    open_.pop_back();
    ++at_;
    AfterValue();
  }

  void AfterValue() { expect_ = open_.empty() ? Expect::kNothing : Expect::kCommaOrEnd; }

  // One token. False at the end of the text or at an error.
  bool Step() {
    if (End()) {
      cut_ = expect_ != Expect::kNothing;
      return cut_ && FailHere();
    }
    const char c = Peek();
    switch (expect_) {
      case Expect::kNothing: return FailHere();
      case Expect::kColon:
        if (c != ':') return FailHere();
        ++at_;
        expect_ = Expect::kValue;
        return true;
      case Expect::kCommaOrEnd:
        if (c == (open_.back() ? '}' : ']')) return Pop(), true;
        if (c != ',') return FailHere();
        ++at_;
        expect_ = open_.back() ? Expect::kKey : Expect::kValue;
        return true;
      case Expect::kKeyOrEnd:
        if (c == '}') return Pop(), true;
        [[fallthrough]];
      case Expect::kKey:
        if (c != '"') return FailHere();
        expect_ = Expect::kColon;
        return String();
      case Expect::kValueOrEnd:
        if (c == ']') return Pop(), true;
        [[fallthrough]];
      case Expect::kValue: return Value(c);
    }
    return false;
  }

  bool Value(char c) {
    if (c == '{' || c == '[') {
      Push(c == '{');
      return !failed_;
    }
    AfterValue();
    if (c == '"') return String();
    if (c == 't') return Word("true");
    if (c == 'f') return Word("false");
    if (c == 'n') return Word("null");
    return Number();
  }

  bool Word(std::string_view word) {
    for (const char c : word) {
      if (End() || Peek() != c) return FailHere();
      ++at_;
    }
    return true;
  }

  bool Digits() {
    if (End() || Peek() < '0' || Peek() > '9') return FailHere();
    while (!End() && Peek() >= '0' && Peek() <= '9') ++at_;
    return true;
  }

  bool Number() {
    if (Peek() == '-') ++at_;
    const bool zero = !End() && Peek() == '0';
    if (zero) ++at_;
    if (!zero && !Digits()) return false;
    if (!End() && Peek() == '.') {
      ++at_;
      if (!Digits()) return false;
    }
    if (!End() && (Peek() == 'e' || Peek() == 'E')) {
      ++at_;
      if (!End() && (Peek() == '+' || Peek() == '-')) ++at_;
      if (!Digits()) return false;
    }
    return true;
  }

  // The four digits after \u, or -1.
  int HexUnit() {
    int unit = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = End() ? -1 : base::HexDigit(Peek());
      if (digit < 0) return FailHere(), -1;
      unit = unit * 16 + digit;
      ++at_;
    }
    return unit;
  }

  bool Escape() {
    ++at_;
    if (End()) return FailHere();
    const char c = Peek();
    if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) return ++at_, true;
    if (c != 'u') return FailHere();
    const std::size_t start = at_ - 1;
    ++at_;
    const int unit = HexUnit();
    if (unit < 0) return false;
    if (any_text_ || unit < 0xD800 || unit > 0xDFFF) return true;
    if (unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const int second = HexUnit();
      if (second < 0) return false;
      if (second >= 0xDC00 && second <= 0xDFFF) return true;
    }
    at_ = start;
    return Fail("half a surrogate pair");
  }

  bool String() {
    ++at_;
    while (!End()) {
      const auto c = static_cast<unsigned char>(Peek());
      if (c == '"') return ++at_, true;
      if (c < 0x20 && !any_text_) return FailHere();
      if (c == '\\') {
        if (!Escape()) return false;
      } else if (c < 0x80 || any_text_) {
        ++at_;
      } else {
        const std::size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
        if (!model::IsUtf8(text_.substr(at_, length))) return Fail("text that is not UTF-8");
        at_ += length;
      }
    }
    return FailHere();
  }

  std::string_view text_;
  bool any_text_;
  std::size_t at_ = 0;
  std::vector<bool> open_;  // true: an object
  Expect expect_ = Expect::kValue;
  bool failed_ = false;
  bool cut_ = false;
  std::string what_;
};

}  // namespace

std::optional<JsonError> FindJsonError(std::string_view text, bool any_text) {
  return Scanner(text, any_text).Run();
}

std::string QuoteForMessage(std::string_view text) {
  constexpr std::size_t kShown = 64;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "'";
  for (const char raw : text.substr(0, kShown)) {
    const auto c = static_cast<unsigned char>(raw);
    if (c >= 0x20 && c < 0x7F) {
      out += raw;
    } else {
      out += "\\x";
      out += kDigits[c >> 4];
      out += kDigits[c & 0xF];
    }
  }
  if (text.size() > kShown) out += "…";
  return out + "'";
}

}  // namespace tracestore::codec
