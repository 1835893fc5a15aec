#include <algorithm>
#include <utility>

#include "base/stop.h"
#include "base/try.h"
#include "codec/zipkin/zipkin_json_fields.h"
#include "codec/zipkin/zipkin_v1.h"
#include "codec/zipkin/zipkin_v1_json.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

// What a binary annotation's value is.
enum class Value : std::uint8_t { kNone, kText, kNumber, kTrue, kFalse };

class Decoder {
 public:
  Decoder(SpanBatch& out, const ZipkinJsonOptions& options)
      : in_(options.strict), appender_(out), stop_(options.stop) {}

  Result<model::DecodeReport> Run(std::string_view text);

 private:
  Status Take(element value);
  bool ReadSpan(element value);
  bool ReadField(std::string_view key, element value);
  bool ReadTime(element value, const char* what, std::uint64_t& out);
  bool ReadAnnotation(element value, std::size_t number);
  bool ReadBinary(element value, std::size_t number);
  bool ReadHost(element value, std::uint32_t& out);
  bool ReadValue(element value, std::string_view& text, Value& out);
  void AddBinary(ZipkinV1Binary& binary, Value value);
  template <typename Read>
  bool ReadList(element value, const char* what, Read read) {
    array list;
    if (!in_.List(value, what, list)) return false;
    std::size_t number = 0;
    for (const element item : list)
      if (!read(item, number++)) return false;
    return true;
  }
  // Where an item of a list stands, as Zipkin's JSON reader names it.
  std::string Path(const char* list, std::size_t number, std::string_view key) const {
    return "$[" + std::to_string(index_) + "]." + list + "[" + std::to_string(number) + "]." +
           std::string(key);
  }

  JsonTree tree_;
  ZipkinFieldReader in_;  // before the appender, which borrows its texts
  ZipkinAppender appender_;
  ZipkinV1Converter converter_;
  ZipkinV1Span span_;
  ZipkinEndpoint host_;
  std::uint64_t index_ = 0;
  StopCheck stop_;
  model::DecodeReport report_;
};

// Zero and less stand for "absent".
bool Decoder::ReadTime(element value, const char* what, std::uint64_t& out) {
  std::int64_t micros = 0;
  if (!in_.Micros(value, what, micros)) return false;
  out = static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0));
  return true;
}

bool Decoder::ReadHost(element value, std::uint32_t& out) {
  if (!in_.Endpoint(value, "endpoint", host_)) return false;
  out = span_.AddEndpoint(host_);
  return true;
}

bool Decoder::ReadAnnotation(element value, std::size_t number) {
  object fields;
  if (!in_.Object(value, "an annotation", fields)) return false;
  bool has_timestamp = false;
  bool has_value = false;
  ZipkinV1Annotation annotation;
  std::string_view last_key;
  for (const auto& [key, field] : fields) {
    last_key = key;
    if (IsNull(field)) continue;
    if (IsKey(key, "timestamp")) {
      if (!ReadTime(field, "annotation timestamp", annotation.timestamp_us)) return false;
      has_timestamp = true;
    } else if (IsKey(key, "value")) {
      if (!in_.Text(field, "annotation value", annotation.value)) return false;
      has_value = true;
    } else if (IsKey(key, "endpoint")) {
      if (!ReadHost(field, annotation.endpoint)) return false;
    }
  }
  if (!has_timestamp || !has_value) {
    return in_.Refuse("annotation lacks timestamp or value",
                      "an annotation lacks timestamp or value",
                      "Incomplete annotation at " + Path("annotations", number, last_key));
  }
  span_.annotations.push_back(annotation);
  return true;
}

// Texts, numbers and booleans; what is none of them says nothing.
bool Decoder::ReadValue(element value, std::string_view& text, Value& out) {
  switch (value.type()) {
    case element_type::ARRAY:
    case element_type::OBJECT:
    case element_type::NULL_VALUE: return true;
    case element_type::BOOL:
      out = value.get_bool().value_unsafe() ? Value::kTrue : Value::kFalse;
      text = out == Value::kTrue ? "true" : "false";
      return true;
    default:
      out = value.type() == element_type::STRING ? Value::kText : Value::kNumber;
      return in_.Text(value, "a binary annotation's value", text);
  }
}

void Decoder::AddBinary(ZipkinV1Binary& binary, Value value) {
  if (value == Value::kNone) return;
  if (IsZipkinAddressKey(binary.key)) {
    // True should stand there, but zipkin-ruby sends the text "1", and Zipkin takes any text.
    const bool host = value == Value::kTrue && binary.endpoint != kNoZipkinEndpoint;
    if (value != Value::kText && !host) return;
    binary.address = true;
  }
  span_.binaries.push_back(binary);
}

bool Decoder::ReadBinary(element value, std::size_t number) {
  object fields;
  if (!in_.Object(value, "a binary annotation", fields)) return false;
  ZipkinV1Binary binary;
  bool has_key = false;
  Value kind = Value::kNone;
  std::string_view last_key;
  for (const auto& [key, field] : fields) {
    last_key = key;
    if (IsNull(field)) continue;
    if (IsKey(key, "key")) {
      if (!in_.Text(field, "a binary annotation's key", binary.key)) return false;
      has_key = true;
    } else if (IsKey(key, "value")) {
      if (!ReadValue(field, binary.value, kind)) return false;
    } else if (IsKey(key, "endpoint")) {
      if (!ReadHost(field, binary.endpoint)) return false;
    }
  }
  if (!has_key) {
    return in_.Refuse("binary annotation without key", "a binary annotation lacks its key",
                      "No key at " + Path("binaryAnnotations", number, last_key));
  }
  AddBinary(binary, kind);
  return true;
}

bool Decoder::ReadField(std::string_view key, element value) {
  TraceId id;
  if (IsKey(key, "traceId")) return in_.Id(value, "trace id", "traceId", 32, true, span_.trace_id);
  if (IsKey(key, "id")) {
    // Of a longer one Zipkin takes the last 16 digits.
    if (!in_.Id(value, "span id", "id", 32, true, id)) return false;
    span_.id = {id.low};
    return true;
  }
  if (IsNull(value)) return true;
  if (IsKey(key, "parentId")) {
    if (!in_.Id(value, "parent id", "parentId", 32, true, id)) return false;
    span_.parent_id = {id.low};
    return true;
  }
  if (IsKey(key, "name")) return in_.Text(value, "name", span_.name);
  if (IsKey(key, "timestamp")) return ReadTime(value, "timestamp", span_.timestamp_us);
  if (IsKey(key, "duration")) return ReadTime(value, "duration", span_.duration_us);
  if (IsKey(key, "annotations")) {
    return ReadList(value, "annotations",
                    [this](element item, std::size_t n) { return ReadAnnotation(item, n); });
  }
  if (IsKey(key, "binaryAnnotations")) {
    return ReadList(value, "binaryAnnotations",
                    [this](element item, std::size_t n) { return ReadBinary(item, n); });
  }
  if (IsKey(key, "debug")) return in_.Flag(value, "debug", span_.debug);
  return true;
}

bool Decoder::ReadSpan(element value) {
  span_.Clear();
  object fields;
  if (!in_.Object(value, "span", fields)) return false;
  for (const auto& [key, field] : fields)
    if (!ReadField(key, field)) return false;
  // Zipkin looks at the lower half only.
  if (span_.trace_id.empty() || (in_.strict() && span_.trace_id.low == 0)) {
    return in_.Refuse("span without trace id", "it has no trace id, or one of zeros",
                      "traceId == 0");
  }
  if (span_.id.empty())
    return in_.Refuse("span without id", "it has no span id, or one of zeros", "id == 0");
  return true;
}

Status Decoder::Take(element value) {
  if (stop_.Step()) return stop_.status();
  const std::uint64_t index = index_;
  if (ReadSpan(value)) {
    for (ZipkinSpan& span : converter_.Convert(span_)) {
      appender_.Append(span);
      ++report_.accepted;
    }
  } else if (in_.strict()) {
    return Error(ErrorCode::kInvalidArgument,
                 in_.refusal().zipkin + " reading List<Span> from json");
  } else {
    report_.Reject(in_.refusal().reason,
                   NameZipkinSpan(index, span_.trace_id, in_.refusal().sentence));
  }
  ++index_;
  return {};
}

Result<model::DecodeReport> Decoder::Run(std::string_view text) {
  auto parsed = tree_.Parse(text, ZipkinMending(in_.strict()));
  if (!parsed.has_value()) {
    if (!in_.strict()) return std::move(parsed).error();
    return ZipkinNoJson(text);
  }
  report_.mended_texts = tree_.mended_texts();
  const element root = *parsed;
  array list;
  if (root.get(list) == simdjson::SUCCESS) {
    for (const element item : list) {
      array inner;
      if (in_.strict() || item.get(inner) != simdjson::SUCCESS) {
        TS_TRY(Take(item));
        continue;
      }
      for (const element span : inner) TS_TRY(Take(span));
    }
    return std::move(report_);
  }
  if (in_.strict()) return Error(ErrorCode::kInvalidArgument, "Expected a JSON_V1 encoded list");
  object one;
  if (root.get(one) != simdjson::SUCCESS) {
    return Error(ErrorCode::kInvalidArgument,
                 std::string("not Zipkin JSON: the text is ") + TypeNameOf(root));
  }
  if (one["traceId"].error() != simdjson::SUCCESS && one["id"].error() != simdjson::SUCCESS)
    return Error(ErrorCode::kInvalidArgument, "not Zipkin JSON: neither a list nor a span");
  TS_TRY(Take(root));
  return std::move(report_);
}

}  // namespace

Result<model::DecodeReport> DecodeZipkinV1Json(std::string_view text, SpanBatch& out,
                                               const ZipkinJsonOptions& options) {
  const auto mark = out.mark();
  auto result = Decoder(out, options).Run(text);
  if (!result.has_value()) out.Rollback(mark);
  return result;
}

}  // namespace tracestore::codec
