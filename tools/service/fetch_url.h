// A GET of a URL, once: for what a setting names by URL instead of by path.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <string>

#include "net/http_client.h"

namespace tracestore::tools {

// As net::ParseUrl has them, which says whether `tls` is used. A connection of its own, for which
// the files of `tls` are read. Errors: kInvalidArgument (no such URL), and HttpClient::Send's.
Result<net::HttpClientResponse> FetchUrl(const std::string& url, std::chrono::milliseconds timeout,
                                         const net::TlsClientOptions& tls);

}  // namespace tracestore::tools
