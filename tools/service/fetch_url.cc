#include "service/fetch_url.h"

#include <utility>

#include "base/try.h"
#include "net/url.h"

namespace tracestore::tools {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

}  // namespace

Result<net::HttpClientResponse> FetchUrl(const std::string& url, std::chrono::milliseconds timeout,
                                         const net::TlsClientOptions& tls) {
  TS_TRY_ASSIGN(net::Url parsed, net::ParseUrl(url));
  net::HttpClientOptions options;
  options.host = std::move(parsed.host);
  options.port = parsed.port;
  options.tls = tls;
  options.tls.enabled = parsed.tls;
  options.connect_timeout = timeout;
  options.timeout = timeout;
  options.max_body_bytes = kMaxBytes;
  options.max_idle_connections = 0;
  TS_TRY_ASSIGN(auto client, net::HttpClient::Make(std::move(options)));
  net::HttpClientRequest request;
  request.target = std::move(parsed.target);
  return client->Send(request);
}

}  // namespace tracestore::tools
