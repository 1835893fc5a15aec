#include "codec/otlp/json_encoder.h"

#include <bit>
#include <numeric>
#include <vector>

#include "base/bytes.h"
#include "codec/otlp/span_conversion.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using model::ValueToken;

constexpr std::string_view kKinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL",
                                      "SPAN_KIND_SERVER",      "SPAN_KIND_CLIENT",
                                      "SPAN_KIND_PRODUCER",    "SPAN_KIND_CONSUMER"};
constexpr std::string_view kCodes[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};

// Fields with their default value are left out, as proto3's JSON mapping has it; but a span always
// has its ids, name and times, which readers less patient than ours expect.
class Encoder {
 public:
  // `proto`: in protobuf's own mapping.
  Encoder(const SpanBatch& batch, JsonWriter& out, bool proto = false)
      : batch_(batch), json_(out), proto_(proto) {}

  void Run(std::span<const std::uint32_t> rows) {
    json_.BeginObject();
    json_.Key("resourceSpans");
    WriteList(rows);
    json_.EndObject();
  }

  void WriteList(std::span<const std::uint32_t> rows) {
    json_.BeginArray();
    for (std::size_t i = 0; i < rows.size();) {
      const std::uint32_t resource = batch_.spans[rows[i]].resource;
      json_.BeginObject();
      WriteResource(batch_.resources[resource]);
      json_.Key("scopeSpans");
      json_.BeginArray();
      while (i < rows.size() && batch_.spans[rows[i]].resource == resource) {
        const std::uint32_t scope = batch_.spans[rows[i]].scope;
        json_.BeginObject();
        WriteScope(batch_.scopes[scope]);
        json_.Key("spans");
        json_.BeginArray();
        for (; i < rows.size() && batch_.spans[rows[i]].resource == resource &&
               batch_.spans[rows[i]].scope == scope;
             ++i) {
          WriteSpan(batch_.spans[rows[i]]);
        }
        json_.EndArray();
        Text("schemaUrl", Of(batch_.scopes[scope].schema_url));
        json_.EndObject();
      }
      json_.EndArray();
      Text("schemaUrl", Of(batch_.resources[resource].schema_url));
      json_.EndObject();
    }
    json_.EndArray();
  }

 private:
  std::string_view Of(model::StringId id) const noexcept { return batch_.text(id); }
  void Text(std::string_view key, std::string_view text) {
    if (text.empty()) return;
    json_.Key(key);
    json_.String(text);
  }
  void Count(std::string_view key, std::uint64_t value) {
    if (value == 0) return;
    json_.Key(key);
    json_.Uint(value);
  }
  void Time(std::string_view key, std::uint64_t value) {
    if (proto_ && value == 0) return;
    json_.Key(key);
    json_.UintString(value);
  }

  void Id(std::string_view key, TraceId id) {
    if (!proto_) return Text(key, id.ToHex());
    if (id.empty()) return;
    char bytes[16];
    base::StoreLe(bytes, __builtin_bswap64(id.high));
    base::StoreLe(bytes + 8, __builtin_bswap64(id.low));
    json_.Key(key);
    json_.Base64({bytes, sizeof bytes});
  }
  void Id(std::string_view key, SpanId id) {
    if (!proto_) return Text(key, id.ToHex());
    if (id.empty()) return;
    char bytes[8];
    base::StoreLe(bytes, __builtin_bswap64(id.value));
    json_.Key(key);
    json_.Base64({bytes, sizeof bytes});
  }
  // Of an enumeration.
  template <std::size_t N>
  void Name(std::string_view key, std::size_t value, const std::string_view (&names)[N]) {
    if (!proto_ || value >= N) return Count(key, value);
    if (value != 0) Text(key, names[value]);
  }

  void WriteResource(const model::ResourceRecord& resource) {
    json_.Key("resource");
    json_.BeginObject();
    WriteAttributes(resource.attributes);
    Count("droppedAttributesCount", resource.dropped_attributes);
    json_.EndObject();
  }

  void WriteScope(const model::ScopeRecord& scope) {
    json_.Key("scope");
    json_.BeginObject();
    Text("name", Of(scope.name));
    Text("version", Of(scope.version));
    WriteAttributes(scope.attributes);
    Count("droppedAttributesCount", scope.dropped_attributes);
    json_.EndObject();
  }

  void WriteSpan(const model::SpanRecord& span) {
    const OtlpSpanView view(batch_, span);
    json_.BeginObject();
    Id("traceId", span.trace_id);
    Id("spanId", span.span_id);
    Text("traceState", view.trace_state());
    if (!span.parent_id.empty()) Id("parentSpanId", span.parent_id);
    Count("flags", span.flags);
    if (proto_) {
      Text("name", Of(span.name));
    } else {
      json_.Key("name");
      json_.String(Of(span.name));
    }
    Name("kind", static_cast<std::size_t>(span.kind), kKinds);
    Time("startTimeUnixNano", view.start_ns());
    Time("endTimeUnixNano", view.end_ns());
    if (span.attributes.count > 0) {
      json_.Key("attributes");
      json_.BeginArray();
      for (const model::Attribute& attribute : AttributesOf(batch_, span.attributes)) {
        if (!view.Hides(attribute)) WriteAttribute(attribute);
      }
      json_.EndArray();
    }
    Count("droppedAttributesCount", span.dropped_attributes);
    WriteEvents(view, span);
    Count("droppedEventsCount", span.dropped_events);
    WriteLinks(span);
    Count("droppedLinksCount", span.dropped_links);
    json_.Key("status");
    json_.BeginObject();
    Text("message", Of(span.status_message));
    Name("code", static_cast<std::size_t>(span.status), kCodes);
    json_.EndObject();
    json_.EndObject();
  }

  void WriteEvents(const OtlpSpanView& view, const model::SpanRecord& span) {
    if (span.events.count == 0) return;
    json_.Key("events");
    json_.BeginArray();
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      const model::EventRecord& event = batch_.events[span.events.begin + i];
      json_.BeginObject();
      Time("timeUnixNano", event.time_ns);
      Text("name", Of(event.name));
      if (event.attributes.count > 0) {
        const model::Attribute* const hidden = view.HiddenIn(event);
        json_.Key("attributes");
        json_.BeginArray();
        for (const model::Attribute& attribute : AttributesOf(batch_, event.attributes)) {
          if (&attribute != hidden) WriteAttribute(attribute);
        }
        json_.EndArray();
      }
      Count("droppedAttributesCount", event.dropped_attributes);
      json_.EndObject();
    }
    json_.EndArray();
  }

  void WriteLinks(const model::SpanRecord& span) {
    if (span.references.count == 0) return;
    json_.Key("links");
    json_.BeginArray();
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      const model::ReferenceRecord& link = batch_.references[span.references.begin + i];
      json_.BeginObject();
      if (!link.trace_id.empty()) Id("traceId", link.trace_id);
      if (!link.span_id.empty()) Id("spanId", link.span_id);
      Text("traceState", Of(link.trace_state));
      WriteAttributes(link.attributes, RefTypeName(link.type));
      Count("droppedAttributesCount", link.dropped_attributes);
      Count("flags", link.flags);
      json_.EndObject();
    }
    json_.EndArray();
  }

  // `ref_type`: of a Jaeger reference, told as one attribute more.
  void WriteAttributes(model::Range range, std::string_view ref_type = {}) {
    if (range.count == 0 && ref_type.empty()) return;
    json_.Key("attributes");
    json_.BeginArray();
    for (const model::Attribute& attribute : AttributesOf(batch_, range)) WriteAttribute(attribute);
    if (!ref_type.empty()) {
      json_.BeginObject();
      Text("key", kRefTypeKey);
      json_.Key("value");
      json_.BeginObject();
      Text("stringValue", ref_type);
      json_.EndObject();
      json_.EndObject();
    }
    json_.EndArray();
  }

  void WriteAttribute(const model::Attribute& attribute) {
    json_.BeginObject();
    json_.Key("key");
    json_.String(Of(attribute.key));
    json_.Key("value");
    json_.BeginObject();
    const ValueType type = attribute.type();
    if (type == ValueType::kArray || type == ValueType::kMap) {
      WriteContainer(Of(static_cast<model::StringId>(attribute.bits)), type);
    } else {
      ValueToken token;
      token.type = type;
      if (model::IsTextual(type)) token.text = Of(static_cast<model::StringId>(attribute.bits));
      token.integer = static_cast<std::int64_t>(attribute.bits);
      token.number = std::bit_cast<double>(attribute.bits);
      WriteScalar(token);
    }
    json_.EndObject();
    json_.EndObject();
  }

  // The member of an AnyValue whose object is open.
  void WriteScalar(const ValueToken& token) {
    switch (token.type) {
      case ValueType::kString:
        json_.Key("stringValue");
        json_.String(token.text);
        break;
      case ValueType::kBool:
        json_.Key("boolValue");
        json_.Bool(token.integer != 0);
        break;
      case ValueType::kInt:
        json_.Key("intValue");
        json_.IntString(token.integer);
        break;
      case ValueType::kDouble:
        json_.Key("doubleValue");
        json_.Double(token.number);
        break;
      case ValueType::kBytes:
        json_.Key("bytesValue");
        json_.Base64(token.text);
        break;
      default: break;
    }
  }

  void BeginContainer(bool map) {
    json_.Key(map ? "kvlistValue" : "arrayValue");
    json_.BeginObject();
    json_.Key("values");
    json_.BeginArray();
    maps_.push_back(map);
  }
  // The list and the object around it; the AnyValue stays open.
  void EndContainer() {
    json_.EndArray();
    json_.EndObject();
    maps_.pop_back();
  }
  void BeginItem() {
    if (maps_.back()) json_.Key("value");
    json_.BeginObject();
    entry_open_ = false;
  }
  void EndItem() {
    json_.EndObject();
    if (maps_.back()) json_.EndObject();  // the entry, begun at its key
  }

  // The inside of an AnyValue object.
  void WriteContainer(std::string_view blob, ValueType type) {
    maps_.clear();
    BeginContainer(type == ValueType::kMap);
    model::ValueBlobReader reader(blob, type);
    while (true) {
      const ValueToken token = reader.Next();
      switch (token.kind) {
        case ValueToken::Kind::kKey:
          json_.BeginObject();
          json_.Key("key");
          json_.String(token.text);
          entry_open_ = true;
          break;
        case ValueToken::Kind::kScalar:
          BeginItem();
          WriteScalar(token);
          EndItem();
          break;
        case ValueToken::Kind::kBeginArray:
        case ValueToken::Kind::kBeginMap:
          BeginItem();
          BeginContainer(token.kind == ValueToken::Kind::kBeginMap);
          break;
        case ValueToken::Kind::kEnd:
          EndContainer();
          EndItem();
          break;
        case ValueToken::Kind::kDone: EndContainer(); return;
        case ValueToken::Kind::kBad: CloseDamaged(); return;
      }
    }
  }

  // A blob that is damaged: what could be read is kept, and the JSON stays right.
  void CloseDamaged() {
    if (entry_open_) json_.EndObject();
    entry_open_ = false;
    while (maps_.size() > 1) {
      EndContainer();
      EndItem();
    }
    EndContainer();
  }

  const SpanBatch& batch_;
  JsonWriter& json_;
  const bool proto_;
  std::vector<bool> maps_;   // open containers of the value being written
  bool entry_open_ = false;  // a map's entry has its key, not yet its value
};

}  // namespace

void WriteOtlpJson(const SpanBatch& batch, std::span<const std::uint32_t> rows, JsonWriter& out) {
  Encoder(batch, out).Run(rows);
}

void WriteProtoJsonResourceSpans(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                                 JsonWriter& out) {
  Encoder(batch, out, true).WriteList(rows);
}

void EncodeOtlpJson(const SpanBatch& batch, std::span<const std::uint32_t> rows, std::string& out) {
  JsonWriter json(out);
  WriteOtlpJson(batch, rows, json);
}

void EncodeOtlpJson(const SpanBatch& batch, std::string& out) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  EncodeOtlpJson(batch, rows, out);
}

}  // namespace tracestore::codec
