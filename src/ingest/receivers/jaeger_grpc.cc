#include "ingest/receivers/jaeger_grpc.h"

#include <utility>

#include "codec/jaeger/protobuf_decoder.h"

namespace tracestore::ingest {
namespace {

using net::GrpcCode;
using net::RawReply;

RawReply PostSpans(const Intake& intake, const net::RawRequest& request) {
  const IntakeSource source{transport::kGrpc, format::kJaegerProto, request.tenant};
  IntakeAnswer answer = intake.Take(
      request.message,
      [](std::string_view bytes, model::SpanBatch& batch) {
        return codec::DecodeJaegerProtobuf(bytes, batch);
      },
      source);
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

net::RawGrpcServices JaegerGrpcServices(const Intake& intake) {
  return {{kJaegerPostSpans,
           [&intake](const net::RawRequest& request) { return PostSpans(intake, request); }}};
}

}  // namespace tracestore::ingest
