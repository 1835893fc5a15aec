#include "ingest/receivers/zipkin_grpc.h"

#include <utility>

#include "ingest/zipkin_message.h"

namespace tracestore::ingest {
namespace {

using net::GrpcCode;
using net::RawReply;

RawReply Report(const Intake& intake, const net::RawRequest& request) {
  IntakeAnswer answer =
      TakeZipkin(intake, request.message, codec::ZipkinEncoding::kProto3, transport::kGrpc,
                 request.tenant);
  switch (answer.outcome) {
    case IntakeOutcome::kTaken: return RawReply::Ok("");
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

net::RawGrpcServices ZipkinGrpcServices(const Intake& intake) {
  return {{kZipkinReport,
           [&intake](const net::RawRequest& request) { return Report(intake, request); }}};
}

}  // namespace tracestore::ingest
