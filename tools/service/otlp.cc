// OTLP over HTTP and gRPC.
#include <utility>

#include "base/try.h"
#include "ingest/intake.h"
#include "ingest/receivers/otlp_grpc.h"
#include "ingest/receivers/otlp_http.h"
#include "service/http_duration.h"
#include "service/parts.h"

namespace tracestore::tools {

Status StartOtlp(Service& service) {
  const OtlpSection& config = service.config().otlp;
  const ingest::Intake& intake = *service.shared().intake;
  const net::CorsOptions cors{.origins = config.cors_origins,
                              .methods = "POST",
                              .headers = "content-type,content-encoding",
                              .max_age = std::chrono::hours{1}};
  TS_TRY(service.ServeHttp({
      .name = {"otlp_http", "OTLP over HTTP", "http://{}/v1/traces"},
      .address = config.http,
      .handler =
          WithDuration(service.metrics(), {"/v1/traces"}, ingest::MakeOtlpHttpHandler(intake)),
      .refusal = ingest::OtlpHttpRefusal,
      .cors = cors,
  }));
  return service.ServeGrpc({
      .name = {"otlp_grpc", "OTLP over gRPC", "{}"},
      .address = config.grpc,
      .methods = ingest::OtlpGrpcServices(intake),
  });
}

}  // namespace tracestore::tools
