// Reading of single fields of Jaeger JSON. Internal to the decoder: the header brings simdjson.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tracestore/ids.h>

#include "codec/json/json_dom.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// What is wrong with a span: a fixed text to count and a sentence with the value.
struct Refusal {
  std::string reason;
  std::string sentence;
};
using Verdict = std::optional<Refusal>;  // nullopt: nothing is wrong

// "tags is a number, not a list".
Refusal WrongType(const std::string& what, const char* wanted, simdjson::dom::element value);

// `what` names the field in the sentence.
Verdict ReadTraceId(simdjson::dom::element value, const std::string& what, TraceId& out);
Verdict ReadSpanId(simdjson::dom::element value, const std::string& what, SpanId& out);
// Microseconds since 1970, as nanoseconds. A fraction is cut off.
Verdict ReadTime(simdjson::dom::element value, const std::string& what, std::uint64_t& out);
// Microseconds, perhaps negative, as nanoseconds modulo 2^64.
Verdict ReadDuration(simdjson::dom::element value, std::uint64_t& out);

// Adds a tag's value as the type it states, or as that of the JSON where it states none we know;
// what doesn't fit its type is kept as text.
void AddTypedValue(model::SpanBatch& out, model::StringId key, std::string_view type,
                   simdjson::dom::element value);

}  // namespace tracestore::codec
