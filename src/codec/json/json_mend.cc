#include "codec/json/json_mend.h"

#include <charconv>
#include <system_error>

#include "base/hex.h"
#include "codec/json/json_error.h"
#include "model/text.h"

namespace tracestore::codec {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

template <typename Number>
bool Fits(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool IsWhole(std::string_view number) {
  return number.find_first_of(".eE") == std::string_view::npos;
}

// Whether simdjson has a type for it.
bool IsPlain(std::string_view number) {
  if (IsWhole(number)) return Fits<std::int64_t>(number) || Fits<std::uint64_t>(number);
  return Fits<double>(number);
}

class Mender {
 public:
  Mender(std::string_view text, const JsonMending& mending, std::size_t most)
      : text_(text), mending_(mending), most_(most) {}

  MendedJson Run() {
    while (!End() && !too_long_) {
      const char c = text_[at_];
      if (c == '"') {
        String();
      } else if (c == '-' || (c >= '0' && c <= '9')) {
        Number();
      } else if ((c == '}' || c == ']') && depth_ == 1 && mending_.rest) {
        ++at_;
        Replace(text_.size() - at_, "");
      } else {
        if (c == '{' || c == '[') ++depth_;
        if ((c == '}' || c == ']') && depth_ > 0) --depth_;
        ++at_;
      }
    }
    Replace(0, "");
    if (too_long_ || !changed_) return {};
    return {std::move(out_), true, texts_};
  }

 private:
  bool End() const { return at_ >= text_.size(); }

  // What stands here becomes `with`, what stands before it and wasn't copied is.
  void Replace(std::size_t bytes, std::string_view with) {
    if (bytes > 0 && out_.empty()) out_.reserve(text_.size() + text_.size() / 8 + 64);
    if (bytes > 0) changed_ = true;
    if (!changed_) return;
    out_.append(text_.substr(copied_, at_ - copied_));
    out_.append(with);
    at_ += bytes;
    copied_ = at_;
    too_long_ = out_.size() > most_;
  }

  void Number() {
    std::size_t end = at_ + 1;
    while (end < text_.size() &&
           std::string_view("0123456789.eE+-").find(text_[end]) != std::string_view::npos) {
      ++end;
    }
    const std::string_view number = text_.substr(at_, end - at_);
    if (!IsPlain(number) && !FindJsonError(number)) {
      if (mending_.numbers)
        Replace(number.size(), '"' + std::string(number) + '"');
      else if (IsWhole(number))
        Replace(number.size(), std::string(number) + ".0");
    }
    at_ = end;
  }

  void String() {
    bool wrong = false;
    for (++at_; !End() && !too_long_;) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        break;
      }
      if (c == '\\') {
        wrong |= Escape();
      } else if (c >= 0x20 && c < 0x80) {
        ++at_;
      } else if (c < 0x20) {
        Control();
      } else {
        wrong |= Character();
      }
    }
    if (wrong) ++texts_;
  }

  void Control() {
    if (!mending_.texts) {
      ++at_;
      return;
    }
    std::string escaped;
    model::AppendJsonString(text_.substr(at_, 1), escaped);
    Replace(1, std::string_view(escaped).substr(1, escaped.size() - 2));
  }

  // These two give true where U+FFFD had to take the place.
  bool Character() {
    const std::size_t length = model::Utf8Length(text_.substr(at_));
    if (length != 0 || !mending_.texts) {
      at_ += length == 0 ? 1 : length;
      return false;
    }
    Replace(1, kReplacement);
    return true;
  }
  bool Escape() {
    const int unit = UnitAt(at_);
    if (unit < 0xD800 || unit > 0xDFFF) {
      at_ += 2;  // of \uXXXX the digits are plain characters
      return false;
    }
    const int second = UnitAt(at_ + 6);
    if (unit < 0xDC00 && second >= 0xDC00 && second <= 0xDFFF) {
      at_ += 12;
      return false;
    }
    if (!mending_.texts) {
      at_ += 2;
      return false;
    }
    Replace(6, kReplacement);
    return true;
  }

  // Of \uXXXX the number, -1 where no such escape stands at `at`.
  int UnitAt(std::size_t at) const {
    if (at + 6 > text_.size() || text_.substr(at, 2) != "\\u") return -1;
    int unit = 0;
    for (const char c : text_.substr(at + 2, 4)) {
      const int digit = base::HexDigit(c);
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  const std::string_view text_;
  const JsonMending mending_;
  const std::size_t most_;
  std::size_t at_ = 0;
  std::size_t copied_ = 0;  // `out_` has what stands before it
  std::size_t depth_ = 0;   // lists and objects that are open
  bool changed_ = false;
  bool too_long_ = false;
  std::uint64_t texts_ = 0;
  std::string out_;
};

}  // namespace

MendedJson MendJson(std::string_view text, const JsonMending& mending, std::size_t most) {
  return Mender(text, mending, most).Run();
}

}  // namespace tracestore::codec
