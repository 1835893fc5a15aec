#include "model/span_batch.h"

#include <bit>

namespace tracestore::model {

SpanBatch::Mark SpanBatch::mark() const noexcept {
  return {attributes.size(), resources.size(), scopes.size(),
          events.size(),     references.size(), spans.size()};
}

void SpanBatch::Rollback(const Mark& to) {
  attributes.resize(to.attributes);
  resources.resize(to.resources);
  scopes.resize(to.scopes);
  events.resize(to.events);
  references.resize(to.references);
  spans.resize(to.spans);
}

void SpanBatch::Reserve(const Mark& counts) {
  attributes.reserve(counts.attributes);
  resources.reserve(counts.resources);
  scopes.reserve(counts.scopes);
  events.reserve(counts.events);
  references.reserve(counts.references);
  spans.reserve(counts.spans);
}

namespace {
std::uint8_t TypeByte(ValueType type, bool synthetic) noexcept {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(type) |
                                   (synthetic ? kSyntheticBit : 0));
}
}  // namespace

void SpanBatch::AddString(StringId key, std::string_view value, bool synthetic) {
  attributes.push_back({strings.Intern(value), key, TypeByte(ValueType::kString, synthetic)});
}
void SpanBatch::AddInt(StringId key, std::int64_t value, bool synthetic) {
  attributes.push_back(
      {static_cast<std::uint64_t>(value), key, TypeByte(ValueType::kInt, synthetic)});
}
void SpanBatch::AddBool(StringId key, bool value, bool synthetic) {
  attributes.push_back({value ? 1U : 0U, key, TypeByte(ValueType::kBool, synthetic)});
}
void SpanBatch::AddDouble(StringId key, double value, bool synthetic) {
  attributes.push_back(
      {std::bit_cast<std::uint64_t>(value), key, TypeByte(ValueType::kDouble, synthetic)});
}
void SpanBatch::AddBlob(StringId key, ValueType type, std::string_view blob, bool synthetic) {
  attributes.push_back({strings.Intern(blob), key, TypeByte(type, synthetic)});
}

std::size_t SpanBatch::memory_bytes() const noexcept {
  return strings.memory_bytes() + attributes.capacity() * sizeof(Attribute) +
         resources.capacity() * sizeof(ResourceRecord) + scopes.capacity() * sizeof(ScopeRecord) +
         events.capacity() * sizeof(EventRecord) +
         references.capacity() * sizeof(ReferenceRecord) + spans.capacity() * sizeof(SpanRecord);
}

void SpanBatch::Clear() {
  strings.Clear();
  Rollback({0, 0, 0, 0, 0, 0});
}

const Attribute* FindString(const SpanBatch& batch, Range range, std::string_view key) noexcept {
  const Attribute* found = nullptr;
  for (const Attribute& attribute : AttributesOf(batch, range)) {
    if (attribute.type() != ValueType::kString || batch.text(attribute.key) != key) continue;
    if (attribute.synthetic()) return &attribute;
    if (found == nullptr) found = &attribute;
  }
  return found;
}

std::string_view ServiceOf(const SpanBatch& batch, const ResourceRecord& resource) noexcept {
  const Attribute* service = FindString(batch, resource.attributes, "service.name");
  return service == nullptr ? std::string_view{}
                            : batch.text(static_cast<StringId>(service->bits));
}

void BatchAppender::SetSource(const SpanBatch& from) {
  from_ = &from;
  strings_.assign(from.strings.size(), kUnmapped);
  resources_.assign(from.resources.size(), kUnmapped);
  scopes_.assign(from.scopes.size(), kUnmapped);
}

StringId BatchAppender::Map(StringId id) {
  StringId& mapped = strings_[id];
  if (mapped == kUnmapped)
    mapped = to_.strings.Intern(from_->strings.Get(id), from_->strings.HashOf(id));
  return mapped;
}

Range BatchAppender::CopyAttributes(Range range) {
  const Range copied{static_cast<std::uint32_t>(to_.attributes.size()), range.count};
  for (const Attribute& attribute : AttributesOf(*from_, range)) {
    Attribute copy = attribute;
    copy.key = Map(copy.key);
    if (IsTextual(copy.type())) copy.bits = Map(static_cast<StringId>(copy.bits));
    to_.attributes.push_back(copy);
  }
  return copied;
}

std::uint32_t BatchAppender::MapResource(std::uint32_t index) {
  std::uint32_t& mapped = resources_[index];
  if (mapped != kUnmapped) return mapped;
  const ResourceRecord& resource = from_->resources[index];
  const std::uint64_t hash = HashResource(*from_, resource);
  for (auto [at, end] = known_resources_.equal_range(hash); at != end; ++at) {
    if (ResourcesEqual(*from_, resource, to_, to_.resources[at->second]))
      return mapped = at->second;
  }
  ResourceRecord copy = resource;
  copy.attributes = CopyAttributes(resource.attributes);
  copy.schema_url = Map(resource.schema_url);
  copy.unknown_fields = Map(resource.unknown_fields);
  mapped = static_cast<std::uint32_t>(to_.resources.size());
  known_resources_.emplace(hash, mapped);
  to_.resources.push_back(copy);
  return mapped;
}

std::uint32_t BatchAppender::MapScope(std::uint32_t index) {
  std::uint32_t& mapped = scopes_[index];
  if (mapped != kUnmapped) return mapped;
  const ScopeRecord& scope = from_->scopes[index];
  const std::uint64_t hash = HashScope(*from_, scope);
  for (auto [at, end] = known_scopes_.equal_range(hash); at != end; ++at) {
    if (ScopesEqual(*from_, scope, to_, to_.scopes[at->second])) return mapped = at->second;
  }
  ScopeRecord copy = scope;
  copy.name = Map(scope.name);
  copy.version = Map(scope.version);
  copy.attributes = CopyAttributes(scope.attributes);
  copy.schema_url = Map(scope.schema_url);
  copy.unknown_fields = Map(scope.unknown_fields);
  mapped = static_cast<std::uint32_t>(to_.scopes.size());
  known_scopes_.emplace(hash, mapped);
  to_.scopes.push_back(copy);
  return mapped;
}

void BatchAppender::Append(std::uint32_t row) {
  const SpanRecord& span = from_->spans[row];
  SpanRecord copy = span;
  copy.name = Map(span.name);
  copy.status_message = Map(span.status_message);
  copy.trace_state = Map(span.trace_state);
  copy.unknown_fields = Map(span.unknown_fields);
  copy.resource = MapResource(span.resource);
  copy.scope = MapScope(span.scope);
  copy.attributes = CopyAttributes(span.attributes);
  copy.events.begin = static_cast<std::uint32_t>(to_.events.size());
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    EventRecord event = from_->events[span.events.begin + i];
    event.name = Map(event.name);
    event.unknown_fields = Map(event.unknown_fields);
    event.attributes = CopyAttributes(event.attributes);
    to_.events.push_back(event);
  }
  copy.references.begin = static_cast<std::uint32_t>(to_.references.size());
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    ReferenceRecord reference = from_->references[span.references.begin + i];
    reference.trace_state = Map(reference.trace_state);
    reference.unknown_fields = Map(reference.unknown_fields);
    reference.attributes = CopyAttributes(reference.attributes);
    to_.references.push_back(reference);
  }
  to_.spans.push_back(copy);
}

}  // namespace tracestore::model
