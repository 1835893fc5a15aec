#include "ingest/forward/grpc_address.h"

#include <arpa/inet.h>

#include <string_view>

#include "base/try.h"

namespace tracestore::ingest {
namespace {

// Such a host has no other address to go to.
bool IsAddress(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

Result<net::GrpcClientOptions> GrpcClientAt(const std::string& address,
                                            const CollectorAccess& access) {
  constexpr std::string_view kDns = "dns://";
  constexpr std::string_view kPassthrough = "passthrough:///";
  net::GrpcClientOptions options;
  std::string host_port = address;
  if (address.starts_with(kPassthrough)) {
    host_port = address.substr(kPassthrough.size());
  } else if (address.starts_with(kDns)) {
    const auto slash = address.find('/', kDns.size());
    if (slash == std::string::npos) {
      return Error(ErrorCode::kInvalidArgument,
                   "bad address \"" + address + "\": a name is written dns:///host:port");
    }
    options.name_server = address.substr(kDns.size(), slash - kDns.size());
    host_port = address.substr(slash + 1);
  }
  TS_TRY_ASSIGN(const auto at, CollectorAddress(host_port));
  options.host = at.host;
  options.port = at.port;
  // Calls to one that answers with garbage fail at once without it, and wait for their end with it.
  options.round_robin = !IsAddress(at.host);
  options.tls = access.tls;
  return options;
}

}  // namespace tracestore::ingest
