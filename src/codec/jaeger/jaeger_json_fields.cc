#include "codec/jaeger/jaeger_json_fields.h"

#include <limits>

#include "codec/json/json_error.h"
#include "model/text.h"

namespace tracestore::codec {

using simdjson::dom::element;
using simdjson::dom::element_type;

namespace {

constexpr std::uint64_t kMaxMicros = std::numeric_limits<std::uint64_t>::max() / 1000;

}  // namespace

Refusal WrongType(const std::string& what, const char* wanted, element value) {
  return {what + " is not " + wanted, what + " is " + TypeNameOf(value) + ", not " + wanted};
}

Verdict ReadTraceId(element value, const std::string& what, TraceId& out) {
  const auto text = TextOf(value);
  if (!text) return WrongType(what, "a string", value);
  const auto id = TraceId::FromHex(*text);
  if (!id) {
    return Refusal{what + " is not 1 to 32 hexadecimal digits",
                   what + " " + QuoteForMessage(*text) + " is not 1 to 32 hexadecimal digits"};
  }
  out = *id;
  return {};
}

Verdict ReadSpanId(element value, const std::string& what, SpanId& out) {
  const auto text = TextOf(value);
  if (!text) return WrongType(what, "a string", value);
  const auto id = SpanId::FromHex(*text);
  if (!id) {
    return Refusal{what + " is not 1 to 16 hexadecimal digits",
                   what + " " + QuoteForMessage(*text) + " is not 1 to 16 hexadecimal digits"};
  }
  out = *id;
  return {};
}

Verdict ReadTime(element value, const std::string& what, std::uint64_t& out) {
  const auto micros = TruncatedIntegerOf(value);
  if (!micros || *micros < 0 || static_cast<std::uint64_t>(*micros) > kMaxMicros) {
    const std::string shown = QuoteForMessage(PlainTextOf(value));
    return Refusal{what + " is no time in microseconds",
                   what + " " + shown + " is no time in microseconds"};
  }
  out = static_cast<std::uint64_t>(*micros) * 1000;
  return {};
}

Verdict ReadDuration(element value, std::uint64_t& out) {
  const auto micros = TruncatedIntegerOf(value);
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1000;
  if (!micros || *micros > kMost || *micros < -kMost) {
    return Refusal{"duration is no number of microseconds",
                   "duration " + QuoteForMessage(PlainTextOf(value)) +
                       " is no number of microseconds"};
  }
  out = static_cast<std::uint64_t>(*micros * 1000);
  return {};
}

void AddTypedValue(model::SpanBatch& out, model::StringId key, std::string_view type,
                   element value) {
  if (type == "bool") {
    if (const auto flag = BoolOf(value)) return out.AddBool(key, *flag);
  } else if (type == "int64") {
    if (const auto number = IntegerOf(value)) return out.AddInt(key, *number);
    if (value.type() == element_type::DOUBLE) return out.AddDouble(key, *DoubleOf(value));
  } else if (type == "float64") {
    if (const auto number = DoubleOf(value)) return out.AddDouble(key, *number);
  } else if (type == "binary") {
    if (const auto text = TextOf(value)) {
      if (const auto bytes = model::DecodeBase64(*text))
        return out.AddBlob(key, ValueType::kBytes, *bytes);
    }
  } else if (type != "string") {
    switch (value.type()) {
      case element_type::BOOL: return out.AddBool(key, *BoolOf(value));
      case element_type::INT64: return out.AddInt(key, *IntegerOf(value));
      case element_type::DOUBLE: return out.AddDouble(key, *DoubleOf(value));
      default: break;
    }
  }
  if (const auto text = TextOf(value)) return out.AddString(key, *text);
  out.AddString(key, PlainTextOf(value));
}

}  // namespace tracestore::codec
