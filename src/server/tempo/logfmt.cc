#include "server/tempo/logfmt.h"

#include <cstdint>
#include <optional>

#include "server/jaeger/go_values.h"

namespace tracestore::server {
namespace {

using Pair = std::pair<std::string, std::string>;

bool IsBlank(char c) { return static_cast<unsigned char>(c) <= ' '; }
bool IsPlain(char c) { return !IsBlank(c) && c != '=' && c != '"'; }

void AppendUtf8(std::uint32_t code, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<Pair>> Read() {
    std::vector<Pair> pairs;
    while (true) {
      while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
      if (at_ == text_.size()) return pairs;
      Pair pair;
      if (!IsPlain(text_[at_])) return Unexpected();
      pair.first = Plain();
      if (at_ < text_.size() && text_[at_] == '"') return Unexpected();
      if (at_ < text_.size() && text_[at_] == '=') {
        ++at_;
        if (Status value = Value(pair.second); !value.has_value()) return value.error();
      }
      pairs.push_back(std::move(pair));
    }
  }

 private:
  Error Wrong(const std::string& what) const {
    return {ErrorCode::kInvalidArgument, what + " at pos " + std::to_string(at_ + 1)};
  }
  Error Unexpected() const {
    std::string shown = GoQuote(text_.substr(at_, 1));
    shown.front() = shown.back() = '\'';
    return Wrong("unexpected " + (text_[at_] == '"' ? std::string("'\"'") : shown));
  }

  std::string Plain() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && IsPlain(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  Status Value(std::string& out) {
    if (at_ == text_.size() || IsBlank(text_[at_])) return {};
    if (text_[at_] == '"') return Quoted(out);
    out = Plain();
    return at_ == text_.size() || IsBlank(text_[at_]) ? Status() : Status(Unexpected());
  }

  Status Quoted(std::string& out) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return at_ == text_.size() || IsBlank(text_[at_]) ? Status() : Status(Unexpected());
      }
      if (c == '\\') {
        if (!Escape(out)) return Wrong("invalid quoted value");
        continue;
      }
      out += c;
      ++at_;
    }
    return Wrong("unterminated quoted value");
  }

  // After it at_ is behind the escape; false, and at_ at it, where it is none.
  bool Escape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kChars = "\"\\/\b\f\n\r\t";
    if (at_ + 1 >= text_.size()) return false;
    if (const auto known = kNames.find(text_[at_ + 1]); known != std::string_view::npos) {
      out += kChars[known];
      at_ += 2;
      return true;
    }
    const auto unit = Unit(at_);
    if (!unit) return false;
    at_ += 6;
    std::uint32_t code = *unit;
    if (code >= 0xD800 && code < 0xDC00) {
      const auto low = Unit(at_);
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (*low - 0xDC00);
        at_ += 6;
      }
    }
    AppendUtf8(code >= 0xD800 && code < 0xE000 ? 0xFFFD : code, out);
    return true;
  }

  // The \uXXXX that stands at `at`.
  std::optional<std::uint32_t> Unit(std::size_t at) const {
    if (text_.size() < at + 6 || text_[at] != '\\' || text_[at + 1] != 'u') return std::nullopt;
    std::uint32_t unit = 0;
    for (const char c : text_.substr(at + 2, 4)) {
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return std::nullopt;
      unit = unit * 16 + static_cast<std::uint32_t>(digit);
    }
    return unit;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<Pair>> ParseLogfmt(std::string_view text) { return Reader(text).Read(); }

}  // namespace tracestore::server
