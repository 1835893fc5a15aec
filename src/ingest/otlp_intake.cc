#include "ingest/otlp_intake.h"

#include <utility>

#include "codec/json/json_writer.h"
#include "codec/otlp/json_decoder.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::ingest {
namespace {

IntakeOutcome OutcomeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return IntakeOutcome::kMalformed;
    case ErrorCode::kBusy: return IntakeOutcome::kBusy;
    case ErrorCode::kUnsupported: return IntakeOutcome::kUnsupported;
    default: return IntakeOutcome::kUnavailable;
  }
}

Result<model::DecodeReport> Decode(std::string_view message, OtlpEncoding encoding,
                                   model::SpanBatch& batch) {
  if (encoding == OtlpEncoding::kProtobuf) return codec::DecodeOtlpProtobuf(message, batch);
  return codec::DecodeOtlpJson(message, batch);
}

// "2 spans refused; span 3 of trace 0af7…: span id is not 8 bytes".
std::string RefusalSentence(const model::DecodeReport& report) {
  return std::to_string(report.rejected) + (report.rejected == 1 ? " span" : " spans") +
         " refused; " + report.first_error;
}

}  // namespace

const char* IntakeOutcomeName(IntakeOutcome outcome) noexcept {
  switch (outcome) {
    case IntakeOutcome::kTaken: return "taken";
    case IntakeOutcome::kMalformed: return "malformed";
    case IntakeOutcome::kBusy: return "busy";
    case IntakeOutcome::kUnavailable: return "unavailable";
    case IntakeOutcome::kUnsupported: return "unsupported";
  }
  return "unknown";
}

OtlpIntake::OtlpIntake(SpanSink& sink, IntakeObserver observer)
    : sink_(sink), observer_(std::move(observer)) {}

IntakeAnswer OtlpIntake::Take(std::string_view message, OtlpEncoding encoding,
                              std::string_view transport) const {
  IntakeAnswer answer;
  model::SpanBatch batch;
  auto report = Decode(message, encoding, batch);
  const std::uint64_t decoded = batch.size();
  if (!report.has_value()) {
    answer.outcome = OutcomeOf(report.error().code());
    answer.message = report.error().message();
  } else {
    // An empty request is an honest one (SDKs probe with it); there is nothing to keep.
    const Status kept = batch.empty() ? Status() : sink_.Accept(std::move(batch));
    if (kept.has_value()) {
      answer.report = std::move(report).value();
    } else {
      answer.outcome = OutcomeOf(kept.error().code());
      answer.message = kept.error().message();
    }
  }
  if (observer_) observer_({transport, encoding, message.size(), decoded, answer});
  return answer;
}

std::string EncodeOtlpResponse(const model::DecodeReport& report, OtlpEncoding encoding) {
  std::string out;
  const bool refused = report.rejected != 0;
  if (encoding == OtlpEncoding::kJson) {
    codec::JsonWriter json(out);
    json.BeginObject();
    json.Key("partialSuccess");
    json.BeginObject();
    if (refused) {
      json.Key("rejectedSpans");
      json.UintString(report.rejected);
      json.Key("errorMessage");
      json.String(RefusalSentence(report));
    }
    json.EndObject();
    json.EndObject();
    return out;
  }
  // ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
  // ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
  codec::WireWriter wire(out);
  const std::size_t partial = wire.Begin(1);
  if (refused) {
    wire.Uint(1, report.rejected);
    wire.Bytes(2, RefusalSentence(report));
  }
  wire.End(partial);
  return out;
}

}  // namespace tracestore::ingest
