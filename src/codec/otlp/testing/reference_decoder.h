// The slow and obvious decoder that the fast one is held against: protobuf's own parser, then field
// by field into a batch. For tests and the fuzzer only.
#pragma once
#include <string>
#include <string_view>

#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// False where protobuf refuses the message.
bool ReferenceDecodeOtlp(std::string_view message, model::SpanBatch& out,
                         model::DecodeReport& report);

// Decodes `message` with both; "" where they agree, else what differs. A message that only protobuf
// refuses (text that is no UTF-8, nesting past its own limit) is no difference.
std::string CompareOtlpDecoders(std::string_view message);

// protobuf logs to stderr each text that is no UTF-8: not in a fuzzer.
void SilenceProtobufLog();

}  // namespace tracestore::codec
