#include "ingest/receivers/otlp_grpc.h"

#include <utility>

namespace tracestore::ingest {
namespace {

using net::GrpcCode;
using net::RawReply;

RawReply Export(const OtlpIntake& intake, const net::RawRequest& request) {
  IntakeAnswer answer = intake.Take(request.message, OtlpEncoding::kProtobuf, "grpc");
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

net::RawGrpcServices OtlpGrpcServices(const OtlpIntake& intake) {
  return {{kOtlpTraceExport,
           [&intake](const net::RawRequest& request) { return Export(intake, request); }}};
}

}  // namespace tracestore::ingest
