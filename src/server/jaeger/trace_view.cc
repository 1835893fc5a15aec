#include "server/jaeger/trace_view.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "codec/jaeger/jaeger_json.h"
#include "model/span_batch.h"

namespace tracestore::server {
namespace {

using model::SpanBatch;
using model::SpanRecord;

// Jaeger's own words.
constexpr const char* kDuplicateId = "duplicate span IDs; skipping clock skew adjustment";
std::string ParentMissing(SpanId parent) {
  return "parent span ID=" + parent.ToHex() +
         " is not in the trace; skipping clock skew adjustment";
}

// Rows by start, those without one last.
void SortByStart(const SpanBatch& batch, std::vector<std::uint32_t>& rows) {
  std::sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto key = [&](std::uint32_t row) {
      const SpanRecord& span = batch.spans[row];
      return std::tuple(!span.has_start(), span.start_ns, span.span_id, row);
    };
    return key(a) < key(b);
  });
}

std::uint64_t Mix(std::uint64_t seed, std::uint64_t value) noexcept {
  seed = (seed ^ value) * 0x9E3779B97F4A7C15ULL;
  return seed ^ (seed >> 29);
}

std::uint64_t Mix(const SpanBatch& batch, model::Range attributes, std::uint64_t seed) noexcept {
  for (const model::Attribute& attribute : AttributesOf(batch, attributes)) {
    seed = Mix(seed, batch.strings.HashOf(attribute.key) + attribute.type_byte);
    seed = Mix(seed, model::IsTextual(attribute.type())
                         ? batch.strings.HashOf(static_cast<model::StringId>(attribute.bits))
                         : attribute.bits);
  }
  return seed;
}

// Equal for equal spans. Of much of a span, so that many that differ little cost little.
std::uint64_t HashOf(const SpanBatch& batch, const SpanRecord& span) noexcept {
  std::uint64_t hash = Mix(span.span_id.value, span.start_ns);
  hash = Mix(hash, span.duration_ns);
  hash = Mix(hash, span.parent_id.value);
  hash = Mix(hash, batch.strings.HashOf(span.name));
  hash = Mix(batch, batch.resources[span.resource].attributes, hash);
  hash = Mix(batch, span.attributes, hash);
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const model::EventRecord& event = batch.events[span.events.begin + i];
    hash = Mix(Mix(hash, event.time_ns), batch.strings.HashOf(event.name));
    hash = Mix(batch, event.attributes, hash);
  }
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    const model::ReferenceRecord& reference = batch.references[span.references.begin + i];
    hash = Mix(Mix(hash, reference.trace_id.low), reference.span_id.value);
    hash = Mix(batch, reference.attributes, hash);
  }
  return hash;
}

// Keeps the first of equal spans.
void DropRepeats(const SpanBatch& batch, std::vector<std::uint32_t>& rows) {
  std::unordered_multimap<std::uint64_t, std::uint32_t> kept;
  const auto repeats = [&](std::uint32_t row) {
    const std::uint64_t hash = HashOf(batch, batch.spans[row]);
    const auto [first, last] = kept.equal_range(hash);
    for (auto other = first; other != last; ++other) {
      if (model::SpansEqual(batch, batch.spans[row], batch, batch.spans[other->second]))
        return true;
    }
    kept.emplace(hash, row);
    return false;
  };
  rows.erase(std::remove_if(rows.begin(), rows.end(), repeats), rows.end());
}

std::vector<std::vector<std::string>> WarningsOf(const SpanBatch& batch,
                                                 std::span<const std::uint32_t> rows) {
  std::unordered_set<SpanId> ids;
  std::vector<bool> repeats(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    repeats[i] = !ids.insert(batch.spans[rows[i]].span_id).second;
  std::vector<std::vector<std::string>> warnings(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SpanRecord& span = batch.spans[rows[i]];
    if (repeats[i]) warnings[i].emplace_back(kDuplicateId);
    if (!span.parent_id.empty() && !ids.contains(span.parent_id))
      warnings[i].push_back(ParentMissing(span.parent_id));
  }
  return warnings;
}

}  // namespace

void AppendTrace(const SpanList& spans, bool raw, std::string& out) {
  static const SpanBatch kNone;
  const SpanBatch& batch = spans.batch() ? *spans.batch() : kNone;
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0u);
  codec::JaegerJsonOptions options;
  std::vector<std::vector<std::string>> warnings;
  if (!raw) {
    SortByStart(batch, rows);
    DropRepeats(batch, rows);
    warnings = WarningsOf(batch, rows);
    options.sort_tags = true;
    options.warnings = warnings;
  }
  codec::EncodeJaegerTrace(batch, rows, options, out);
}

}  // namespace tracestore::server
