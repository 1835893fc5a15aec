// Zipkin's normal form of names and addresses (docs/format/zipkin-json.md).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tracestore::codec {

// Lower case as Zipkin keeps span and service names and compares its query parameters: A to Z and
// the capitals of Latin-1, Greek and Cyrillic; other letters stay.
std::string ZipkinLowerCase(std::string_view text);
// Whether ZipkinLowerCase would change nothing. Quick; may be wrong for the worse, if `text` has
// letters beyond ASCII.
bool IsZipkinLowerCase(std::string_view text) noexcept;

// One end of a call. Empty texts and port 0 stand for "absent".
struct ZipkinEndpoint {
  std::string service;  // lower case
  std::string ipv4;
  std::string ipv6;
  std::uint16_t port = 0;

  bool empty() const noexcept {
    return service.empty() && ipv4.empty() && ipv6.empty() && port == 0;
  }
  void SetService(std::string_view text);  // of any case
  // Takes an address of either family: "::ffff:1.2.3.4" and "::1.2.3.4" are IPv4, IPv6 is written
  // in its short form. False, and nothing is changed, where `text` is no address.
  bool SetAddress(std::string_view text);
  // The same from the 4 or 16 bytes of an address; addresses of zeros are none.
  bool SetAddressBytes(std::string_view bytes);
  void Clear();

  bool operator==(const ZipkinEndpoint&) const = default;
};

}  // namespace tracestore::codec
