#include "service/fetch_url.h"

#include <string_view>
#include <utility>

#include "base/try.h"
#include "net/host_port.h"

namespace tracestore::tools {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

struct Url {
  bool tls = false;
  net::HostPort address;
  std::string target = "/";
};

Result<Url> ParseUrl(std::string_view text) {
  Url url;
  url.tls = text.starts_with("https://");
  if (!url.tls && !text.starts_with("http://")) {
    return Error(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is no http URL");
  }
  std::string_view rest = text.substr(url.tls ? 8 : 7);
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos) url.target = rest.substr(slash);
  rest = rest.substr(0, slash);
  const bool has_port =
      rest.rfind(':') != std::string_view::npos && rest.find(']', rest.rfind(':')) == rest.npos;
  const std::string address = std::string(rest) + (has_port ? "" : url.tls ? ":443" : ":80");
  TS_TRY_ASSIGN(url.address, net::ParseHostPort(address, ""));
  return url;
}

}  // namespace

Result<net::HttpClientResponse> FetchUrl(const std::string& url,
                                         std::chrono::milliseconds timeout) {
  TS_TRY_ASSIGN(const Url parsed, ParseUrl(url));
  net::HttpClientOptions options;
  options.host = parsed.address.host;
  options.port = parsed.address.port;
  options.tls.enabled = parsed.tls;
  options.connect_timeout = timeout;
  options.timeout = timeout;
  options.max_body_bytes = kMaxBytes;
  options.max_idle_connections = 0;
  TS_TRY_ASSIGN(auto client, net::HttpClient::Make(std::move(options)));
  net::HttpClientRequest request;
  request.target = parsed.target;
  return client->Send(request);
}

}  // namespace tracestore::tools
