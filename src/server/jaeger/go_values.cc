#include "server/jaeger/go_values.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

#include "model/text.h"

namespace tracestore::server {
namespace {

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Error NumError(const char* function, std::string_view text, const char* reason) {
  return Invalid(std::string("strconv.") + function + ": parsing " + GoQuote(text) + ": " + reason);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Nanoseconds of a unit of time.ParseDuration, 0 for none.
std::uint64_t UnitOf(std::string_view name) {
  if (name == "ns") return 1;
  if (name == "us" || name == "\xC2\xB5s" || name == "\xCE\xBCs") return 1'000;  // µ, μ
  if (name == "ms") return 1'000'000;
  if (name == "s") return 1'000'000'000;
  if (name == "m") return 60'000'000'000;
  if (name == "h") return 3'600'000'000'000;
  return 0;
}

// One "1.5h" of a duration.
struct DurationPart {
  std::uint64_t whole = 0;
  std::uint64_t fraction = 0;
  double scale = 1;  // of the fraction
  bool digits = false;
  bool overflow = false;
};

DurationPart TakeNumber(std::string_view& rest) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 63;
  DurationPart part;
  while (!rest.empty() && IsDigit(rest[0])) {
    part.digits = true;
    if (part.whole > kMost / 10) part.overflow = true;
    else part.whole = part.whole * 10 + static_cast<std::uint64_t>(rest[0] - '0');
    rest.remove_prefix(1);
  }
  if (rest.empty() || rest[0] != '.') return part;
  rest.remove_prefix(1);
  bool full = false;
  while (!rest.empty() && IsDigit(rest[0])) {
    part.digits = true;
    if (part.fraction > (kMost - 10) / 10) full = true;  // further digits are below a nanosecond
    if (!full) {
      part.fraction = part.fraction * 10 + static_cast<std::uint64_t>(rest[0] - '0');
      part.scale *= 10;
    }
    rest.remove_prefix(1);
  }
  return part;
}

std::string_view TakeUnit(std::string_view& rest) {
  std::size_t size = 0;
  while (size < rest.size() && rest[size] != '.' && !IsDigit(rest[size])) ++size;
  const std::string_view unit = rest.substr(0, size);
  rest.remove_prefix(size);
  return unit;
}

// A reader of {"key":"value",…} that words its errors as encoding/json does.
class StringMapReader {
 public:
  explicit StringMapReader(std::string_view text) : rest_(text) {}

  Result<std::map<std::string, std::string>> Read() {
    std::map<std::string, std::string> out;
    SkipSpace();
    if (rest_.starts_with("null")) {
      rest_.remove_prefix(4);
      return AtEnd(std::move(out));
    }
    if (!rest_.starts_with("{"))
      return TypeError("looking for beginning of value", "map[string]string");
    rest_.remove_prefix(1);
    SkipSpace();
    if (rest_.starts_with("}")) {
      rest_.remove_prefix(1);
      return AtEnd(std::move(out));
    }
    for (;;) {
      SkipSpace();
      if (!rest_.starts_with("\"")) return Unexpected("looking for beginning of object key string");
      std::string key;
      if (Status read = String(key); !read.has_value()) return read.error();
      SkipSpace();
      if (!rest_.starts_with(":")) return Unexpected("after object key");
      rest_.remove_prefix(1);
      SkipSpace();
      std::string value;
      if (rest_.starts_with("null")) rest_.remove_prefix(4);
      else if (!rest_.starts_with("\""))
        return TypeError("looking for beginning of value", "string");
      else if (Status read = String(value); !read.has_value()) return read.error();
      out[std::move(key)] = std::move(value);
      SkipSpace();
      const char next = rest_.empty() ? '\0' : rest_[0];
      if (next != ',' && next != '}') return Unexpected("after object key:value pair");
      rest_.remove_prefix(1);
      if (next == '}') return AtEnd(std::move(out));
    }
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_[0]) != std::string_view::npos)
      rest_.remove_prefix(1);
  }
  Error Unexpected(const char* where) const {
    if (rest_.empty()) return Invalid("unexpected end of JSON input");
    std::string shown = GoQuote(rest_.substr(0, 1));
    shown.front() = shown.back() = '\'';
    if (rest_[0] == '\'') shown = "'\\''";
    if (rest_[0] == '"') shown = "'\"'";
    return Invalid("invalid character " + shown + " " + where);
  }
  Error TypeError(const char* where, const char* wanted) const {
    const char first = rest_.empty() ? '\0' : rest_[0];
    const char* kind = nullptr;
    if (first == '{') kind = "object";
    if (first == '[') kind = "array";
    if (first == '"') kind = "string";
    if (first == '-' || IsDigit(first)) kind = "number";
    if (rest_.starts_with("true") || rest_.starts_with("false")) kind = "bool";
    if (kind == nullptr) return Unexpected(where);
    return Invalid(std::string("json: cannot unmarshal ") + kind + " into Go value of type " +
                   wanted);
  }
  Result<std::map<std::string, std::string>> AtEnd(std::map<std::string, std::string> out) {
    SkipSpace();
    if (!rest_.empty()) return Unexpected("after top-level value");
    return out;
  }

  Status String(std::string& out) {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_[0];
      if (static_cast<unsigned char>(c) < 0x20) return Unexpected("in string literal");
      rest_.remove_prefix(1);
      if (c == '"') return {};
      if (c != '\\') {
        out += c;
        continue;
      }
      if (Status escape = Escape(out); !escape.has_value()) return escape;
    }
    return Invalid("unexpected end of JSON input");
  }

  Status Escape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kChars = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return Unexpected("");
    const auto known = kNames.find(rest_[0]);
    if (known != std::string_view::npos) {
      out += kChars[known];
      rest_.remove_prefix(1);
      return {};
    }
    if (rest_[0] != 'u') return Unexpected("in string escape code");
    rest_.remove_prefix(1);
    std::uint32_t unit = 0;
    if (Status read = HexUnit(unit); !read.has_value()) return read;
    if (unit >= 0xD800 && unit < 0xDC00 && rest_.starts_with("\\u")) {
      const std::string_view before = rest_;
      rest_.remove_prefix(2);
      std::uint32_t low = 0;
      if (Status read = HexUnit(low); !read.has_value()) return read;
      if (low >= 0xDC00 && low < 0xE000) unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
      else rest_ = before;
    }
    AppendUtf8(unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit, out);
    return {};
  }

  Status HexUnit(std::uint32_t& unit) {
    for (int i = 0; i < 4; ++i) {
      std::uint32_t digit = 0;
      const char* end = rest_.data() + (rest_.empty() ? 0 : 1);
      if (std::from_chars(rest_.data(), end, digit, 16).ptr != end || rest_.empty())
        return Unexpected("in \\u hexadecimal character escape");
      unit = unit * 16 + digit;
      rest_.remove_prefix(1);
    }
    return {};
  }

  static void AppendUtf8(std::uint32_t code, std::string& out) {
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12);
      out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
      out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }

  std::string_view rest_;
};

// No hex digits end in the padding.
std::optional<TraceId> TraceIdFromBase64(std::string_view text) {
  constexpr std::size_t kLength = 24;
  if (text.size() != kLength || !text.ends_with("==")) return std::nullopt;
  const auto bytes = model::DecodeBase64(text);
  if (!bytes || bytes->size() != sizeof(TraceId)) return std::nullopt;
  TraceId id;
  for (std::size_t i = 0; i < sizeof id.high; ++i) {
    id.high = id.high << 8 | static_cast<unsigned char>((*bytes)[i]);
    id.low = id.low << 8 | static_cast<unsigned char>((*bytes)[i + sizeof id.high]);
  }
  return id;
}

}  // namespace

std::string GoQuote(std::string_view text) {
  static constexpr std::string_view kNamed = "\a\b\f\n\r\t\v";
  static constexpr std::string_view kNames = "abfnrtv";
  const bool utf8 = model::IsUtf8(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (const auto at = kNamed.find(c); c != '\0' && at != std::string_view::npos) {
      out += '\\';
      out += kNames[at];
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", byte);
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

Result<std::int64_t> ParseGoInt(std::string_view text, int bits) {
  std::string_view digits = text;
  if (!digits.empty() && digits[0] == '+') {
    digits.remove_prefix(1);
    if (!digits.empty() && digits[0] == '-') digits = {};
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument)
    return NumError("ParseInt", text, "invalid syntax");
  const bool fits = bits == 64 || (value >= std::numeric_limits<std::int32_t>::min() &&
                                   value <= std::numeric_limits<std::int32_t>::max());
  if (error == std::errc::result_out_of_range || !fits)
    return NumError("ParseInt", text, "value out of range");
  return value;
}

Result<std::uint64_t> ParseGoUint(std::string_view text, int bits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument)
    return NumError("ParseUint", text, "invalid syntax");
  if (error == std::errc::result_out_of_range || (bits < 64 && value >> bits != 0))
    return NumError("ParseUint", text, "value out of range");
  return value;
}

Result<bool> ParseGoBool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == yes) return true;
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == no) return false;
  return NumError("ParseBool", text, "invalid syntax");
}

Result<std::chrono::nanoseconds> ParseGoDuration(std::string_view text) {
  const Error invalid = Invalid("time: invalid duration " + GoQuote(text));
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return std::chrono::nanoseconds{0};
  if (rest.empty()) return invalid;
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t total = 0;
  while (!rest.empty()) {
    const DurationPart part = TakeNumber(rest);
    if (!part.digits || part.overflow) return invalid;
    const std::string_view name = TakeUnit(rest);
    if (name.empty()) return Invalid("time: missing unit in duration " + GoQuote(text));
    const std::uint64_t unit = UnitOf(name);
    if (unit == 0)
      return Invalid("time: unknown unit " + GoQuote(name) + " in duration " + GoQuote(text));
    if (part.whole > kMost / unit) return invalid;
    const auto below = static_cast<std::uint64_t>(static_cast<double>(part.fraction) *
                                                  (static_cast<double>(unit) / part.scale));
    const std::uint64_t sum = part.whole * unit + below;
    if (sum > kMost || total > kMost - sum) return invalid;
    total += sum;
  }
  const auto value = static_cast<std::int64_t>(total);
  return std::chrono::nanoseconds{negative ? -value : value};
}

Result<TraceId> ParseJaegerTraceId(std::string_view text) {
  if (const auto id = TraceIdFromBase64(text)) return *id;
  if (text.size() > 32) {
    return Invalid("TraceID cannot be longer than 32 hex characters: " +
                   std::string(text.substr(0, 64)));
  }
  const std::size_t high_digits = text.size() > 16 ? text.size() - 16 : 0;
  for (const std::string_view half : {text.substr(0, high_digits), text.substr(high_digits)}) {
    if (half.empty() && high_digits == 0 && !text.empty()) continue;
    if (!TraceId::FromHex(half)) return NumError("ParseUint", half, "invalid syntax");
  }
  return *TraceId::FromHex(text);
}

Result<std::map<std::string, std::string>> ParseGoStringMap(std::string_view json) {
  return StringMapReader(json).Read();
}

}  // namespace tracestore::server
