// A GET of a URL, once: for what a setting names by URL instead of by path.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <string>

#include "net/http_client.h"

namespace tracestore::tools {

// As net::ParseUrl has them; of https the system's authorities must have signed the certificate.
// Errors: kInvalidArgument (no such URL), and HttpClient::Send's.
Result<net::HttpClientResponse> FetchUrl(const std::string& url, std::chrono::milliseconds timeout);

}  // namespace tracestore::tools
