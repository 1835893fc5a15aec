// The sampling endpoints' options, for the listeners that have them beside other routes.
#pragma once
#include <string>

#include "server/sampling/sampling_api.h"
#include "service/service.h"

namespace tracestore::tools {

// Needs Shared::strategies. Requests are counted as `prefix`_http_server_…, Jaeger's names:
// "jaeger_agent", "jaeger_collector".
server::SamplingApiOptions SamplingApi(Service& service, const std::string& prefix);

}  // namespace tracestore::tools
