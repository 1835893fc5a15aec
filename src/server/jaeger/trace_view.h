// A stored trace as Jaeger's query service shows it.
#pragma once
#include <tracestore/spans.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "codec/jaeger/jaeger_json.h"
#include "model/span_batch.h"

namespace tracestore::server {

// What is shown of a trace.
struct ShownTrace {
  std::shared_ptr<const model::SpanBatch> batch;
  std::vector<std::uint32_t> rows;                 // in the order of the answer
  std::vector<std::vector<std::string>> warnings;  // by place in `rows`; empty: none at all
};

// `spans` all belong to one trace.
//
// Raw: each span as often as it was stored, in stored order, tags as they came. Otherwise as the
// reader's adjusters leave it (adjust.h): spans equal in every field once, spans by start, tags by
// key, and the warnings on clocks. A span whose clock is another's than its parent's is moved by at
// most `max_skew_ns`; 0, Jaeger's default: none is.
ShownTrace ShowTrace(const SpanList& spans, bool raw, std::uint64_t max_skew_ns);

// Each span as often and in every field as it was stored.
ShownTrace AsStored(const SpanList& spans);

// Appends the trace object of what is shown, in Jaeger's JSON.
void AppendTrace(const SpanList& spans, bool raw, std::uint64_t max_skew_ns, std::string& out);

// The same in pieces: who reads a large trace reads its beginning while the rest is made.
class TraceText {
 public:
  TraceText(const SpanList& spans, bool raw, std::uint64_t max_skew_ns);
  // Appends a piece; false: the last one.
  bool Next(std::string& out);

 private:
  const ShownTrace shown_;
  codec::JaegerTraceEncoder encoder_;  // of shown_
};

}  // namespace tracestore::server
