#include "ingest/receivers/otlp_http.h"

#include <optional>
#include <string_view>
#include <utility>

#include "codec/json/json_writer.h"
#include "codec/wire/wire_reader.h"
#include "ingest/otlp_message.h"
#include "net/grpc_server.h"

namespace tracestore::ingest {
namespace {

using net::GrpcCode;
using net::HttpRequest;
using net::HttpResponse;

constexpr std::string_view kPath = "/v1/traces";
constexpr const char* kProtobufType = "application/x-protobuf";

// The media type without its parameters; nullopt for one that OTLP doesn't have.
std::optional<OtlpEncoding> EncodingOf(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  if (net::EqualsIgnoreCase(type, kProtobufType)) return OtlpEncoding::kProtobuf;
  if (net::EqualsIgnoreCase(type, "application/json")) return OtlpEncoding::kJson;
  return std::nullopt;
}

// google.rpc.Status { int32 code = 1; string message = 2; }, with RetryInfo where one shall come
// again.
std::string StatusBody(GrpcCode code, std::string_view message, bool retry, OtlpEncoding encoding) {
  std::string out;
  if (encoding == OtlpEncoding::kProtobuf) {
    if (retry) return net::EncodeRetryStatus(code, message, kRetryAfter);
    codec::WireWriter wire(out);
    wire.Uint(1, static_cast<std::uint64_t>(code));
    wire.Bytes(2, message);
    return out;
  }
  codec::JsonWriter json(out);
  json.BeginObject();
  json.Key("code");
  json.Int(static_cast<int>(code));
  json.Key("message");
  json.String(message);
  json.EndObject();
  return out;
}

struct Refusal {
  int status;
  GrpcCode code;
  bool retry;
};

Refusal RefusalOf(IntakeOutcome outcome) {
  switch (outcome) {
    case IntakeOutcome::kMalformed: return {400, GrpcCode::kInvalidArgument, false};
    case IntakeOutcome::kBusy: return {429, GrpcCode::kResourceExhausted, true};
    case IntakeOutcome::kUnavailable: return {503, GrpcCode::kUnavailable, true};
    case IntakeOutcome::kUnsupported: return {501, GrpcCode::kUnimplemented, false};
    case IntakeOutcome::kTaken: break;
  }
  return {500, GrpcCode::kInternal, false};
}

HttpResponse Encoded(int status, std::string body, OtlpEncoding encoding) {
  HttpResponse response = HttpResponse::Json(status, std::move(body));
  if (encoding == OtlpEncoding::kProtobuf) response.content_type = kProtobufType;
  return response;
}

HttpResponse Export(const Intake& intake, const HttpRequest& request) {
  const auto encoding = EncodingOf(request.header("content-type"));
  if (!encoding) {
    return HttpResponse::Text(415,
                              "415 unsupported media type, supported: "
                              "[application/json, application/x-protobuf]");
  }
  const IntakeAnswer answer =
      TakeOtlp(intake, request.body, *encoding, transport::kHttp, request.tenant);
  if (answer.outcome == IntakeOutcome::kTaken)
    return Encoded(200, EncodeOtlpResponse(answer.report, *encoding), *encoding);
  const Refusal refusal = RefusalOf(answer.outcome);
  HttpResponse response =
      Encoded(refusal.status, StatusBody(refusal.code, answer.message, refusal.retry, *encoding),
              *encoding);
  if (refusal.retry)
    response.headers.emplace_back("Retry-After", std::to_string(kRetryAfter.count()));
  return response;
}

}  // namespace

net::HttpHandler MakeOtlpHttpHandler(const Intake& intake) {
  return [&intake](const HttpRequest& request) {
    if (request.path != kPath) return HttpResponse::Text(404, "404 page not found\n");
    if (request.method != "POST") {
      HttpResponse response = HttpResponse::Text(405, "405 method not allowed, supported: [POST]");
      response.headers.emplace_back("Allow", "POST, OPTIONS");
      return response;
    }
    return Export(intake, request);
  };
}

net::HttpResponse OtlpHttpRefusal(int status, const std::string& message) {
  const GrpcCode code = status == 413 || status == 429 ? GrpcCode::kResourceExhausted
                        : status < 500                 ? GrpcCode::kInvalidArgument
                                                       : GrpcCode::kInternal;
  return HttpResponse::Json(status, StatusBody(code, message, false, OtlpEncoding::kJson));
}

}  // namespace tracestore::ingest
