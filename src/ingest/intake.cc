#include "ingest/intake.h"

#include <optional>
#include <utility>
#include <vector>

namespace tracestore::ingest {
namespace {

using Clock = std::chrono::steady_clock;

IntakeAnswer Refused(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
      return {IntakeOutcome::kMalformed, {}, error.message(), "malformed"};
    case ErrorCode::kBusy: return {IntakeOutcome::kBusy, {}, error.message(), "store-busy"};
    case ErrorCode::kUnsupported:
      return {IntakeOutcome::kUnsupported, {}, error.message(), "unsupported"};
    default: return {IntakeOutcome::kUnavailable, {}, error.message(), "unavailable"};
  }
}

IntakeAnswer RefusedForBadSpan(model::DecodeReport report) {
  std::string sentence = report.first_error;
  report.accepted = 0;
  return {IntakeOutcome::kMalformed, std::move(report), std::move(sentence), "bad-span"};
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

Intake::Intake(SpanSink& sink, IntakeOptions options) : sink_(sink), options_(std::move(options)) {}

Intake::Intake(SpanSink& sink, IntakeObserver observer)
    : Intake(sink, IntakeOptions{std::move(observer)}) {}

// One message on its way.
class Intake::Call {
 public:
  Call(const Intake& intake, const IntakeSource& source, std::size_t bytes)
      : intake_(intake), source_(source), bytes_(bytes) {
    if (intake.options_.budget != nullptr) hold_.emplace(*intake.options_.budget);
  }

  IntakeAnswer Run(std::string_view message, const DecodeMessage& decode) {
    if (!Take(message.size())) return Tell(Full());
    model::SpanBatch batch;
    const auto begin = Clock::now();
    auto report = decode(message, batch);
    decode_time_ = Clock::now() - begin;
    if (!report.has_value()) return Tell(Refused(report.error()));
    return Run(std::move(batch), std::move(report).value());
  }

  IntakeAnswer Run(model::SpanBatch&& batch, model::DecodeReport report) {
    decoded_ = batch.size();
    received_ = decoded_ + report.rejected;
    if (intake_.options_.observer) services_ = CountServices(batch);
    if (!Take(batch.memory_bytes())) return Tell(Full());
    const auto& admit = intake_.options_.admit;
    if (admit && !admit(source_.tenant, received_)) return Tell(TooMany());
    return Tell(Keep(std::move(batch), std::move(report)));
  }

 private:
  bool Take(std::size_t bytes) { return !hold_ || hold_->Take(bytes); }

  IntakeAnswer Full() const {
    return {IntakeOutcome::kBusy,
            {},
            "messages of " + std::to_string(intake_.options_.budget->limit()) +
                " bytes in all are being taken in, no more fit",
            "ingest-full"};
  }

  static IntakeAnswer TooMany() {
    return {IntakeOutcome::kBusy, {}, "the tenant sends more spans a second than it may",
            "tenant-rate"};
  }

  IntakeAnswer Keep(model::SpanBatch&& batch, model::DecodeReport report) {
    const bool all_or_none = source_.bad_spans == BadSpans::kRefuseMessage;
    if (report.rejected != 0 && all_or_none) return RefusedForBadSpan(std::move(report));
    // An empty message is an honest one (SDKs probe with it); there is nothing to keep.
    if (!batch.empty()) {
      const auto begin = Clock::now();
      const Status kept = intake_.sink_.Accept(std::move(batch), {source_, &report});
      keep_time_ = Clock::now() - begin;
      if (!kept.has_value()) {
        if (report.rejected != 0 && all_or_none) return RefusedForBadSpan(std::move(report));
        return Refused(kept.error());
      }
    }
    return {IntakeOutcome::kTaken, std::move(report), {}, {}};
  }

  IntakeAnswer Tell(IntakeAnswer answer) const {
    if (intake_.options_.observer) {
      intake_.options_.observer(
          {source_, bytes_, received_, decoded_, answer, services_, decode_time_, keep_time_});
    }
    return answer;
  }

  const Intake& intake_;
  const IntakeSource& source_;
  const std::size_t bytes_;
  std::optional<ByteBudget::Hold> hold_;
  std::uint64_t received_ = 0;
  std::uint64_t decoded_ = 0;
  std::vector<ServiceCount> services_;
  std::chrono::nanoseconds decode_time_{0};
  std::chrono::nanoseconds keep_time_{0};
};

IntakeAnswer Intake::Take(std::string_view message, const DecodeMessage& decode,
                          const IntakeSource& source) const {
  return Call(*this, source, message.size()).Run(message, decode);
}

IntakeAnswer Intake::TakeDecoded(model::SpanBatch&& batch, model::DecodeReport report,
                                 std::size_t bytes, const IntakeSource& source) const {
  return Call(*this, source, bytes).Run(std::move(batch), std::move(report));
}

}  // namespace tracestore::ingest
