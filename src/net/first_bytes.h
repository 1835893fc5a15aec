// What a client's first bytes say of its protocol, before anything of them is consumed. Pure.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::net {

// A client's offer, as far as it matters here (RFC 8446, 4.1.2).
struct ClientHello {
  int newest_version = 0;                // the newest TLS that it takes, 0x0304 is 1.3
  std::vector<std::string> protocols;    // ALPN, in its order; at most 16 are kept

  // It takes h2 and no HTTP/1.1, as clients of gRPC.
  bool only_http2() const;
};

enum class FirstBytesKind : unsigned char {
  kIncomplete,  // more bytes decide
  kHttp2,       // HTTP/2's preface, in plain
  kTls,         // a whole ClientHello
  kOther,       // neither: HTTP/1, or garbage
};

struct FirstBytes {
  FirstBytesKind kind = FirstBytesKind::kIncomplete;
  ClientHello hello{};  // of kTls
  // Of kHttp2, by a ConnectionSorter that looks at requests:
  bool is_http = false;  // the first request has come, and is no gRPC
  bool greeted = false;  // Http2Greeting() was sent
  // "127.0.0.1:41234", where the connection is carried for another; else "".
  std::string client{};
};

inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// As many of the first bytes as are ever needed: more than any ClientHello seen (2 KB with
// post-quantum keys); a longer one is kOther.
inline constexpr std::size_t kMaxFirstBytes = 16 * 1024;

// `bytes` are the first that came. Never reads a length that isn't there.
FirstBytes ReadFirstBytes(std::string_view bytes);

}  // namespace tracestore::net
