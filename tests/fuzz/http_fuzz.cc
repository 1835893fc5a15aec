// Any bytes as a request's target, query string and body: unpacked within a bound, parameters of
// the query API read. And as an URL, as the details of a gRPC
// status, and as what a client says first.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/compression.h"
#include "net/first_bytes.h"
#include "net/grpc_reply.h"
#include "net/http.h"
#include "net/url.h"
#include "server/jaeger/search_params.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  constexpr std::size_t kMost = 1 << 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const net::Coding coding : {net::Coding::kGzip, net::Coding::kDeflate, net::Coding::kZstd}) {
    if (net::Decompress(coding, bytes, kMost).bytes.size() > kMost) std::abort();
  }
  (void)net::ParseCoding(bytes);
  (void)net::AcceptsGzip(bytes);
  (void)net::RetryAfter(bytes);
  if (const auto url = net::ParseUrl(bytes); url.has_value()) {
    if (url->host.empty() || url->port == 0 || !url->target.starts_with('/')) std::abort();
  }
  // Once more than the bound has come, the answer is there.
  if (size > net::kMaxFirstBytes &&
      net::ReadFirstBytes(bytes).kind == net::FirstBytesKind::kIncomplete) {
    std::abort();
  }
  if (net::ReadFirstBytes(bytes).hello.protocols.size() > 16) std::abort();
  net::HttpRequest request;
  (void)request.SetTarget(bytes);
  const auto params = net::QueryParams::Parse(bytes);
  if (!params.has_value()) return 0;
  (void)server::ParseSearch(*params, 1'700'000'000'000'000);
  (void)server::ParseGetTrace(*params);
  (void)server::ParseDependencies(*params, 1'700'000'000'000);
  return 0;
}
