// OTLP/JSON to spans (docs/format/otlp.md).
#pragma once
#include <tracestore/status.h>

#include <string_view>

#include "codec/otlp/protobuf_decoder.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// Appends the spans of one request, `{"resourceSpans":[…]}`, to `out`, with origin kOtlp. Keys are
// read in lowerCamelCase and in snake_case, ids as hexadecimal digits of either case, 64-bit
// numbers as strings or numbers, enumerations as numbers or names; unknown keys are ignored, null
// is absent.
//
// A span that breaks a rule is left out, counted and named in the report; the others are kept.
// Errors: kInvalidArgument where the text is not JSON (names the byte), or where the lists and
// objects around the spans are none; `out` then has the spans that it had before.
// Memory: about ten times the text while it runs. Threads: none shared.
Result<model::DecodeReport> DecodeOtlpJson(std::string_view text, model::SpanBatch& out,
                                           const OtlpLimits& limits = {});

// The same for one request a line, as the collector's file exporter writes them; empty lines are
// passed over. Each line is held against the limits alone; an error names the line, from 1.
Result<model::DecodeReport> DecodeOtlpJsonLines(std::string_view text, model::SpanBatch& out,
                                                const OtlpLimits& limits = {});

}  // namespace tracestore::codec
