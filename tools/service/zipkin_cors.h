// Which web pages may speak to Zipkin's port.
#pragma once
#include "net/cors.h"
#include "service/config.h"

namespace tracestore::tools {

net::CorsOptions ZipkinCors(const ZipkinSection& config);

}  // namespace tracestore::tools
