#include "server/jaeger/query_grpc.h"

#include <memory>
#include <utility>

#include "server/jaeger/grpc_call.h"
#include "server/jaeger/query_grpc_v2.h"
#include "server/jaeger/query_grpc_v3.h"

namespace tracestore::server {

net::RawGrpcServices JaegerQueryGrpcServices(JaegerQueryOptions options) {
  const auto source = std::make_shared<const JaegerQuerySource>(std::move(options));
  net::RawGrpcServices methods = JaegerV2GrpcMethods(source);
  methods.merge(JaegerV3GrpcMethods(source));
  for (auto& [path, handler] : methods) handler = Observed(source, path, std::move(handler));
  return methods;
}

}  // namespace tracestore::server
