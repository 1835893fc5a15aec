// Intake: one message to the sink, whatever protocol and transport brought it.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "ingest/byte_budget.h"
#include "ingest/intake_source.h"
#include "ingest/service_count.h"
#include "ingest/span_sink.h"
#include "model/decode_report.h"

namespace tracestore::ingest {

// Why a message was not taken. A message of which only some spans were bad is kTaken, unless its
// protocol refuses it for them.
enum class IntakeOutcome : std::uint8_t {
  kTaken,
  kMalformed,    // can't be read, or refused for a bad span; the same message never will be taken
  kBusy,         // no room now: again after kRetryAfter
  kUnavailable,  // the store can't write (disk full, …): again later
  kUnsupported,  // this build lacks the codec
};

// "taken", "malformed", "busy", "unavailable", "unsupported": the words of the metrics.
const char* IntakeOutcomeName(IntakeOutcome outcome) noexcept;

// How long a refused sender shall wait. The store itself has waited StoreOptions::append_timeout
// for room before it says kBusy.
inline constexpr std::chrono::seconds kRetryAfter{1};

struct IntakeAnswer {
  IntakeOutcome outcome = IntakeOutcome::kTaken;
  // Of kTaken: all that it accepted is kept. Of a message refused for a bad span: the bad ones by
  // reason, none accepted. Else empty.
  model::DecodeReport report;
  std::string message;  // not kTaken: a sentence for the sender
  // Why, in one of few words for metrics: "", "malformed", "bad-span", "ingest-full", "store-busy",
  // "unavailable", "unsupported". Of UDP, whose senders get no answer, it is the cause of the drop.
  std::string_view cause;
};

// What happened, for those who count.
struct IntakeEvent {
  const IntakeSource& source;
  std::size_t bytes = 0;  // of the message, decompressed
  // Spans of the message, good and bad: those that the answer's report accepted or rejected, and of
  // a message that wasn't taken the rest. 0 of one that can't be read.
  std::uint64_t received = 0;
  std::uint64_t decoded = 0;  // of them the decoder's good ones, kept or not
  const IntakeAnswer& answer;
  std::span<const ServiceCount> services;   // of the good spans; valid during the call
  std::chrono::nanoseconds decode_time{0};  // on the clock; 0 of a batch that came decoded
  std::chrono::nanoseconds keep_time{0};    // in the sink: all stages and the store
};
// Called on the receivers' threads, many at a time; must not block.
using IntakeObserver = std::function<void(const IntakeEvent&)>;

// Appends the spans of a message to a batch, which is empty; must not throw. kInvalidArgument: the
// message can't be read, and the error's message is what the sender is told. kUnsupported: no
// codec.
using DecodeMessage =
    std::function<Result<model::DecodeReport>(std::string_view message, model::SpanBatch& batch)>;

struct IntakeOptions {
  IntakeObserver observer;  // may be unset
  // Bounds the bytes of messages and batches in flight, of all intakes that share it; a message
  // beyond it is kBusy. Borrowed, must outlive the intake; null: no bound.
  ByteBudget* budget = nullptr;
  // Whether a message of so many spans may be taken now; if not it is kBusy. Unset: every one.
  // Called on the receivers' threads.
  std::function<bool(std::string_view tenant, std::uint64_t spans)> admit = {};
};

// Decodes, hands to the sink, tells the observer. Threads: any number call Take() at a time.
// Memory a call: the message, which the caller holds, and its batch: both count in the budget.
class Intake {
 public:
  // `sink` is borrowed and must outlive this object.
  explicit Intake(SpanSink& sink, IntakeOptions options);
  explicit Intake(SpanSink& sink, IntakeObserver observer = {});

  // `message` is borrowed for the call. kTaken means kept; nothing is kept otherwise.
  IntakeAnswer Take(std::string_view message, const DecodeMessage& decode,
                    const IntakeSource& source) const;

  // The same for a batch that the receiver decoded itself (one of several in a message, or one it
  // had to look into first), with what the decoder said of it. `bytes` of its message are counted.
  IntakeAnswer TakeDecoded(model::SpanBatch&& batch, model::DecodeReport report, std::size_t bytes,
                           const IntakeSource& source) const;

 private:
  class Call;

  SpanSink& sink_;
  const IntakeOptions options_;
};

}  // namespace tracestore::ingest
