#include "net/host_port.h"

#include <algorithm>
#include <charconv>

namespace tracestore::net {
namespace {

Error BadAddress(std::string_view text, const std::string& why) {
  return {ErrorCode::kInvalidArgument,
          "bad address \"" + std::string(text) + "\": " + why};
}

Result<std::uint16_t> ParsePort(std::string_view text, std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty()) return BadAddress(text, "the port is missing");
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return BadAddress(text, "the port must be a number from 0 to 65535");
  }
  return port;
}

bool IsDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A host name or address needs no check beyond what would make the text ambiguous.
bool IsHostCharacter(char c) {
  return c > ' ' && c < 0x7F && c != '/' && c != '[' && c != ']' && c != '@' && c != '"';
}

}  // namespace

Result<HostPort> ParseHostPort(std::string_view text, std::string_view default_host) {
  if (text.empty()) return BadAddress(text, "expected host:port, :port or port");
  if (text.find("://") != std::string_view::npos) {
    return BadAddress(text, "expected host:port, not a URL");
  }
  std::string_view host;
  std::string_view digits;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return BadAddress(text, "the closing \"]\" is missing");
    host = text.substr(1, close - 1);
    const auto rest = text.substr(close + 1);
    if (rest.empty() || rest.front() != ':') return BadAddress(text, "the port is missing");
    digits = rest.substr(1);
    if (host.empty()) return BadAddress(text, "the host in brackets is empty");
  } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    digits = text.substr(colon + 1);
    if (host.find(':') != std::string_view::npos) {
      return BadAddress(text, "an IPv6 host is written in brackets, [::1]:4317");
    }
  } else if (IsDigits(text)) {
    host = default_host;
    digits = text;
  } else {
    return BadAddress(text, "the port is missing");
  }
  if (!std::all_of(host.begin(), host.end(), IsHostCharacter)) {
    return BadAddress(text, "the host has a character that no host has");
  }
  auto port = ParsePort(text, digits);
  if (!port.has_value()) return std::move(port).error();
  return HostPort{std::string(host), *port};
}

std::string FormatHostPort(std::string_view host, std::uint16_t port) {
  std::string text;
  const bool brackets = host.find(':') != std::string_view::npos;
  if (brackets) text += '[';
  text += host;
  if (brackets) text += ']';
  text += ':';
  text += std::to_string(port);
  return text;
}

}  // namespace tracestore::net
