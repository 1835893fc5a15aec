// OtlpIntake: one OTLP message to the sink, whatever transport brought it.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "ingest/span_sink.h"
#include "model/decode_report.h"

namespace tracestore::ingest {

enum class OtlpEncoding : std::uint8_t { kProtobuf, kJson };

// Why a message was not taken. A message of which only some spans were bad is kTaken.
enum class IntakeOutcome : std::uint8_t {
  kTaken,
  kMalformed,    // can't be read; the same message never will be
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
  model::DecodeReport report;  // of kTaken: all that it accepted is kept. Else empty
  std::string message;         // not kTaken: a sentence for the sender
};

// What happened, for those who count.
struct IntakeEvent {
  std::string_view transport;  // "http", "grpc"
  OtlpEncoding encoding = OtlpEncoding::kProtobuf;
  std::size_t bytes = 0;
  std::uint64_t decoded = 0;   // good spans of the message, kept or not
  const IntakeAnswer& answer;
};
// Called on the receivers' threads, many at a time; must not block.
using IntakeObserver = std::function<void(const IntakeEvent&)>;

// Decodes, hands to the sink, tells the observer. Threads: any number call Take() at a time.
// Memory a call: the batch, see codec::OtlpLimits; the transports bound the calls in flight.
class OtlpIntake {
 public:
  // `sink` is borrowed and must outlive this object. `observer` may be unset.
  explicit OtlpIntake(SpanSink& sink, IntakeObserver observer = {});

  // `message` is borrowed for the call. kTaken means kept; nothing is kept otherwise.
  IntakeAnswer Take(std::string_view message, OtlpEncoding encoding,
                    std::string_view transport) const;

 private:
  SpanSink& sink_;
  IntakeObserver observer_;
};

// The ExportTraceServiceResponse for a message that was taken: protobuf, or its JSON form. It tells
// of refused spans and the first one's reason; of a message without any, that nothing was refused.
std::string EncodeOtlpResponse(const model::DecodeReport& report, OtlpEncoding encoding);

}  // namespace tracestore::ingest
