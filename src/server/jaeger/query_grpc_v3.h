// jaeger.api_v3.QueryService.
#pragma once
#include <memory>

#include "net/grpc_server.h"
#include "server/jaeger/query_source.h"

namespace tracestore::server {

net::RawGrpcServices JaegerV3GrpcMethods(std::shared_ptr<const JaegerQuerySource> source);

}  // namespace tracestore::server
