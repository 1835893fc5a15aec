#include "codec/otlp/json_decoder.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "codec/json/json_dom.h"
#include "codec/json/json_error.h"
#include "codec/otlp/span_rules.h"
#include "model/text.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using model::SpanRecord;
using model::StringId;
using simdjson::dom::element;
using simdjson::dom::element_type;
using Maybe = std::optional<element>;  // a key's value; empty where it is absent or null

constexpr const char* kWrongType = "a field has a value of the wrong type";
constexpr const char* kUnknownName = "an enumeration has an unknown name";

// The values of an object under the keys that its reader asked for, the last of each.
class Fields {
 public:
  // `names` in lowerCamelCase; the same in snake_case is found too. At most kMost.
  template <std::size_t kCount>
  Fields(simdjson::dom::object object, const std::string_view (&names)[kCount]) {
    static_assert(kCount <= kMost);
    for (const auto field : object) {
      for (std::size_t i = 0; i < kCount; ++i) {
        if (!SameKey(field.key, names[i])) continue;
        if (field.value.type() == element_type::NULL_VALUE) values_[i].reset();
        else values_[i] = field.value;
        break;
      }
    }
  }
  const Maybe& operator[](std::size_t i) const noexcept { return values_[i]; }

 private:
  static constexpr std::size_t kMost = 16;

  static bool SameKey(std::string_view key, std::string_view name) noexcept {
    if (key == name) return true;
    std::size_t at = 0;
    for (const char c : name) {
      const bool upper = c >= 'A' && c <= 'Z';
      if (upper && (at == key.size() || key[at++] != '_')) return false;
      const char wanted = upper ? static_cast<char>(c - 'A' + 'a') : c;
      if (at == key.size() || key[at++] != wanted) return false;
    }
    return at == key.size();
  }

  Maybe values_[kMost];
};

std::optional<std::uint64_t> UnsignedOf(element value) {
  switch (value.type()) {
    case element_type::UINT64: return value.get_uint64().value_unsafe();
    case element_type::INT64: {
      const std::int64_t number = value.get_int64().value_unsafe();
      if (number < 0) return std::nullopt;
      return static_cast<std::uint64_t>(number);
    }
    case element_type::DOUBLE: {
      const double number = value.get_double().value_unsafe();
      if (!(number >= 0 && number < 18446744073709551616.0) || std::trunc(number) != number)
        return std::nullopt;
      return static_cast<std::uint64_t>(number);
    }
    case element_type::STRING: {
      const std::string_view text = value.get_string().value_unsafe();
      std::uint64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
      return number;
    }
    default: return std::nullopt;
  }
}

struct EnumName {
  std::string_view name;
  std::uint64_t number;
};
constexpr EnumName kKinds[] = {{"SPAN_KIND_UNSPECIFIED", 0}, {"SPAN_KIND_INTERNAL", 1},
                               {"SPAN_KIND_SERVER", 2},      {"SPAN_KIND_CLIENT", 3},
                               {"SPAN_KIND_PRODUCER", 4},    {"SPAN_KIND_CONSUMER", 5}};
constexpr EnumName kCodes[] = {
    {"STATUS_CODE_UNSET", 0}, {"STATUS_CODE_OK", 1}, {"STATUS_CODE_ERROR", 2}};

class Decoder {
 public:
  explicit Decoder(SpanBatch& out) : out_(out) {}

  Status DecodeRequest(std::string_view text);
  model::DecodeReport& report() noexcept { return report_; }

 private:
  // Readers give false where a value is refused; refusal_ then says why.
  bool Refuse(const char* reason, std::string sentence) {
    refusal_ = {reason, std::move(sentence)};
    return false;
  }
  bool WrongType(std::string field, element value, const char* wanted) {
    return Refuse(kWrongType, std::move(field) + " is " + TypeNameOf(value) + ", not " + wanted);
  }

  bool ReadText(const Maybe& value, const char* field, StringId& out);
  bool ReadNumber(const Maybe& value, const char* field, std::uint64_t& out);
  bool ReadCount(const Maybe& value, const char* field, std::uint32_t& out);
  template <std::size_t kCount>
  bool ReadEnum(const Maybe& value, const char* field, const EnumName (&names)[kCount],
                std::uint64_t& out);
  bool ReadId(const Maybe& value, const char* field, std::size_t digits, const char* reason,
              std::string_view& out);
  bool ReadAttributes(const Maybe& list, const char* field, model::Range& range);
  bool ReadAttribute(element entry, const char* field);
  bool ReadContainer(element value, ValueType type, StringId key);
  // "the value of attribute 'key'": made only for a refusal.
  std::string ValueOf(StringId key) const {
    return "the value of attribute " + QuoteForMessage(out_.text(key));
  }
  bool ReadResource(const Maybe& value, model::ResourceRecord& resource);
  bool ReadScope(const Maybe& value, model::ScopeRecord& scope);
  bool ReadSpan(element value);
  bool ReadIds(const Fields& fields, SpanRecord& span);
  bool ReadState(const Fields& fields, SpanRecord& span);
  bool ReadEvents(const Maybe& list, SpanRecord& span);
  bool ReadEvent(element value);
  bool ReadLinks(const Maybe& list, SpanRecord& span);
  bool ReadLink(element value);

  Status ReadResourceSpans(element value);
  Status ReadScopeSpans(element value, bool refused);
  void CountSpan(element value, bool refused);

  SpanBatch& out_;
  JsonTree tree_;
  model::DecodeReport report_;
  std::pair<const char*, std::string> refusal_;
  std::uint64_t span_number_ = 0;
  std::string blob_;
};

// A list or object around the spans that is none: the request is not OTLP.
Error NotThat(const char* field, element value, const char* wanted) {
  return {ErrorCode::kInvalidArgument,
          std::string("OTLP JSON: ") + field + " is " + TypeNameOf(value) + ", not " + wanted};
}

bool IsObject(element value) { return value.type() == element_type::OBJECT; }
bool IsArray(element value) { return value.type() == element_type::ARRAY; }
simdjson::dom::object ObjectOf(element value) { return value.get_object().value_unsafe(); }
simdjson::dom::array ArrayOf(element value) { return value.get_array().value_unsafe(); }

bool Decoder::ReadText(const Maybe& value, const char* field, StringId& out) {
  if (!value) return true;
  const auto text = TextOf(*value);
  if (!text) return WrongType(field, *value, "a string");
  out = out_.strings.Intern(*text);
  return true;
}

bool Decoder::ReadNumber(const Maybe& value, const char* field, std::uint64_t& out) {
  if (!value) return true;
  const auto number = UnsignedOf(*value);
  if (!number) return WrongType(field, *value, "a whole number from 0 to 2^64 - 1");
  out = *number;
  return true;
}

bool Decoder::ReadCount(const Maybe& value, const char* field, std::uint32_t& out) {
  std::uint64_t number = 0;
  if (!ReadNumber(value, field, number)) return false;
  if (number > std::numeric_limits<std::uint32_t>::max())
    return WrongType(field, *value, "a whole number below 2^32");
  out = static_cast<std::uint32_t>(number);
  return true;
}

template <std::size_t kCount>
bool Decoder::ReadEnum(const Maybe& value, const char* field, const EnumName (&names)[kCount],
                       std::uint64_t& out) {
  if (!value) return true;
  if (const auto text = TextOf(*value)) {
    for (const EnumName& known : names) {
      if (known.name != *text) continue;
      out = known.number;
      return true;
    }
    if (!IntegerOf(*value))
      return Refuse(kUnknownName, std::string(field) + " " + QuoteForMessage(*text) + " is unknown");
  }
  const auto number = IntegerOf(*value);
  if (!number || *number != static_cast<std::int32_t>(*number))
    return WrongType(field, *value, "a number of 32 bits or a name");
  out = static_cast<std::uint64_t>(*number);
  return true;
}

// Gives the digits, "" where the id is absent or empty.
bool Decoder::ReadId(const Maybe& value, const char* field, std::size_t digits, const char* reason,
                     std::string_view& out) {
  out = {};
  if (!value) return true;
  const auto text = TextOf(*value);
  if (!text) return WrongType(field, *value, "a string");
  if (text->empty()) return true;
  const bool hex = std::all_of(text->begin(), text->end(),
                               [](char c) { return base::HexDigit(c) >= 0; });
  if (text->size() != digits || !hex) {
    return Refuse(reason, std::string(field) + " " + QuoteForMessage(*text) + " is not " +
                              std::to_string(digits) + " hexadecimal digits");
  }
  out = *text;
  return true;
}

bool Decoder::ReadAttributes(const Maybe& list, const char* field, model::Range& range) {
  range.begin = static_cast<std::uint32_t>(out_.attributes.size());
  if (!list) return true;
  if (!IsArray(*list)) return WrongType(field, *list, "a list");
  for (const element entry : ArrayOf(*list)) {
    if (!ReadAttribute(entry, field)) return false;
  }
  range.count = static_cast<std::uint32_t>(out_.attributes.size()) - range.begin;
  return true;
}

constexpr std::string_view kEntryKeys[] = {"key", "value"};
constexpr std::string_view kValuesKeys[] = {"values"};

// What an AnyValue object holds: the type, and the JSON value of the last member that is set.
struct AnyValue {
  ValueType type = ValueType::kEmpty;
  element value;
};

AnyValue AnyOf(simdjson::dom::object object) {
  struct Member {
    std::string_view camel, snake;
    ValueType type;
  };
  static constexpr Member kMembers[] = {
      {"stringValue", "string_value", ValueType::kString},
      {"boolValue", "bool_value", ValueType::kBool},
      {"intValue", "int_value", ValueType::kInt},
      {"doubleValue", "double_value", ValueType::kDouble},
      {"arrayValue", "array_value", ValueType::kArray},
      {"kvlistValue", "kvlist_value", ValueType::kMap},
      {"bytesValue", "bytes_value", ValueType::kBytes}};
  AnyValue any;
  for (const auto field : object) {
    if (field.value.type() == element_type::NULL_VALUE) continue;
    for (const Member& member : kMembers) {
      if (field.key == member.camel || field.key == member.snake) any = {member.type, field.value};
    }
  }
  return any;
}

// A scalar as the model has it. False where the JSON value doesn't fit its member.
struct Scalar {
  std::uint64_t bits = 0;
  std::string_view text;
  std::string bytes;
};
bool ReadScalar(const AnyValue& any, Scalar& out) {
  switch (any.type) {
    case ValueType::kString:
      if (const auto text = TextOf(any.value)) out.text = *text; else return false;
      return true;
    case ValueType::kBool:
      if (const auto value = BoolOf(any.value)) out.bits = *value ? 1 : 0; else return false;
      return true;
    case ValueType::kInt:
      if (const auto value = IntegerOf(any.value)) {
        out.bits = static_cast<std::uint64_t>(*value);
        return true;
      }
      return false;
    case ValueType::kDouble:
      if (const auto value = DoubleOf(any.value)) {
        out.bits = std::bit_cast<std::uint64_t>(*value);
        return true;
      }
      return false;
    case ValueType::kBytes: {
      const auto text = TextOf(any.value);
      auto bytes = text ? model::DecodeBase64(*text) : std::nullopt;
      if (!bytes) return false;
      out.bytes = std::move(*bytes);
      out.text = out.bytes;
      return true;
    }
    default: return true;
  }
}

const char* WantedBy(ValueType type) {
  switch (type) {
    case ValueType::kString: return "a string";
    case ValueType::kBool: return "a boolean";
    case ValueType::kInt: return "a whole number of 64 bits";
    case ValueType::kDouble: return "a number";
    case ValueType::kBytes: return "base64";
    default: return "an object with a list of values";
  }
}

bool Decoder::ReadAttribute(element entry, const char* field) {
  if (!IsObject(entry)) return WrongType(field, entry, "a list of keys and values");
  const Fields fields(ObjectOf(entry), kEntryKeys);
  StringId key = 0;
  if (!ReadText(fields[0], "an attribute's key", key)) return false;
  if (!fields[1]) {
    out_.attributes.push_back({0, key, static_cast<std::uint8_t>(ValueType::kEmpty)});
    return true;
  }
  if (!IsObject(*fields[1])) return WrongType(ValueOf(key), *fields[1], "an object");
  const AnyValue any = AnyOf(ObjectOf(*fields[1]));
  if (any.type == ValueType::kArray || any.type == ValueType::kMap) {
    if (!ReadContainer(any.value, any.type, key)) return false;
    out_.AddBlob(key, any.type, blob_);
    return true;
  }
  Scalar scalar;
  if (!ReadScalar(any, scalar)) return WrongType(ValueOf(key), any.value, WantedBy(any.type));
  if (model::IsTextual(any.type)) scalar.bits = out_.strings.Intern(scalar.text);
  out_.attributes.push_back({scalar.bits, key, static_cast<std::uint8_t>(any.type)});
  return true;
}

void WriteToken(ValueType type, const Scalar& scalar, std::string& blob) {
  model::ValueBlobWriter writer(blob);
  switch (type) {
    case ValueType::kString: writer.String(scalar.text); break;
    case ValueType::kBool: writer.Bool(scalar.bits != 0); break;
    case ValueType::kInt: writer.Int(static_cast<std::int64_t>(scalar.bits)); break;
    case ValueType::kDouble: writer.Double(std::bit_cast<double>(scalar.bits)); break;
    case ValueType::kBytes: writer.Bytes(scalar.text); break;
    default: writer.Empty();
  }
}

// Fills blob_ with the tokens of an array or map of the attribute `key`.
bool Decoder::ReadContainer(element value, ValueType type, StringId key) {
  struct Open {
    simdjson::dom::array::iterator at, end;
    bool map = false;
  };
  std::vector<Open> open;
  // Opens an ArrayValue or KeyValueList; its list may be absent.
  const auto push = [&](element list_value, ValueType list_type) {
    if (!IsObject(list_value)) return WrongType(ValueOf(key), list_value, WantedBy(list_type));
    const Fields fields(ObjectOf(list_value), kValuesKeys);
    Open next;
    next.map = list_type == ValueType::kMap;
    if (fields[0]) {
      if (!IsArray(*fields[0])) return WrongType(ValueOf(key), *fields[0], "a list of values");
      next.at = ArrayOf(*fields[0]).begin();
      next.end = ArrayOf(*fields[0]).end();
    }
    open.push_back(next);
    return true;
  };
  if (!push(value, type)) return false;
  blob_.clear();
  model::ValueBlobWriter writer(blob_);
  while (true) {
    Open& top = open.back();
    if (!(top.at != top.end)) {
      open.pop_back();
      if (open.empty()) return true;
      writer.End();
      continue;
    }
    element item = *top.at;
    ++top.at;
    if (!IsObject(item)) return WrongType(ValueOf(key), item, "made of objects");
    Maybe any_value = item;
    if (top.map) {
      const Fields entry(ObjectOf(item), kEntryKeys);
      const auto entry_key = entry[0] ? TextOf(*entry[0]) : std::string_view{};
      if (!entry_key) return WrongType(ValueOf(key), *entry[0], "keyed by strings");
      writer.Key(*entry_key);
      any_value = entry[1];
      if (any_value && !IsObject(*any_value))
        return WrongType(ValueOf(key), *any_value, "made of objects");
    }
    const AnyValue any = any_value ? AnyOf(ObjectOf(*any_value)) : AnyValue{};
    if (any.type == ValueType::kArray || any.type == ValueType::kMap) {
      if (open.size() >= model::kMaxValueDepth) {
        return Refuse(kValueTooDeep, TooDeepSentence(out_.text(key)));
      }
      if (any.type == ValueType::kMap) writer.BeginMap(); else writer.BeginArray();
      if (!push(any.value, any.type)) return false;
      continue;
    }
    Scalar scalar;
    if (!ReadScalar(any, scalar)) return WrongType(ValueOf(key), any.value, WantedBy(any.type));
    WriteToken(any.type, scalar, blob_);
  }
}

bool Decoder::ReadResource(const Maybe& value, model::ResourceRecord& resource) {
  static constexpr std::string_view kKeys[] = {"attributes", "droppedAttributesCount"};
  if (!value) return true;
  if (!IsObject(*value)) return WrongType("resource", *value, "an object");
  const Fields fields(ObjectOf(*value), kKeys);
  return ReadAttributes(fields[0], "the resource's attributes", resource.attributes) &&
         ReadCount(fields[1], "the resource's droppedAttributesCount", resource.dropped_attributes);
}

bool Decoder::ReadScope(const Maybe& value, model::ScopeRecord& scope) {
  static constexpr std::string_view kKeys[] = {"name", "version", "attributes",
                                               "droppedAttributesCount"};
  if (!value) return true;
  if (!IsObject(*value)) return WrongType("scope", *value, "an object");
  const Fields fields(ObjectOf(*value), kKeys);
  return ReadText(fields[0], "the scope's name", scope.name) &&
         ReadText(fields[1], "the scope's version", scope.version) &&
         ReadAttributes(fields[2], "the scope's attributes", scope.attributes) &&
         ReadCount(fields[3], "the scope's droppedAttributesCount", scope.dropped_attributes);
}

constexpr std::string_view kSpanKeys[] = {
    "traceId", "spanId", "parentSpanId", "traceState", "name", "kind", "startTimeUnixNano",
    "endTimeUnixNano", "attributes", "droppedAttributesCount", "events", "droppedEventsCount",
    "links", "droppedLinksCount", "status", "flags"};
enum SpanKey : std::size_t {
  kTraceId, kSpanId, kParentSpanId, kTraceState, kName, kKind, kStart, kEnd, kAttributes,
  kDroppedAttributes, kEvents, kDroppedEvents, kLinks, kDroppedLinks, kStatus, kFlags
};

bool Decoder::ReadSpan(element value) {
  if (!IsObject(value)) return WrongType("the span", value, "an object");
  const Fields fields(ObjectOf(value), kSpanKeys);
  SpanRecord span;
  span.resource = static_cast<std::uint32_t>(out_.resources.size() - 1);
  span.scope = static_cast<std::uint32_t>(out_.scopes.size() - 1);
  if (!ReadIds(fields, span) || !ReadState(fields, span)) return false;
  if (!ReadAttributes(fields[kAttributes], "attributes", span.attributes) ||
      !ReadEvents(fields[kEvents], span) || !ReadLinks(fields[kLinks], span)) {
    return false;
  }
  out_.spans.push_back(span);
  return true;
}

std::string OfTrace(const SpanRecord& span) { return " (trace " + span.trace_id.ToHex() + ")"; }

bool Decoder::ReadIds(const Fields& fields, SpanRecord& span) {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_id;
  if (!ReadId(fields[kTraceId], "trace id", 32, kTraceIdInvalid, trace_id)) return false;
  span.trace_id = TraceId::FromHex(trace_id).value_or(TraceId{});
  if (span.trace_id.empty()) {
    return Refuse(kTraceIdInvalid,
                  trace_id.empty() ? "trace id is absent" : "trace id is all zeros");
  }
  if (!ReadId(fields[kSpanId], "span id", 16, kSpanIdInvalid, span_id) ||
      !ReadId(fields[kParentSpanId], "parent span id", 16, kParentIdInvalid, parent_id)) {
    refusal_.second += OfTrace(span);
    return false;
  }
  span.span_id = SpanId::FromHex(span_id).value_or(SpanId{});
  span.parent_id = SpanId::FromHex(parent_id).value_or(SpanId{});
  if (!span.span_id.empty()) return true;
  return Refuse(kSpanIdInvalid,
                (span_id.empty() ? "span id is absent" : "span id is all zeros") + OfTrace(span));
}

bool Decoder::ReadState(const Fields& fields, SpanRecord& span) {
  static constexpr std::string_view kStatusKeys[] = {"message", "code"};
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t kind = 0;
  std::uint64_t code = 0;
  if (!ReadText(fields[kName], "name", span.name) ||
      !ReadText(fields[kTraceState], "traceState", span.trace_state) ||
      !ReadNumber(fields[kStart], "startTimeUnixNano", start_ns) ||
      !ReadNumber(fields[kEnd], "endTimeUnixNano", end_ns) ||
      !ReadEnum(fields[kKind], "kind", kKinds, kind) ||
      !ReadCount(fields[kFlags], "flags", span.flags) ||
      !ReadCount(fields[kDroppedAttributes], "droppedAttributesCount", span.dropped_attributes) ||
      !ReadCount(fields[kDroppedEvents], "droppedEventsCount", span.dropped_events) ||
      !ReadCount(fields[kDroppedLinks], "droppedLinksCount", span.dropped_links)) {
    return false;
  }
  if (fields[kStatus]) {
    if (!IsObject(*fields[kStatus])) return WrongType("status", *fields[kStatus], "an object");
    const Fields status(ObjectOf(*fields[kStatus]), kStatusKeys);
    if (!ReadText(status[0], "the status's message", span.status_message) ||
        !ReadEnum(status[1], "the status's code", kCodes, code)) {
      return false;
    }
  }
  SetOtlpTimes(start_ns, end_ns, span);
  std::string unknown;
  KeepKindAndStatus(kind, code, span, unknown);
  span.unknown_fields = out_.strings.Intern(unknown);
  return true;
}

bool Decoder::ReadEvents(const Maybe& list, SpanRecord& span) {
  span.events.begin = static_cast<std::uint32_t>(out_.events.size());
  if (!list) return true;
  if (!IsArray(*list)) return WrongType("events", *list, "a list");
  for (const element event : ArrayOf(*list)) {
    if (!ReadEvent(event)) return false;
  }
  span.events.count = static_cast<std::uint32_t>(out_.events.size()) - span.events.begin;
  return true;
}

bool Decoder::ReadEvent(element value) {
  static constexpr std::string_view kKeys[] = {"timeUnixNano", "name", "attributes",
                                               "droppedAttributesCount"};
  if (!IsObject(value)) return WrongType("an event", value, "an object");
  const Fields fields(ObjectOf(value), kKeys);
  model::EventRecord event;
  if (!ReadNumber(fields[0], "an event's timeUnixNano", event.time_ns) ||
      !ReadText(fields[1], "an event's name", event.name) ||
      !ReadAttributes(fields[2], "an event's attributes", event.attributes) ||
      !ReadCount(fields[3], "an event's droppedAttributesCount", event.dropped_attributes)) {
    return false;
  }
  out_.events.push_back(event);
  return true;
}

bool Decoder::ReadLinks(const Maybe& list, SpanRecord& span) {
  span.references.begin = static_cast<std::uint32_t>(out_.references.size());
  if (!list) return true;
  if (!IsArray(*list)) return WrongType("links", *list, "a list");
  for (const element link : ArrayOf(*list)) {
    if (!ReadLink(link)) return false;
  }
  span.references.count = static_cast<std::uint32_t>(out_.references.size()) - span.references.begin;
  return true;
}

bool Decoder::ReadLink(element value) {
  static constexpr std::string_view kKeys[] = {"traceId", "spanId", "traceState", "attributes",
                                               "droppedAttributesCount", "flags"};
  if (!IsObject(value)) return WrongType("a link", value, "an object");
  const Fields fields(ObjectOf(value), kKeys);
  model::ReferenceRecord link;
  std::string_view trace_id;
  std::string_view span_id;
  if (!ReadId(fields[0], "a link's trace id", 32, kLinkIdInvalid, trace_id) ||
      !ReadId(fields[1], "a link's span id", 16, kLinkIdInvalid, span_id) ||
      !ReadText(fields[2], "a link's traceState", link.trace_state) ||
      !ReadAttributes(fields[3], "a link's attributes", link.attributes) ||
      !ReadCount(fields[4], "a link's droppedAttributesCount", link.dropped_attributes) ||
      !ReadCount(fields[5], "a link's flags", link.flags)) {
    return false;
  }
  link.trace_id = TraceId::FromHex(trace_id).value_or(TraceId{});
  link.span_id = SpanId::FromHex(span_id).value_or(SpanId{});
  out_.references.push_back(link);
  return true;
}

void Decoder::CountSpan(element value, bool refused) {
  ++span_number_;
  const SpanBatch::Mark mark = out_.mark();
  const auto owner = refusal_;  // of the resource or scope, the reason of all spans under it
  if (!refused && ReadSpan(value)) {
    ++report_.accepted;
    return;
  }
  out_.Rollback(mark);
  report_.Reject(refusal_.first, "span " + std::to_string(span_number_) + ": " + refusal_.second);
  if (refused) refusal_ = owner;
}

Status Decoder::ReadScopeSpans(element value, bool refused) {
  static constexpr std::string_view kKeys[] = {"scope", "spans", "schemaUrl"};
  if (!IsObject(value)) return NotThat("scopeSpans", value, "made of objects");
  const Fields fields(ObjectOf(value), kKeys);
  if (fields[1] && !IsArray(*fields[1])) return NotThat("spans", *fields[1], "a list");
  const SpanBatch::Mark mark = out_.mark();
  const std::uint64_t accepted = report_.accepted;
  model::ScopeRecord scope;
  if (!refused)
    refused = !ReadScope(fields[0], scope) || !ReadText(fields[2], "schemaUrl", scope.schema_url);
  out_.scopes.push_back(scope);
  if (fields[1]) {
    for (const element span : ArrayOf(*fields[1])) CountSpan(span, refused);
  }
  if (report_.accepted == accepted) out_.Rollback(mark);
  return {};
}

Status Decoder::ReadResourceSpans(element value) {
  static constexpr std::string_view kKeys[] = {"resource", "scopeSpans", "schemaUrl"};
  if (!IsObject(value)) return NotThat("resourceSpans", value, "made of objects");
  const Fields fields(ObjectOf(value), kKeys);
  if (fields[1] && !IsArray(*fields[1])) return NotThat("scopeSpans", *fields[1], "a list");
  const SpanBatch::Mark mark = out_.mark();
  const std::uint64_t accepted = report_.accepted;
  model::ResourceRecord resource;
  const bool good = ReadResource(fields[0], resource) &&
                    ReadText(fields[2], "schemaUrl", resource.schema_url);
  const auto refusal = refusal_;
  out_.resources.push_back(resource);
  if (fields[1]) {
    for (const element scope_spans : ArrayOf(*fields[1])) {
      if (!good) refusal_ = refusal;
      Status status = ReadScopeSpans(scope_spans, !good);
      if (!status.has_value()) return status;
    }
  }
  if (report_.accepted == accepted) out_.Rollback(mark);
  return {};
}

Status Decoder::DecodeRequest(std::string_view text) {
  static constexpr std::string_view kKeys[] = {"resourceSpans"};
  const auto root = tree_.Parse(text);
  if (!root.has_value()) return root.error();
  if (!IsObject(*root)) return NotThat("the request", *root, "an object");
  const Fields fields(ObjectOf(*root), kKeys);
  if (!fields[0]) return {};
  if (!IsArray(*fields[0])) return NotThat("resourceSpans", *fields[0], "a list");
  for (const element resource_spans : ArrayOf(*fields[0])) {
    Status status = ReadResourceSpans(resource_spans);
    if (!status.has_value()) return status;
  }
  return {};
}

}  // namespace

Result<model::DecodeReport> DecodeOtlpJson(std::string_view text, SpanBatch& out,
                                           const OtlpLimits& limits) {
  const Status room = CheckOtlpRoom(text.size(), limits.max_message_bytes, out);
  if (!room.has_value()) return room.error();
  const SpanBatch::Mark mark = out.mark();
  Decoder decoder(out);
  Status status = decoder.DecodeRequest(text);
  if (status.has_value()) return std::move(decoder.report());
  out.Rollback(mark);
  return std::move(status).error();
}

Result<model::DecodeReport> DecodeOtlpJsonLines(std::string_view text, SpanBatch& out,
                                                const OtlpLimits& limits) {
  const SpanBatch::Mark mark = out.mark();
  Decoder decoder(out);
  std::uint64_t line_number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Status status = CheckOtlpRoom(line.size(), limits.max_message_bytes, out);
    if (status.has_value()) status = decoder.DecodeRequest(line);
    if (status.has_value()) continue;
    out.Rollback(mark);
    return std::move(status).error().WithContext("line " + std::to_string(line_number));
  }
  return std::move(decoder.report());
}

}  // namespace tracestore::codec
