#include "codec/otlp/protobuf_encoder.h"

#include <bit>
#include <numeric>
#include <utility>
#include <vector>

#include "codec/otlp/otlp_fields.h"
#include "codec/otlp/span_conversion.h"
#include "codec/wire/wire_reader.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

namespace field = otlp_field;
using model::SpanBatch;
using model::ValueToken;

class Encoder {
 public:
  Encoder(const SpanBatch& batch, std::string& out) : batch_(batch), wire_(out) {}

  void Run(std::span<const std::uint32_t> rows) {
    for (std::size_t i = 0; i < rows.size();) {
      const std::uint32_t resource = batch_.spans[rows[i]].resource;
      const std::size_t begin = wire_.Begin(field::kRequestResourceSpans);
      WriteResource(batch_.resources[resource]);
      while (i < rows.size() && batch_.spans[rows[i]].resource == resource) {
        const std::uint32_t scope = batch_.spans[rows[i]].scope;
        const std::size_t scope_begin = wire_.Begin(field::kResourceSpansScopeSpans);
        WriteScope(batch_.scopes[scope]);
        for (; i < rows.size() && batch_.spans[rows[i]].resource == resource &&
               batch_.spans[rows[i]].scope == scope;
             ++i) {
          WriteSpan(batch_.spans[rows[i]]);
        }
        wire_.Bytes(field::kScopeSpansSchemaUrl, Text(batch_.scopes[scope].schema_url));
        wire_.End(scope_begin);
      }
      wire_.Bytes(field::kResourceSpansSchemaUrl, Text(batch_.resources[resource].schema_url));
      wire_.End(begin);
    }
  }

 private:
  std::string_view Text(model::StringId id) const noexcept { return batch_.text(id); }

  void WriteResource(const model::ResourceRecord& resource) {
    const std::size_t begin = wire_.Begin(field::kResourceSpansResource);
    WriteAttributes(field::kResourceAttributes, resource.attributes);
    wire_.Uint(field::kResourceDroppedAttributes, resource.dropped_attributes);
    wire_.Raw(Text(resource.unknown_fields));
    wire_.EndUnlessEmpty(field::kResourceSpansResource, begin);
  }

  void WriteScope(const model::ScopeRecord& scope) {
    const std::size_t begin = wire_.Begin(field::kScopeSpansScope);
    wire_.Bytes(field::kScopeName, Text(scope.name));
    wire_.Bytes(field::kScopeVersion, Text(scope.version));
    WriteAttributes(field::kScopeAttributes, scope.attributes);
    wire_.Uint(field::kScopeDroppedAttributes, scope.dropped_attributes);
    wire_.Raw(Text(scope.unknown_fields));
    wire_.EndUnlessEmpty(field::kScopeSpansScope, begin);
  }

  void WriteTraceId(std::uint32_t number, TraceId id) {
    if (id.empty()) return;
    char bytes[16];
    base::StoreLe(bytes, __builtin_bswap64(id.high));
    base::StoreLe(bytes + 8, __builtin_bswap64(id.low));
    wire_.BytesAlways(number, {bytes, sizeof bytes});
  }
  void WriteSpanId(std::uint32_t number, SpanId id) {
    if (id.empty()) return;
    char bytes[8];
    base::StoreLe(bytes, __builtin_bswap64(id.value));
    wire_.BytesAlways(number, {bytes, sizeof bytes});
  }

  void WriteSpan(const model::SpanRecord& span) {
    const OtlpSpanView view(batch_, span);
    const std::size_t begin = wire_.Begin(field::kScopeSpansSpans);
    WriteTraceId(field::kSpanTraceId, span.trace_id);
    WriteSpanId(field::kSpanSpanId, span.span_id);
    wire_.Bytes(field::kSpanTraceState, view.trace_state());
    WriteSpanId(field::kSpanParentSpanId, span.parent_id);
    wire_.Bytes(field::kSpanName, Text(span.name));
    wire_.Uint(field::kSpanKind, static_cast<std::uint64_t>(span.kind));
    wire_.Fixed64(field::kSpanStartTime, view.start_ns());
    wire_.Fixed64(field::kSpanEndTime, view.end_ns());
    for (const model::Attribute& attribute : AttributesOf(batch_, span.attributes)) {
      if (!view.Hides(attribute)) WriteAttribute(field::kSpanAttributes, attribute);
    }
    wire_.Uint(field::kSpanDroppedAttributes, span.dropped_attributes);
    for (std::uint32_t i = 0; i < span.events.count; ++i)
      WriteEvent(view, batch_.events[span.events.begin + i]);
    wire_.Uint(field::kSpanDroppedEvents, span.dropped_events);
    for (std::uint32_t i = 0; i < span.references.count; ++i)
      WriteLink(batch_.references[span.references.begin + i]);
    wire_.Uint(field::kSpanDroppedLinks, span.dropped_links);
    const std::size_t status = wire_.Begin(field::kSpanStatus);
    wire_.Bytes(field::kStatusMessage, Text(span.status_message));
    wire_.Uint(field::kStatusCode, static_cast<std::uint64_t>(span.status));
    wire_.EndUnlessEmpty(field::kSpanStatus, status);
    wire_.Fixed32(field::kSpanFlags, span.flags);
    wire_.Raw(Text(span.unknown_fields));
    wire_.End(begin);
  }

  void WriteEvent(const OtlpSpanView& view, const model::EventRecord& event) {
    const std::size_t begin = wire_.Begin(field::kSpanEvents);
    wire_.Fixed64(field::kEventTime, event.time_ns);
    wire_.Bytes(field::kEventName, Text(event.name));
    const model::Attribute* const hidden = view.HiddenIn(event);
    for (const model::Attribute& attribute : AttributesOf(batch_, event.attributes)) {
      if (&attribute != hidden) WriteAttribute(field::kEventAttributes, attribute);
    }
    wire_.Uint(field::kEventDroppedAttributes, event.dropped_attributes);
    wire_.Raw(Text(event.unknown_fields));
    wire_.End(begin);
  }

  void WriteLink(const model::ReferenceRecord& link) {
    const std::size_t begin = wire_.Begin(field::kSpanLinks);
    WriteTraceId(field::kLinkTraceId, link.trace_id);
    WriteSpanId(field::kLinkSpanId, link.span_id);
    wire_.Bytes(field::kLinkTraceState, Text(link.trace_state));
    WriteAttributes(field::kLinkAttributes, link.attributes);
    const std::string_view type = RefTypeName(link.type);
    if (!type.empty()) {
      const std::size_t attribute = wire_.Begin(field::kLinkAttributes);
      wire_.Bytes(field::kKeyValueKey, kRefTypeKey);
      const std::size_t value = wire_.Begin(field::kKeyValueValue);
      wire_.Bytes(field::kAnyString, type);
      wire_.End(value);
      wire_.End(attribute);
    }
    wire_.Uint(field::kLinkDroppedAttributes, link.dropped_attributes);
    wire_.Fixed32(field::kLinkFlags, link.flags);
    wire_.Raw(Text(link.unknown_fields));
    wire_.End(begin);
  }

  void WriteAttributes(std::uint32_t number, model::Range range) {
    for (const model::Attribute& attribute : AttributesOf(batch_, range))
      WriteAttribute(number, attribute);
  }

  void WriteAttribute(std::uint32_t number, const model::Attribute& attribute) {
    const std::size_t begin = wire_.Begin(number);
    wire_.Bytes(field::kKeyValueKey, Text(attribute.key));
    const ValueType type = attribute.type();
    if (type != ValueType::kEmpty) {
      const std::size_t value = wire_.Begin(field::kKeyValueValue);
      if (type == ValueType::kArray || type == ValueType::kMap) {
        WriteContainer(Text(static_cast<model::StringId>(attribute.bits)), type);
      } else {
        ValueToken token;
        token.type = type;
        if (model::IsTextual(type)) token.text = Text(static_cast<model::StringId>(attribute.bits));
        token.integer = static_cast<std::int64_t>(attribute.bits);
        token.number = std::bit_cast<double>(attribute.bits);
        WriteScalar(token);
      }
      wire_.End(value);
    }
    wire_.End(begin);
  }

  // A member of a oneof is written also where it is 0 or "": that it is there is its meaning.
  void WriteScalar(const ValueToken& token) {
    switch (token.type) {
      case ValueType::kString: wire_.BytesAlways(field::kAnyString, token.text); break;
      case ValueType::kBool: wire_.UintAlways(field::kAnyBool, token.integer != 0 ? 1 : 0); break;
      case ValueType::kInt:
        wire_.UintAlways(field::kAnyInt, static_cast<std::uint64_t>(token.integer));
        break;
      case ValueType::kDouble:
        wire_.Fixed64Always(field::kAnyDouble, std::bit_cast<std::uint64_t>(token.number));
        break;
      case ValueType::kBytes: wire_.BytesAlways(field::kAnyBytes, token.text); break;
      default: break;
    }
  }

  // Each open container is two messages deep (its list, and the item of the list it stands in) or,
  // in a map, three: what has been begun stands in open_, 0 where nothing has.
  void WriteContainer(std::string_view blob, ValueType type) {
    open_.clear();
    BeginContainer(type);
    model::ValueBlobReader reader(blob, type);
    std::size_t entry = 0;  // the KeyValue whose value comes next, 0: none
    while (true) {
      const ValueToken token = reader.Next();
      switch (token.kind) {
        case ValueToken::Kind::kKey:
          entry = wire_.Begin(field::kListValues);
          wire_.Bytes(field::kKeyValueKey, token.text);
          break;
        case ValueToken::Kind::kScalar: {
          const std::size_t value = BeginItem();
          WriteScalar(token);
          wire_.End(value);
          if (open_.back().map) wire_.End(entry);
          entry = 0;
          break;
        }
        case ValueToken::Kind::kBeginArray:
        case ValueToken::Kind::kBeginMap: {
          const std::size_t value = BeginItem();
          const std::size_t outer_entry = std::exchange(entry, 0);
          BeginContainer(token.kind == ValueToken::Kind::kBeginMap ? ValueType::kMap
                                                                   : ValueType::kArray);
          open_.back().value = value;
          open_.back().entry = outer_entry;
          break;
        }
        case ValueToken::Kind::kEnd: EndContainer(); break;
        default:  // the end, or a blob that is damaged: what could be read is kept
          if (entry != 0) wire_.End(entry);
          while (!open_.empty()) EndContainer();
          return;
      }
    }
  }

  struct Open {
    std::size_t list = 0;   // the ArrayValue or KeyValueList
    std::size_t value = 0;  // the AnyValue around it, 0: the attribute's own
    std::size_t entry = 0;  // the KeyValue around that, 0: none
    bool map = false;
  };

  std::size_t BeginItem() {
    return wire_.Begin(open_.back().map ? field::kKeyValueValue : field::kListValues);
  }
  void BeginContainer(ValueType type) {
    Open& open = open_.emplace_back();
    open.map = type == ValueType::kMap;
    open.list = wire_.Begin(open.map ? field::kAnyKvList : field::kAnyArray);
  }
  void EndContainer() {
    const Open open = open_.back();
    open_.pop_back();
    wire_.End(open.list);
    if (open.value != 0) wire_.End(open.value);
    if (open.entry != 0) wire_.End(open.entry);
  }

  const SpanBatch& batch_;
  WireWriter wire_;
  std::vector<Open> open_;
};

}  // namespace

void EncodeOtlpProtobuf(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                        std::string& out) {
  Encoder(batch, out).Run(rows);
}

void EncodeOtlpProtobuf(const SpanBatch& batch, std::string& out) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  EncodeOtlpProtobuf(batch, rows, out);
}

}  // namespace tracestore::codec
