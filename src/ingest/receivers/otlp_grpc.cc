#include "ingest/receivers/otlp_grpc.h"

#include <utility>

#include "ingest/otlp_message.h"

namespace tracestore::ingest {
namespace {

using net::GrpcCode;
using net::RawReply;

RawReply Export(const Intake& intake, const net::RawRequest& request) {
  IntakeAnswer answer =
      TakeOtlp(intake, request.message, OtlpEncoding::kProtobuf, transport::kGrpc, request.tenant);
  switch (answer.outcome) {
    case IntakeOutcome::kTaken:
      return RawReply::Ok(EncodeOtlpResponse(answer.report, OtlpEncoding::kProtobuf));
    case IntakeOutcome::kMalformed:
      return RawReply::Fail(GrpcCode::kInvalidArgument, std::move(answer.message));
    case IntakeOutcome::kBusy:
      return RawReply::Retry(GrpcCode::kResourceExhausted, std::move(answer.message), kRetryAfter);
    case IntakeOutcome::kUnavailable:
      return RawReply::Retry(GrpcCode::kUnavailable, std::move(answer.message), kRetryAfter);
    case IntakeOutcome::kUnsupported:
      return RawReply::Fail(GrpcCode::kUnimplemented, std::move(answer.message));
  }
  return RawReply::Fail(GrpcCode::kInternal, "no answer");
}

}  // namespace

net::RawGrpcServices OtlpGrpcServices(const Intake& intake) {
  return {{kOtlpTraceExport,
           [&intake](const net::RawRequest& request) { return Export(intake, request); }}};
}

}  // namespace tracestore::ingest
