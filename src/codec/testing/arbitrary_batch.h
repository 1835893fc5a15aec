// ArbitraryBatch: seeded, reproducible spans with everything set, for property tests of codecs,
// log, segments and search. Not part of the library.
#pragma once
#include <tracestore/span_types.h>

#include <cstdint>
#include <string>

#include "model/span_batch.h"

namespace tracestore::codec {

// SplitMix64: the same numbers on every platform, which std's distributions don't promise.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t Next() noexcept;
  // 0 … bound - 1; 0 where bound is 0.
  std::uint64_t Below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : Next() % bound; }
  bool Percent(unsigned chance) noexcept { return Below(100) < chance; }

 private:
  std::uint64_t state_;
};

struct ArbitraryOptions {
  Origin origin = Origin::kOtlp;  // which format's decoder could have made these spans
  std::uint32_t spans = 50;
  std::uint32_t traces = 5;
  std::uint32_t resources = 3;       // distinct at most
  std::uint32_t scopes = 3;          // OTLP only; the others have one empty scope
  std::uint32_t max_attributes = 6;  // an owner
  std::uint32_t max_events = 3;      // a span
  std::uint32_t max_references = 3;  // a span, the parent not counted
  // Quotes, control characters, NUL, long and multi-byte texts, empty texts and keys.
  bool hostile_strings = true;
  // Also bytes that are no UTF-8. JSON can't carry those: for binary formats and storage.
  bool invalid_utf8 = false;
  // Absent, zero and huge times, ends before starts. Without: minutes around one day.
  bool weird_times = true;
  // Duplicated ids, parents that are absent, of another trace, the span itself, or in a cycle.
  bool weird_graph = true;
  // Protobuf fields of the future (OTLP only). JSON can't carry those.
  bool unknown_fields = false;
  // All fields of the model whatever the origin: every reference type at every parent position,
  // dropped counts, synthetic marks, origins mixed by resource. For log, segment and head, which
  // keep any batch; no single codec could encode such spans.
  bool beyond_origin = false;
};

// The same batch for the same seed and options. Without `beyond_origin` the batch is one that the
// decoder of `origin` gives for the encoder's output, so that a round trip compares SpansEqual:
//  OTLP    any attribute types, links only (position of the parent 0), flags, dropped counts.
//  Jaeger  tags of string, bool, int, double, bytes; ChildOf and FollowsFrom of any trace; whole
//          microseconds, always present; kind and status as their tags say; warnings; one empty
//          scope; at least a service name.
//  Zipkin  distinct string tags, lower-case names, whole microseconds or absent, annotations,
//          both endpoints, shared, debug; one empty scope; spans of one trace share nothing else.
model::SpanBatch ArbitraryBatch(std::uint64_t seed, const ArbitraryOptions& options = {});

// A text as the options allow it.
std::string ArbitraryText(Random& random, const ArbitraryOptions& options);

// Ends of the range, zeros, infinities, the one quiet NaN, and anything between.
double ArbitraryDouble(Random& random);
std::int64_t ArbitraryInt(Random& random);

// The value blob of an array or map (model/value_blob.h) of at most `depth` levels.
std::string ArbitraryValueBlob(Random& random, const ArbitraryOptions& options, ValueType container,
                               unsigned depth = 4);

// A line that names a span and what its fields are, for the message of a failed comparison.
std::string DescribeSpan(const model::SpanBatch& batch, const model::SpanRecord& span);

}  // namespace tracestore::codec
