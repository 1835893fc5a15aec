// Random spans and queries of a small vocabulary, so that queries often match: for tests that hold
// one search against another.
#pragma once
#include <cstdint>
#include <string>

#include <tracestore/query.h>

#include "model/span_batch.h"

namespace tracestore::predicate::testing {

struct SmallWorldOptions {
  std::uint32_t spans = 200;      // about
  std::uint32_t most_traces = 0;  // distinct trace ids; 0: a fifth of spans
  std::uint64_t base_ns = 1'700'000'000'000'000'000;  // earliest usual start
  std::uint64_t span_of_time_ns = 3'600'000'000'000;  // usual starts lie within
  bool absurd_times = true;                           // a few starts at 1, year 2500, …
  // Trace ids are made from this and a number, so that batches of one id_seed share traces.
  std::uint64_t id_seed = 0;
};

// Few services, operations, keys and values; sizes of traces heavy-tailed; orphans, spans without
// start or duration, ends before starts, firehose spans, several parents, events, links, all value
// types, duplicate keys, exact duplicates, one id on different spans. Spans stand in random order.
model::SpanBatch SmallWorldBatch(std::uint64_t seed, const SmallWorldOptions& options = {});

// A right query whose conditions are mostly taken from spans of `sample`: all fields, levels and
// operators, And, Or, Not, SomeSpan, time ranges, both orders, a limit. `sample` may be empty.
Query RandomQuery(std::uint64_t seed, const model::SpanBatch& sample);

// The expression in the manner of the filter language, for messages of failing tests.
std::string Describe(const Query& query);

}  // namespace tracestore::predicate::testing
