#include "store/segment/residue.h"

#include "base/bytes.h"

namespace tracestore::store {
namespace {

using model::Attribute;
using model::SpanBatch;
using model::SpanRecord;

void WriteAttributes(const SpanBatch& batch, model::Range range, base::ByteWriter& w) {
  w.Varint(range.count);
  for (const Attribute& a : AttributesOf(batch, range)) {
    w.Bytes(batch.text(a.key));
    w.U8(a.type_byte);
    if (model::IsTextual(a.type())) w.Bytes(batch.text(static_cast<model::StringId>(a.bits)));
    else w.Varint(a.bits);
  }
}

bool ReadAttributes(base::ByteReader& r, SpanBatch& batch, model::Range& range) {
  range.begin = static_cast<std::uint32_t>(batch.attributes.size());
  range.count = static_cast<std::uint32_t>(r.Count(3));
  for (std::uint32_t i = 0; i < range.count; ++i) {
    Attribute a;
    a.key = batch.strings.Intern(r.Bytes());
    a.type_byte = r.U8();
    if (a.type() > ValueType::kMap) return false;
    a.bits = model::IsTextual(a.type()) ? batch.strings.Intern(r.Bytes()) : r.Varint();
    batch.attributes.push_back(a);
  }
  return r.ok();
}

void WriteReferences(const SpanBatch& batch, const SpanRecord& span, base::ByteWriter& w) {
  w.Varint(span.references.count);
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    const model::ReferenceRecord& ref = batch.references[span.references.begin + i];
    w.U8(static_cast<std::uint8_t>(ref.type));
    w.U64(ref.trace_id.high);
    w.U64(ref.trace_id.low);
    w.U64(ref.span_id.value);
    w.Varint(ref.flags);
    w.Varint(ref.dropped_attributes);
    w.Bytes(batch.text(ref.trace_state));
    w.Bytes(batch.text(ref.unknown_fields));
    WriteAttributes(batch, ref.attributes, w);
  }
}

bool ReadReferences(base::ByteReader& r, SpanBatch& batch, SpanRecord& span) {
  const auto count = static_cast<std::uint32_t>(r.Count(30));
  span.references = {static_cast<std::uint32_t>(batch.references.size()), count};
  for (std::uint32_t i = 0; i < count; ++i) {
    model::ReferenceRecord ref;
    const std::uint8_t type = r.U8();
    if (type > 2) return false;
    ref.type = static_cast<ReferenceType>(type);
    ref.trace_id.high = r.U64();
    ref.trace_id.low = r.U64();
    ref.span_id.value = r.U64();
    ref.flags = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
    ref.dropped_attributes = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
    ref.trace_state = batch.strings.Intern(r.Bytes());
    ref.unknown_fields = batch.strings.Intern(r.Bytes());
    if (!ReadAttributes(r, batch, ref.attributes)) return false;
    batch.references.push_back(ref);
  }
  return true;
}

void WriteEvents(const SpanBatch& batch, const SpanRecord& span, base::ByteWriter& w) {
  w.Varint(span.events.count);
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const model::EventRecord& event = batch.events[span.events.begin + i];
    w.U64(event.time_ns);
    w.Bytes(batch.text(event.name));
    w.Bytes(batch.text(event.unknown_fields));
    w.Varint(event.dropped_attributes);
    WriteAttributes(batch, event.attributes, w);
  }
}

bool ReadEvents(base::ByteReader& r, SpanBatch& batch, SpanRecord& span) {
  const auto count = static_cast<std::uint32_t>(r.Count(12));
  span.events = {static_cast<std::uint32_t>(batch.events.size()), count};
  for (std::uint32_t i = 0; i < count; ++i) {
    model::EventRecord event;
    event.time_ns = r.U64();
    event.name = batch.strings.Intern(r.Bytes());
    event.unknown_fields = batch.strings.Intern(r.Bytes());
    event.dropped_attributes = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
    if (!ReadAttributes(r, batch, event.attributes)) return false;
    batch.events.push_back(event);
  }
  return true;
}

void WriteGeneric(const SpanBatch& batch, const SpanRecord& span, base::ByteWriter& w) {
  w.Varint(span.scope);
  w.Varint(span.resource);
  w.Bytes(batch.text(span.name));
  w.U8(static_cast<std::uint8_t>(span.kind));
  w.Varint(span.flags);
  w.U8(static_cast<std::uint8_t>(span.status));
  w.Bytes(batch.text(span.status_message));
  WriteAttributes(batch, span.attributes, w);
}

bool ReadGeneric(base::ByteReader& r, SpanBatch& batch, SpanRecord& span) {
  span.scope = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
  span.resource = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
  span.name = batch.strings.Intern(r.Bytes());
  const std::uint8_t kind = r.U8();
  span.flags = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
  const std::uint8_t status = r.U8();
  if (kind > 5 || status > 2) return false;
  span.kind = static_cast<SpanKind>(kind);
  span.status = static_cast<StatusCode>(status);
  span.status_message = batch.strings.Intern(r.Bytes());
  return ReadAttributes(r, batch, span.attributes);
}

std::uint32_t BitsOf(const SpanRecord& span, bool generic, bool events) {
  std::uint32_t bits = 0;
  if (span.presence != (model::kHasStart | model::kHasDuration)) bits |= kResiduePresence;
  if (span.trace_state != 0) bits |= kResidueTraceState;
  if (span.unknown_fields != 0) bits |= kResidueUnknown;
  if ((span.dropped_attributes | span.dropped_events | span.dropped_links) != 0)
    bits |= kResidueDropped;
  if (span.parent_position != 0) bits |= kResidueParentPosition;
  if (span.references.count != 0) bits |= kResidueReferences;
  if (events) bits |= kResidueEvents;
  if (generic) bits |= kResidueGeneric;
  return bits;
}

}  // namespace

void EncodeResidue(const SpanBatch& batch, const SpanRecord& span, bool generic, bool events,
                   std::string& out) {
  base::ByteWriter w(out);
  const std::uint32_t bits = BitsOf(span, generic, events);
  w.Varint(bits);
  if (bits & kResiduePresence) w.U8(span.presence);
  if (bits & kResidueTraceState) w.Bytes(batch.text(span.trace_state));
  if (bits & kResidueUnknown) w.Bytes(batch.text(span.unknown_fields));
  if (bits & kResidueDropped) {
    w.Varint(span.dropped_attributes);
    w.Varint(span.dropped_events);
    w.Varint(span.dropped_links);
  }
  if (bits & kResidueParentPosition) w.Varint(span.parent_position);
  if (bits & kResidueReferences) WriteReferences(batch, span, w);
  if (bits & kResidueEvents) WriteEvents(batch, span, w);
  if (bits & kResidueGeneric) WriteGeneric(batch, span, w);
}

Status DecodeResidue(std::string_view residue, SpanBatch& batch, SpanRecord& span) {
  base::ByteReader r(residue);
  const std::uint64_t bits = r.BoundedVarint(255);
  bool good = true;
  if (bits & kResiduePresence) span.presence = static_cast<std::uint8_t>(r.U8() & 3);
  if (bits & kResidueTraceState) span.trace_state = batch.strings.Intern(r.Bytes());
  if (bits & kResidueUnknown) span.unknown_fields = batch.strings.Intern(r.Bytes());
  if (bits & kResidueDropped) {
    span.dropped_attributes = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
    span.dropped_events = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
    span.dropped_links = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
  }
  if (bits & kResidueParentPosition)
    span.parent_position = static_cast<std::uint32_t>(r.BoundedVarint(0xFFFFFFFF));
  if (bits & kResidueReferences) good = good && ReadReferences(r, batch, span);
  if (bits & kResidueEvents) good = good && ReadEvents(r, batch, span);
  if (bits & kResidueGeneric) good = good && ReadGeneric(r, batch, span);
  if (!good || !r.ok() || !r.done())
    return Error(ErrorCode::kCorruption, "the residue of a row is damaged");
  return {};
}

}  // namespace tracestore::store
