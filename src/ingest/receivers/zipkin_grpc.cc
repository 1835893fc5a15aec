#include "ingest/receivers/zipkin_grpc.h"

#include <utility>

#include "codec/zipkin/zipkin_proto.h"

namespace tracestore::ingest {
namespace {

using net::GrpcCode;
using net::RawReply;

// Without TakeZipkin's look at the first bytes: what is called is protobuf, as in Zipkin.
IntakeAnswer Take(const Intake& intake, const net::RawRequest& request) {
  const IntakeSource source{transport::kGrpc, format::kZipkinProto, request.tenant,
                            BadSpans::kRefuseMessage};
  return intake.Take(
      request.message,
      [](std::string_view bytes, model::SpanBatch& batch) {
        return codec::DecodeZipkinProtobuf(bytes, batch, {.strict = true});
      },
      source);
}

RawReply Report(const Intake& intake, const net::RawRequest& request) {
  IntakeAnswer answer = Take(intake, request);
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
