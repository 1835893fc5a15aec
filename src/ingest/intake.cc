#include "ingest/intake.h"

#include <utility>

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

IntakeAnswer Refused(const Error& error) { return {OutcomeOf(error.code()), {}, error.message()}; }

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

Intake::Intake(SpanSink& sink, IntakeObserver observer)
    : sink_(sink), observer_(std::move(observer)) {}

IntakeAnswer Intake::Take(std::string_view message, const DecodeMessage& decode,
                          const IntakeSource& source) const {
  model::SpanBatch batch;
  auto report = decode(message, batch);
  const std::uint64_t decoded = batch.size();
  const IntakeAnswer answer = Keep(std::move(batch), std::move(report), source);
  if (observer_) observer_({source, message.size(), decoded, answer});
  return answer;
}

IntakeAnswer Intake::TakeDecoded(model::SpanBatch&& batch, model::DecodeReport report,
                                 std::size_t bytes, const IntakeSource& source) const {
  const std::uint64_t decoded = batch.size();
  const IntakeAnswer answer = Keep(std::move(batch), std::move(report), source);
  if (observer_) observer_({source, bytes, decoded, answer});
  return answer;
}

IntakeAnswer Intake::Keep(model::SpanBatch&& batch, Result<model::DecodeReport> report,
                          const IntakeSource& source) const {
  if (!report.has_value()) return Refused(report.error());
  if (report->rejected != 0 && source.bad_spans == BadSpans::kRefuseMessage) {
    std::string sentence = report->first_error;
    report->accepted = 0;
    return {IntakeOutcome::kMalformed, std::move(report).value(), std::move(sentence)};
  }
  // An empty message is an honest one (SDKs probe with it); there is nothing to keep.
  if (!batch.empty()) {
    const Status kept = sink_.Accept(std::move(batch), {source});
    if (!kept.has_value()) return Refused(kept.error());
  }
  return {IntakeOutcome::kTaken, std::move(report).value(), {}};
}

}  // namespace tracestore::ingest
