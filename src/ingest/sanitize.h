// Sanitize: the first stage. What no store can keep is refused, what is too much is cut, with a
// mark on the span and a count; nothing goes silently (docs/ingest.md).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "ingest/span_sink.h"
#include "ingest/stage_event.h"

namespace tracestore::ingest {

struct SanitizeOptions {
  // Of one owner: a span, an event, a link, a resource, a scope. What is beyond is left out and
  // added to the owner's count of dropped ones; keys that surfaces need go last (docs/ingest.md).
  std::uint32_t max_attributes = 8192;
  std::uint32_t max_events = 8192;  // of a span, likewise
  std::uint32_t max_links = 8192;   // of a span: all its references but the parent, likewise
  // Of one value; longer texts and bytes are cut, of arrays and maps the last items go.
  std::size_t max_value_bytes = 256 * 1024;
  // Of a service, a span's name, a key and a scope's name and version, where it is less than
  // max_value_bytes: lists of them go to clients in one message, which gRPC's take up to 4 MiB of.
  std::size_t max_name_bytes = 4096;
  // Of a span with its events and links, without its resource: the last events go, then the last
  // links, then the last attributes, needed keys last. Bytes of keys and values, and 16 an
  // attribute, event and link.
  std::size_t max_span_bytes = std::size_t{4} << 20;
};

// What was done to a span: bits of a set.
enum Cut : unsigned {
  kCutAttributes = 1,  // too many: the last are gone
  kCutEvents = 2,
  kCutLinks = 4,
  kCutValues = 8,  // a value, name or key was too long
  kCutSize = 16,   // the span was too large as a whole
  kCutUtf8 = 32,   // a text was no UTF-8: a value became bytes, other texts got U+FFFD
};
inline constexpr std::size_t kCuts = 6;
// "attributes", "events", "links", "values", "size", "utf8", by the bit's number.
const char* CutName(std::size_t bit) noexcept;

// The attribute that marks a span, resource or scope that was cut: the names above, in their order
// with a space between.
inline constexpr const char* kCutKey = "tracestore.cut";

struct SanitizeResult {
  std::uint64_t zero_trace_ids = 0;  // spans left out
  std::uint64_t zero_span_ids = 0;
  std::uint64_t refused_roots = 0;         // of both, those without a parent
  std::array<std::uint64_t, kCuts> cut{};  // spans, by the bit's number
};

// Pure. Rows keep their order; a batch without fault stays as it is. `mended`: the decoder had to
// mend texts (DecodeReport::mended_texts), so that those with U+FFFD count as kCutUtf8.
SanitizeResult Sanitize(const SanitizeOptions& options, model::SpanBatch& batch,
                        bool mended = false);

// As a stage before `next`, which is borrowed. Refused spans go to the context's report; where the
// protocol refuses a message for them it answers kInvalidArgument.
std::unique_ptr<SpanSink> MakeSanitizeSink(const SanitizeOptions& options, SpanSink& next,
                                           StageObserver observer);

}  // namespace tracestore::ingest
