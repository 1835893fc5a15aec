#include "assembly/duplicates.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "base/bytes.h"
#include "base/hash.h"

namespace tracestore::assembly {
namespace {

using model::SpanBatch;

// Spans of one hash are compared with this many others at most: more than one needs a collision of
// 64 bits, so only somebody who makes them notices that it ends.
constexpr std::size_t kMostCollisions = 8;

// Hashes of the content of spans, equal for equal spans of any two batches.
class SpanHasher {
 public:
  explicit SpanHasher(const SpanBatch& batch)
      : batch_(batch), resources_(batch.resources.size()), scopes_(batch.scopes.size()) {
    for (std::size_t i = 0; i < resources_.size(); ++i)
      resources_[i] = model::HashResource(batch, batch.resources[i]);
    for (std::size_t i = 0; i < scopes_.size(); ++i)
      scopes_[i] = model::HashScope(batch, batch.scopes[i]);
  }

  std::uint64_t Hash(const model::SpanRecord& span) {
    bytes_.clear();
    base::ByteWriter out(bytes_);
    out.U64(resources_[span.resource]);
    out.U64(scopes_[span.scope]);
    out.U64(span.parent_id.value);
    out.U64(span.duration_ns);
    for (const model::StringId text :
         {span.name, span.status_message, span.trace_state, span.unknown_fields}) {
      out.U64(batch_.strings.HashOf(text));
    }
    for (const std::uint32_t number : {span.flags, span.dropped_attributes, span.dropped_events,
                                       span.dropped_links, span.parent_position}) {
      out.U32(number);
    }
    out.U8(static_cast<std::uint8_t>(span.kind));
    out.U8(static_cast<std::uint8_t>(span.status));
    out.U8(span.presence);
    AddAttributes(span.attributes, out);
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      const model::EventRecord& event = batch_.events[span.events.begin + i];
      out.U64(event.time_ns);
      out.U64(batch_.strings.HashOf(event.name));
      AddAttributes(event.attributes, out);
    }
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      const model::ReferenceRecord& reference = batch_.references[span.references.begin + i];
      out.U64(reference.trace_id.low);
      out.U64(reference.span_id.value);
      AddAttributes(reference.attributes, out);
    }
    return base::Hash64(bytes_);
  }

 private:
  void AddAttributes(model::Range range, base::ByteWriter& out) {
    out.U32(range.count);
    for (const model::Attribute& attribute : model::AttributesOf(batch_, range)) {
      out.U64(model::IsTextual(attribute.type())
                  ? batch_.strings.HashOf(static_cast<model::StringId>(attribute.bits))
                  : attribute.bits);
      out.U64(batch_.strings.HashOf(attribute.key));
      out.U8(attribute.type_byte);
    }
  }

  const SpanBatch& batch_;
  std::vector<std::uint64_t> resources_;
  std::vector<std::uint64_t> scopes_;
  std::string bytes_;
};

struct Key {
  bool no_start;
  std::uint64_t start_ns;
  SpanId span_id;
  std::uint64_t hash;
  std::uint32_t row;

  auto Order() const { return std::tie(no_start, start_ns, span_id, hash, row); }
  bool SameContent(const Key& other) const {
    return no_start == other.no_start && start_ns == other.start_ns && span_id == other.span_id &&
           hash == other.hash;
  }
};

std::vector<Key> SortedKeys(const SpanBatch& batch) {
  SpanHasher hasher(batch);
  std::vector<Key> keys;
  keys.reserve(batch.size());
  for (std::uint32_t row = 0; row < batch.size(); ++row) {
    const model::SpanRecord& span = batch.spans[row];
    keys.push_back({!span.has_start(), span.start_ns, span.span_id, hasher.Hash(span), row});
  }
  std::sort(keys.begin(), keys.end(),
            [](const Key& a, const Key& b) { return a.Order() < b.Order(); });
  return keys;
}

}  // namespace

DistinctSpans FindDistinct(const SpanBatch& batch) {
  DistinctSpans distinct;
  const std::vector<Key> keys = SortedKeys(batch);
  for (std::size_t i = 0; i < keys.size();) {
    const std::size_t first = distinct.rows.size();
    const std::size_t begin = i;
    for (; i < keys.size() && keys[i].SameContent(keys[begin]); ++i) {
      const model::SpanRecord& span = batch.spans[keys[i].row];
      const std::size_t last = std::min(distinct.rows.size(), first + kMostCollisions);
      std::size_t same = first;
      while (same < last &&
             !model::SpansEqual(batch, span, batch, batch.spans[distinct.rows[same]])) {
        ++same;
      }
      if (same < last) {
        ++distinct.copies[same];
      } else {
        distinct.rows.push_back(keys[i].row);
        distinct.copies.push_back(1);
      }
    }
  }
  return distinct;
}

DistinctSpans AllRows(const SpanBatch& batch) {
  DistinctSpans all;
  for (const Key& key : SortedKeys(batch)) all.rows.push_back(key.row);
  all.copies.assign(all.rows.size(), 1);
  return all;
}

}  // namespace tracestore::assembly
