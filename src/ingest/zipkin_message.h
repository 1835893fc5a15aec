// A Zipkin message through the intake.
#pragma once
#include <string_view>

#include "codec/zipkin/zipkin_message.h"
#include "ingest/intake.h"

namespace tracestore::ingest {

// Intake::Take with the decoder and the source of that encoding. A message with one bad span is
// refused as a whole; the answer's message is then what Zipkin's server answers.
IntakeAnswer TakeZipkin(const Intake& intake, std::string_view message,
                        codec::ZipkinEncoding encoding, std::string_view transport,
                        std::string_view tenant = {});

}  // namespace tracestore::ingest
