// jaeger.api_v2.QueryService.
#pragma once
#include <memory>

#include "net/grpc_server.h"
#include "server/jaeger/query_source.h"

namespace tracestore::server {

net::RawGrpcServices JaegerV2GrpcMethods(std::shared_ptr<const JaegerQuerySource> source);

}  // namespace tracestore::server
