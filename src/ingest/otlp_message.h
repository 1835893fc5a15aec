// An OTLP message through the intake, and the answer to it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/intake.h"

namespace tracestore::ingest {

enum class OtlpEncoding : std::uint8_t { kProtobuf, kJson };

// Intake::Take with the decoder and the source of that encoding.
IntakeAnswer TakeOtlp(const Intake& intake, std::string_view message, OtlpEncoding encoding,
                      std::string_view transport, std::string_view tenant = {});

// The ExportTraceServiceResponse for a message that was taken: protobuf, or its JSON form. It tells
// of refused spans and the first one's reason; of a message without any, that nothing was refused.
std::string EncodeOtlpResponse(const model::DecodeReport& report, OtlpEncoding encoding);

}  // namespace tracestore::ingest
