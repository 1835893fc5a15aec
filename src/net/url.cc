#include "net/url.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "net/host_port.h"
#include "net/http.h"

namespace tracestore::net {
namespace {

Error BadUrl(std::string_view text, const std::string& why) {
  return {ErrorCode::kInvalidArgument, "bad URL \"" + std::string(text) + "\": " + why};
}

bool StartsWithScheme(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() && EqualsIgnoreCase(text.substr(0, scheme.size()), scheme);
}

}  // namespace

Result<Url> ParseUrl(std::string_view text) {
  Url url;
  std::string_view rest = text;
  for (const char c : text) {
    if (c <= ' ' || c == '\x7F') return BadUrl("…", "it has a blank or a control character");
  }
  if (StartsWithScheme(rest, "http://")) {
    rest.remove_prefix(7);
  } else if (StartsWithScheme(rest, "https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else {
    return BadUrl(text, "it must begin with http:// or https://");
  }
  rest = rest.substr(0, rest.find('#'));
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  if (authority.find('@') != std::string_view::npos) {
    return BadUrl("…", "a user and password can't stand in it");
  }
  // A port of its own follows the last colon, unless that is inside the brackets of an address.
  const auto colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  std::string address(authority);
  if (!has_port) address += url.tls ? ":443" : ":80";
  auto parsed = ParseHostPort(address, "");
  if (!parsed.has_value()) return BadUrl(text, parsed.error().message());
  if (parsed->host.empty()) return BadUrl(text, "it has no host");
  if (parsed->port == 0) return BadUrl(text, "port 0 can't be called");
  url.host = std::move(parsed->host);
  url.port = parsed->port;
  if (!rest.starts_with('/')) url.target = "/";
  url.target += rest;
  return url;
}

}  // namespace tracestore::net
