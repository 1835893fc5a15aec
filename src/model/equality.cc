// Equality of spans across batches: field by field, texts compared as texts.
#include "model/span_batch.h"

namespace tracestore::model {
namespace {

bool SameText(const SpanBatch& a, StringId x, const SpanBatch& b, StringId y) noexcept {
  return (x == 0 && y == 0) || (&a == &b && x == y) || a.text(x) == b.text(y);
}

bool SameAttributes(const SpanBatch& a, Range x, const SpanBatch& b, Range y) noexcept {
  if (x.count != y.count) return false;
  for (std::uint32_t i = 0; i < x.count; ++i) {
    const Attribute& p = a.attributes[x.begin + i];
    const Attribute& q = b.attributes[y.begin + i];
    if (p.type_byte != q.type_byte || !SameText(a, p.key, b, q.key)) return false;
    const bool same = IsTextual(p.type())
                          ? SameText(a, static_cast<StringId>(p.bits), b,
                                     static_cast<StringId>(q.bits))
                          : p.bits == q.bits;
    if (!same) return false;
  }
  return true;
}

bool SameEvent(const SpanBatch& a, const EventRecord& x, const SpanBatch& b,
               const EventRecord& y) noexcept {
  return x.time_ns == y.time_ns && x.dropped_attributes == y.dropped_attributes &&
         SameText(a, x.name, b, y.name) && SameText(a, x.unknown_fields, b, y.unknown_fields) &&
         SameAttributes(a, x.attributes, b, y.attributes);
}

bool SameReference(const SpanBatch& a, const ReferenceRecord& x, const SpanBatch& b,
                   const ReferenceRecord& y) noexcept {
  return x.trace_id == y.trace_id && x.span_id == y.span_id && x.type == y.type &&
         x.flags == y.flags && x.dropped_attributes == y.dropped_attributes &&
         SameText(a, x.trace_state, b, y.trace_state) &&
         SameText(a, x.unknown_fields, b, y.unknown_fields) &&
         SameAttributes(a, x.attributes, b, y.attributes);
}

bool SameScalars(const SpanRecord& x, const SpanRecord& y) noexcept {
  return x.trace_id == y.trace_id && x.span_id == y.span_id && x.parent_id == y.parent_id &&
         x.start_ns == y.start_ns && x.duration_ns == y.duration_ns && x.flags == y.flags &&
         x.dropped_attributes == y.dropped_attributes && x.dropped_events == y.dropped_events &&
         x.dropped_links == y.dropped_links && x.parent_position == y.parent_position &&
         x.kind == y.kind && x.status == y.status && x.presence == y.presence &&
         x.events.count == y.events.count && x.references.count == y.references.count;
}

}  // namespace

namespace {

std::uint64_t Mix(std::uint64_t seed, std::uint64_t value) noexcept {
  seed = (seed ^ value) * 0x9E3779B97F4A7C15ULL;
  return seed ^ (seed >> 29);
}

std::uint64_t HashAttributes(const SpanBatch& batch, Range range, std::uint64_t seed) noexcept {
  for (const Attribute& attribute : AttributesOf(batch, range)) {
    seed = Mix(seed, batch.strings.HashOf(attribute.key));
    seed = Mix(seed, attribute.type_byte);
    seed = Mix(seed, IsTextual(attribute.type())
                         ? batch.strings.HashOf(static_cast<StringId>(attribute.bits))
                         : attribute.bits);
  }
  return seed;
}

}  // namespace

std::uint64_t HashResource(const SpanBatch& batch, const ResourceRecord& resource) noexcept {
  std::uint64_t seed =
      Mix(resource.dropped_attributes, static_cast<std::uint64_t>(resource.origin));
  seed = Mix(seed, batch.strings.HashOf(resource.schema_url));
  seed = Mix(seed, batch.strings.HashOf(resource.unknown_fields));
  return HashAttributes(batch, resource.attributes, seed);
}

std::uint64_t HashScope(const SpanBatch& batch, const ScopeRecord& scope) noexcept {
  std::uint64_t seed = Mix(scope.dropped_attributes, batch.strings.HashOf(scope.name));
  seed = Mix(seed, batch.strings.HashOf(scope.version));
  seed = Mix(seed, batch.strings.HashOf(scope.schema_url));
  seed = Mix(seed, batch.strings.HashOf(scope.unknown_fields));
  return HashAttributes(batch, scope.attributes, seed);
}

bool ResourcesEqual(const SpanBatch& a, const ResourceRecord& x, const SpanBatch& b,
                    const ResourceRecord& y) noexcept {
  return x.origin == y.origin && x.dropped_attributes == y.dropped_attributes &&
         SameText(a, x.schema_url, b, y.schema_url) &&
         SameText(a, x.unknown_fields, b, y.unknown_fields) &&
         SameAttributes(a, x.attributes, b, y.attributes);
}

bool ScopesEqual(const SpanBatch& a, const ScopeRecord& x, const SpanBatch& b,
                 const ScopeRecord& y) noexcept {
  return x.dropped_attributes == y.dropped_attributes && SameText(a, x.name, b, y.name) &&
         SameText(a, x.version, b, y.version) && SameText(a, x.schema_url, b, y.schema_url) &&
         SameText(a, x.unknown_fields, b, y.unknown_fields) &&
         SameAttributes(a, x.attributes, b, y.attributes);
}

bool SpansEqual(const SpanBatch& a, const SpanRecord& x, const SpanBatch& b,
                const SpanRecord& y) noexcept {
  if (!SameScalars(x, y) || !SameText(a, x.name, b, y.name) ||
      !SameText(a, x.status_message, b, y.status_message) ||
      !SameText(a, x.trace_state, b, y.trace_state) ||
      !SameText(a, x.unknown_fields, b, y.unknown_fields) ||
      !SameAttributes(a, x.attributes, b, y.attributes)) {
    return false;
  }
  for (std::uint32_t i = 0; i < x.events.count; ++i) {
    if (!SameEvent(a, a.events[x.events.begin + i], b, b.events[y.events.begin + i])) return false;
  }
  for (std::uint32_t i = 0; i < x.references.count; ++i) {
    if (!SameReference(a, a.references[x.references.begin + i], b,
                       b.references[y.references.begin + i])) {
      return false;
    }
  }
  return ResourcesEqual(a, a.resources[x.resource], b, b.resources[y.resource]) &&
         ScopesEqual(a, a.scopes[x.scope], b, b.scopes[y.scope]);
}

}  // namespace tracestore::model
