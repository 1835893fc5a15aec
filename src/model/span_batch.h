// SpanBatch: spans as decoders fill them, the pipeline edits them, the log keeps them, the head
// searches them and readers hand them out. The one in-memory form of spans in this project.
//
// There is no heap object per span: records stand in vectors, attributes of all owners in one
// vector, texts in one StringTable. A record points at its lists by (begin, count).
#pragma once
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/span_types.h>

#include "model/string_table.h"

namespace tracestore::model {

// Set in Attribute::type on what a codec made from a field that is no attribute in its format, so
// that the same codec can tell it from a real attribute of the same key when it encodes
// (docs/format/semantics.md lists them: Zipkin's endpoints, shared, debug; Jaeger's process
// service name and warnings). Search sees it like any attribute.
inline constexpr std::uint8_t kSyntheticBit = 0x80;

// Key and typed value. `bits` is: kString, kBytes, kArray, kMap: a StringId (for kArray and kMap
// of a value blob, model/value_blob.h); kBool 0 or 1; kInt the two's complement; kDouble the
// IEEE 754 bits; kEmpty 0.
struct Attribute {
  std::uint64_t bits = 0;
  StringId key = 0;
  std::uint8_t type_byte = 0;  // ValueType, perhaps with kSyntheticBit

  ValueType type() const noexcept { return static_cast<ValueType>(type_byte & 0x7F); }
  bool synthetic() const noexcept { return (type_byte & kSyntheticBit) != 0; }
};

// True for the types whose bits are a StringId.
constexpr bool IsTextual(ValueType type) noexcept {
  return type == ValueType::kString || type >= ValueType::kBytes;
}

struct Range {
  std::uint32_t begin = 0;
  std::uint32_t count = 0;
};

struct ResourceRecord {
  Range attributes;
  std::uint32_t dropped_attributes = 0;
  StringId schema_url = 0;
  StringId unknown_fields = 0;  // protobuf bytes this build doesn't know, kept as they came
  Origin origin = Origin::kOtlp;
};

struct ScopeRecord {
  StringId name = 0;
  StringId version = 0;
  Range attributes;
  std::uint32_t dropped_attributes = 0;
  StringId schema_url = 0;
  StringId unknown_fields = 0;
};

struct EventRecord {
  std::uint64_t time_ns = 0;  // Unix nanoseconds
  StringId name = 0;
  StringId unknown_fields = 0;
  Range attributes;
  std::uint32_t dropped_attributes = 0;
};

// Every reference of a span but the one in SpanRecord::parent_id.
struct ReferenceRecord {
  TraceId trace_id;
  SpanId span_id;
  StringId trace_state = 0;
  StringId unknown_fields = 0;
  Range attributes;
  std::uint32_t dropped_attributes = 0;
  std::uint32_t flags = 0;
  ReferenceType type = ReferenceType::kLink;
};

inline constexpr std::uint8_t kHasStart = 1;
inline constexpr std::uint8_t kHasDuration = 2;

// SpanRecord::flags: the low byte is W3C trace flags / Jaeger's flags.
inline constexpr std::uint32_t kFlagSampled = 0x01;
inline constexpr std::uint32_t kFlagDebug = 0x02;     // Jaeger
inline constexpr std::uint32_t kFlagFirehose = 0x08;  // Jaeger: stored, in no index

struct SpanRecord {
  TraceId trace_id;
  SpanId span_id;
  SpanId parent_id;               // the first ChildOf reference of the same trace; empty if none
  std::uint64_t start_ns = 0;     // Unix nanoseconds; 0 where absent
  std::uint64_t duration_ns = 0;  // end - start modulo 2^64; 0 where absent
  StringId name = 0;
  StringId status_message = 0;
  StringId trace_state = 0;
  StringId unknown_fields = 0;
  std::uint32_t flags = 0;
  std::uint32_t resource = 0;  // index into SpanBatch::resources
  std::uint32_t scope = 0;     // index into SpanBatch::scopes
  Range attributes;
  Range events;
  Range references;
  std::uint32_t dropped_attributes = 0;
  std::uint32_t dropped_events = 0;
  std::uint32_t dropped_links = 0;
  std::uint32_t parent_position = 0;  // where the parent stands in the whole list of references
  SpanKind kind = SpanKind::kUnspecified;
  StatusCode status = StatusCode::kUnset;
  std::uint8_t presence = 0;  // kHasStart, kHasDuration

  bool has_start() const noexcept { return (presence & kHasStart) != 0; }
  bool has_duration() const noexcept { return (presence & kHasDuration) != 0; }
  std::uint64_t end_ns() const noexcept { return start_ns + duration_ns; }  // modulo 2^64
  bool firehose() const noexcept { return (flags & kFlagFirehose) != 0; }
};

// Threads: one builds; once building has ended any number read.
struct SpanBatch {
  StringTable strings;
  std::vector<Attribute> attributes;
  std::vector<ResourceRecord> resources;
  std::vector<ScopeRecord> scopes;
  std::vector<EventRecord> events;
  std::vector<ReferenceRecord> references;
  std::vector<SpanRecord> spans;

  std::size_t size() const noexcept { return spans.size(); }
  bool empty() const noexcept { return spans.empty(); }
  std::string_view text(StringId id) const noexcept { return strings.Get(id); }

  // Where lists end now; Rollback drops everything added since (a bad span's parts). Strings stay.
  struct Mark {
    std::size_t attributes, resources, scopes, events, references, spans;
  };
  Mark mark() const noexcept;
  void Rollback(const Mark& mark);

  // Makes room for that many of each, so that filling copies nothing twice.
  void Reserve(const Mark& counts);

  // Appends to `attributes`. The caller keeps one owner's attributes together.
  void AddString(StringId key, std::string_view value, bool synthetic = false);
  void AddInt(StringId key, std::int64_t value, bool synthetic = false);
  void AddBool(StringId key, bool value, bool synthetic = false);
  void AddDouble(StringId key, double value, bool synthetic = false);
  // `blob`: bytes, or the value blob of an array or map.
  void AddBlob(StringId key, ValueType type, std::string_view blob, bool synthetic = false);

  // Memory held, in bytes.
  std::size_t memory_bytes() const noexcept;
  void Clear();
};

// The attributes of an owner, as a view valid while the batch isn't changed.
struct AttributeSpan {
  const Attribute* first = nullptr;
  std::uint32_t count = 0;
  const Attribute* begin() const noexcept { return first; }
  const Attribute* end() const noexcept { return first + count; }
  std::size_t size() const noexcept { return count; }
};
inline AttributeSpan AttributesOf(const SpanBatch& batch, Range range) noexcept {
  return {batch.attributes.data() + range.begin, range.count};
}

// The first attribute of that key with a string value, else nullptr. Synthetic ones win.
const Attribute* FindString(const SpanBatch& batch, Range range, std::string_view key) noexcept;

// The resource's `service.name`, or "" where there is none.
std::string_view ServiceOf(const SpanBatch& batch, const ResourceRecord& resource) noexcept;
inline std::string_view ServiceOf(const SpanBatch& batch, const SpanRecord& span) noexcept {
  return ServiceOf(batch, batch.resources[span.resource]);
}

// Copies spans from one batch to the end of another: every string, resource and scope is mapped
// once, equal resources and scopes that this appender has brought share a record.
class BatchAppender {
 public:
  // `to` must outlive the appender and get nothing but this appender's spans meanwhile.
  explicit BatchAppender(SpanBatch& to) : to_(to) {}

  // The batch that following Append() calls read from. It must not change meanwhile.
  void SetSource(const SpanBatch& from);
  void Append(std::uint32_t row);

 private:
  StringId Map(StringId id);
  Range CopyAttributes(Range range);
  std::uint32_t MapResource(std::uint32_t index);
  std::uint32_t MapScope(std::uint32_t index);

  static constexpr std::uint32_t kUnmapped = 0xFFFFFFFF;
  SpanBatch& to_;
  const SpanBatch* from_ = nullptr;
  std::vector<StringId> strings_;
  std::vector<std::uint32_t> resources_;
  std::vector<std::uint32_t> scopes_;
  // Content hash to index in to_, of what this appender has brought.
  std::unordered_multimap<std::uint64_t, std::uint32_t> known_resources_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> known_scopes_;
};

// Hashes of content, equal for equal records of any two batches.
std::uint64_t HashResource(const SpanBatch& batch, const ResourceRecord& resource) noexcept;
std::uint64_t HashScope(const SpanBatch& batch, const ScopeRecord& scope) noexcept;

// Whether two resources (scopes) of the same or different batches are equal in every field.
bool ResourcesEqual(const SpanBatch& a, const ResourceRecord& x, const SpanBatch& b,
                    const ResourceRecord& y) noexcept;
bool ScopesEqual(const SpanBatch& a, const ScopeRecord& x, const SpanBatch& b,
                 const ScopeRecord& y) noexcept;
// Whether two spans are equal in every field, their resource and scope included.
bool SpansEqual(const SpanBatch& a, const SpanRecord& x, const SpanBatch& b,
                const SpanRecord& y) noexcept;

}  // namespace tracestore::model
