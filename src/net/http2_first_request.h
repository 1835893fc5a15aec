// What the first request of an HTTP/2 connection is, before anything of it is consumed. Pure.
#pragma once
#include <string_view>

namespace tracestore::net {

enum class FirstRequest : unsigned char {
  kIncomplete,  // more bytes decide
  kGrpc,        // by its content type
  kOther,       // whole, and no gRPC
  kMalformed,   // what came is no HTTP/2, or its first request can't be read
};

// `bytes` are what came after the preface. Never reads a length that isn't there.
FirstRequest ReadFirstRequest(std::string_view bytes);

// SETTINGS for who waits for them before it asks, as gRPC's clients and Armeria's do. It holds for
// gRPC and for HTTP alike: what either really wants it says in SETTINGS of its own, later.
std::string_view Http2Greeting();

// What the greeting allows at a time on one connection; none that may follow allows less.
inline constexpr int kHttp2Streams = 16;

}  // namespace tracestore::net
