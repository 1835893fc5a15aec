#include "codec/zipkin/zipkin_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace tracestore::codec {
namespace {

// The small letter of a code point below U+0800, or the code point itself.
constexpr unsigned Lower(unsigned code) {
  const bool latin = code >= 0xC0 && code <= 0xDE && code != 0xD7;
  const bool greek = code >= 0x391 && code <= 0x3A9 && code != 0x3A2;
  const bool cyrillic = code >= 0x410 && code <= 0x42F;
  if (latin || greek || cyrillic) return code + 0x20;
  if (code >= 0x400 && code <= 0x40F) return code + 0x50;
  return code;
}

// Four decimal numbers up to 255 without leading zeros, as inet_pton takes them.
bool IsIpv4(std::string_view text) {
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at == text.size() || text[at++] != '.')) return false;
    const std::size_t begin = at;
    unsigned value = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - begin < 3)
      value = value * 10 + static_cast<unsigned>(text[at++] - '0');
    const std::size_t digits = at - begin;
    if (digits == 0 || value > 255 || (digits > 1 && text[begin] == '0')) return false;
  }
  return at == text.size();
}

std::string WriteIpv4(const unsigned char* bytes) {
  std::string out;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) out += '.';
    out += std::to_string(bytes[i]);
  }
  return out;
}

// As Zipkin writes it: the longest run of zero groups becomes "::", a run at the very end only
// where there is no other.
std::string WriteIpv6(const std::array<unsigned char, 16>& bytes) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i)
    groups[i] = (static_cast<unsigned>(bytes[2 * i]) << 8) | bytes[2 * i + 1];
  std::size_t best = 8, best_length = 0;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    const std::size_t length = end - i;
    if (length > best_length && (end < 8 || best_length == 0)) {
      best = i;
      best_length = length;
    }
    i = end + 1;
  }
  std::string out;
  for (std::size_t i = 0; i < 8;) {
    if (i == best) {
      out += out.empty() ? "::" : ":";
      i += best_length;
      continue;
    }
    char buffer[8];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, groups[i], 16);
    out.append(buffer, end.ptr);
    if (++i < 8) out += ':';
  }
  return out;
}

}  // namespace

std::string ZipkinLowerCase(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if (c >= 'A' && c <= 'Z') {
      out[i] = static_cast<char>(c + 0x20);
    } else if (c >= 0xC3 && c <= 0xDF && i + 1 < out.size()) {
      const auto tail = static_cast<unsigned char>(out[i + 1]);
      if ((tail & 0xC0) != 0x80) continue;
      const unsigned code = Lower(((c & 0x1FU) << 6) | (tail & 0x3FU));
      out[i] = static_cast<char>(0xC0 | (code >> 6));
      out[++i] = static_cast<char>(0x80 | (code & 0x3F));
    }
  }
  return out;
}

bool IsZipkinLowerCase(std::string_view text) noexcept {
  // Eight bytes at once: a byte below 0x80 is a capital letter if 0x3F makes it 0x80 or more, and 0x25
  // doesn't.
  constexpr std::uint64_t kEach = 0x0101010101010101;
  for (; text.size() >= 8; text.remove_prefix(8)) {
    const auto bytes = base::LoadLe<std::uint64_t>(text.data());
    const std::uint64_t capital = (bytes + kEach * 0x3F) & ~(bytes + kEach * 0x25);
    if (((bytes | capital) & (kEach * 0x80)) != 0) return false;
  }
  for (const char c : text)
    if ((c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80) return false;
  return true;
}

void ZipkinEndpoint::SetService(std::string_view text) {
  if (IsZipkinLowerCase(text))
    service = text;
  else
    service = ZipkinLowerCase(text);
}

void ZipkinEndpoint::Clear() {
  service.clear();
  ipv4.clear();
  ipv6.clear();
  port = 0;
}

bool ZipkinEndpoint::SetAddress(std::string_view text) {
  if (text.size() > 45) return false;  // the longest text of an IPv6 address
  if (IsIpv4(text)) {
    ipv4 = text;
    return true;
  }
  std::array<unsigned char, 16> bytes;
  if (inet_pton(AF_INET6, std::string(text).c_str(), bytes.data()) != 1) return false;
  if (text.find('.') == std::string_view::npos) {
    ipv6 = WriteIpv6(bytes);
    return true;
  }
  // Dotted digits at the end: only of a mapped or compatible address, which is IPv4.
  for (std::size_t i = 0; i < 10; ++i)
    if (bytes[i] != 0) return false;
  const bool mapped = bytes[10] == 0xFF && bytes[11] == 0xFF;
  if (!mapped && (bytes[10] != 0 || bytes[11] != 0)) return false;
  ipv4 = text.substr(text.rfind(':') + 1);
  return true;
}

bool ZipkinEndpoint::SetAddressBytes(std::string_view text) {
  std::array<unsigned char, 16> bytes{};
  if (text.size() != 4 && text.size() != 16) return false;
  std::copy(text.begin(), text.end(), bytes.begin());
  const auto zeros = [&bytes](std::size_t begin, std::size_t end) {
    return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                       bytes.begin() + static_cast<std::ptrdiff_t>(end),
                       [](unsigned char byte) { return byte == 0; });
  };
  if (zeros(0, 16)) return false;
  if (text.size() == 4) {
    ipv4 = WriteIpv4(bytes.data());
    return true;
  }
  const bool mapped = zeros(0, 10) && bytes[10] == 0xFF && bytes[11] == 0xFF;
  const bool compatible = zeros(0, 12) && !zeros(12, 15);  // "::1" is not
  if (mapped || compatible) {
    ipv4 = WriteIpv4(bytes.data() + 12);
  } else {
    ipv6 = WriteIpv6(bytes);
  }
  return true;
}

}  // namespace tracestore::codec
