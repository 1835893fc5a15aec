#include "ingest/receivers/jaeger_storage.h"

#include <utility>

#include "codec/jaeger/protobuf_decoder.h"

namespace tracestore::ingest {
namespace {

using net::GrpcCode;
using net::RawReply;

constexpr const char* kWriteSpan = "/jaeger.storage.v1.SpanWriterPlugin/WriteSpan";
constexpr const char* kClose = "/jaeger.storage.v1.SpanWriterPlugin/Close";
constexpr const char* kWriteSpanStream =
    "/jaeger.storage.v1.StreamingSpanWriterPlugin/WriteSpanStream";
constexpr const char* kWriteArchiveSpan =
    "/jaeger.storage.v1.ArchiveSpanWriterPlugin/WriteArchiveSpan";

IntakeAnswer Take(const Intake& intake, const net::RawRequest& request) {
  return intake.Take(
      request.message,
      [](std::string_view bytes, model::SpanBatch& batch) {
        return codec::DecodeJaegerSpans(bytes, batch);
      },
      {transport::kGrpc, format::kJaegerProto, request.tenant});
}

RawReply ReplyOf(IntakeAnswer answer) {
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

RawReply WriteSpan(const Intake& intake, const net::RawRequest& request) {
  IntakeAnswer answer = Take(intake, request);
  if (answer.outcome == IntakeOutcome::kTaken) {
    const model::DecodeReport& report = answer.report;
    if (report.rejected != 0) return RawReply::Fail(GrpcCode::kInvalidArgument, report.first_error);
    if (report.accepted == 0)
      return RawReply::Fail(GrpcCode::kInvalidArgument, "the request has no span");
  }
  return ReplyOf(std::move(answer));
}

}  // namespace

net::RawGrpcServices StorageV1Writers(const Intake& intake, const Intake* archive) {
  net::RawGrpcServices methods;
  methods.emplace(kWriteSpan, [&intake](const net::RawRequest& request) {
    return WriteSpan(intake, request);
  });
  methods.emplace(kClose, [](const net::RawRequest&) { return RawReply::Ok(""); });
  methods.emplace(kWriteSpanStream, [&intake](const net::RawRequest& request) {
    return ReplyOf(Take(intake, request));
  });
  if (archive != nullptr) {
    methods.emplace(kWriteArchiveSpan, [archive](const net::RawRequest& request) {
      return WriteSpan(*archive, request);
    });
  }
  return methods;
}

std::set<std::string, std::less<>> StorageV1ClientStreams() { return {kWriteSpanStream}; }

}  // namespace tracestore::ingest
