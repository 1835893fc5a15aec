// The part of an URL that an HTTP client needs.
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tracestore::net {

struct Url {
  bool tls = false;        // https
  std::string host;        // without the brackets of an IPv6 address
  std::uint16_t port = 0;  // 80 and 443 if the text has none
  std::string target;      // path and query, "/" at least; the fragment is left away

  bool operator==(const Url&) const = default;
};

// "http://host[:port][/path][?query]", or https. Errors: kInvalidArgument with one sentence that
// names `text` (another scheme, no host, a bad port, user information, blanks or control
// characters).
Result<Url> ParseUrl(std::string_view text);

}  // namespace tracestore::net
