#include "model/text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "model/value_blob.h"

namespace tracestore::model {

std::size_t Utf8Length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

namespace {

void AppendEscaped(char c, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      out += "\\u00";
      out += kDigits[(c >> 4) & 0xF];
      out += kDigits[c & 0xF];
  }
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<signed char, 256> MakeBase64Values() {
  std::array<signed char, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < kBase64.size(); ++i)
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<signed char>(i);
  values['-'] = 62;
  values['_'] = 63;
  return values;
}
constexpr auto kBase64Values = MakeBase64Values();

// The first character of `text`, which isn't empty; U+FFFD for a byte that belongs to none.
void MoveCharacter(std::string_view& text, std::string& out) {
  const std::size_t length = Utf8Length(text);
  if (length == 0)
    out += "\xEF\xBF\xBD";
  else
    out.append(text.substr(0, length));
  text.remove_prefix(length == 0 ? 1 : length);
}

template <std::size_t kEights>
bool AreAscii(const char* text) {
  std::uint64_t eights[kEights];
  std::memcpy(eights, text, sizeof eights);
  std::uint64_t all = 0;
  for (const std::uint64_t eight : eights) all |= eight;
  return (all & 0x8080808080808080) == 0;
}

}  // namespace

bool IsAscii(std::string_view text) noexcept {
  for (; text.size() >= 32; text.remove_prefix(32))
    if (!AreAscii<4>(text.data())) return false;
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

bool IsUtf8(std::string_view text) noexcept {
  while (!text.empty()) {
    // Most texts are ASCII: many bytes at a time.
    if (text.size() >= 32 && AreAscii<4>(text.data())) {
      text.remove_prefix(32);
      continue;
    }
    if (text.size() >= 8 && AreAscii<1>(text.data())) {
      text.remove_prefix(8);
      continue;
    }
    const std::size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string MendUtf8(std::string_view text) {
  std::string out;
  while (!text.empty()) MoveCharacter(text, out);
  return out;
}

std::string_view CutText(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  std::size_t end = most;
  // A character has at most three bytes behind its first.
  for (int i = 0; i < 3 && end > 0 && continues(end); ++i) --end;
  return text.substr(0, end);
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && static_cast<unsigned char>(text[plain]) >= 0x20 &&
           static_cast<unsigned char>(text[plain]) < 0x80 && text[plain] != '"' &&
           text[plain] != '\\') {
      ++plain;
    }
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      AppendEscaped(text[0], out);
      text.remove_prefix(1);
      continue;
    }
    MoveCharacter(text, out);
  }
  out += '"';
}

void AppendDouble(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
    out.append(buffer, end.ptr);
  }
}

void AppendBase64(std::string_view bytes, std::string& out) {
  std::size_t i = 0;
  const auto byte = [&](std::size_t at) -> unsigned {
    return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
  };
  for (; i < bytes.size(); i += 3) {
    const unsigned group = (byte(i) << 16) | (byte(i + 1) << 8) | byte(i + 2);
    out += kBase64[(group >> 18) & 63];
    out += kBase64[(group >> 12) & 63];
    out += i + 1 < bytes.size() ? kBase64[(group >> 6) & 63] : '=';
    out += i + 2 < bytes.size() ? kBase64[group & 63] : '=';
  }
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  unsigned group = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const int value = kBase64Values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    group = (group << 6) | static_cast<unsigned>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((group >> bits) & 0xFF);
    }
  }
  return out;
}

std::string CanonicalText(const SpanBatch& batch, const Attribute& attribute) {
  const auto text = [&] { return batch.text(static_cast<StringId>(attribute.bits)); };
  std::string out;
  switch (attribute.type()) {
    case ValueType::kEmpty: break;
    case ValueType::kString: out = text(); break;
    case ValueType::kBool: out = attribute.bits != 0 ? "true" : "false"; break;
    case ValueType::kInt: out = std::to_string(static_cast<std::int64_t>(attribute.bits)); break;
    case ValueType::kDouble: AppendDouble(std::bit_cast<double>(attribute.bits), out); break;
    case ValueType::kBytes: AppendBase64(text(), out); break;
    case ValueType::kArray:
    case ValueType::kMap: out = ValueBlobToJson(text(), attribute.type()); break;
  }
  return out;
}

std::optional<double> ParseNumber(std::string_view text) noexcept {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<double> AsNumber(const SpanBatch& batch, const Attribute& attribute) noexcept {
  switch (attribute.type()) {
    case ValueType::kInt: return static_cast<double>(static_cast<std::int64_t>(attribute.bits));
    case ValueType::kDouble: {
      const double value = std::bit_cast<double>(attribute.bits);
      if (std::isnan(value)) return std::nullopt;
      return value;
    }
    case ValueType::kString: return ParseNumber(batch.text(static_cast<StringId>(attribute.bits)));
    default: return std::nullopt;
  }
}

}  // namespace tracestore::model
