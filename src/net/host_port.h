// Addresses to listen on, as a user writes them: "host:port", ":port", "port".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <tracestore/status.h>

namespace tracestore::net {

// A host of "" means all interfaces; port 0 asks the system for a free one.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const HostPort&) const = default;
};

// "host:port", "[ipv6]:port", ":port" (all interfaces), or a bare port (on `default_host`).
// Errors: kInvalidArgument with one sentence that names `text`. Names are not resolved here.
Result<HostPort> ParseHostPort(std::string_view text, std::string_view default_host);

// The same syntax back: "127.0.0.1:4317", "[::1]:4317", ":4317".
std::string FormatHostPort(std::string_view host, std::uint16_t port);

}  // namespace tracestore::net
