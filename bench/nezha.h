// Reads the Nezha sets (real spans without attributes; CSV) and makes the attribute-rich set.
#pragma once
#include <functional>
#include <string>

#include <tracestore/status.h>

#include "model/span_batch.h"

namespace tracestore::bench {

// Spans of all *.csv of a directory that `gunzip`ped text is given for, in the files' order, to
// `take` in batches of about `batch_spans`. Columns: TraceID, SpanID, ParentID, PodName,
// OperationName, StartTimeUnixNano, EndTimeUnixNano, Duration.
Status ReadNezha(const std::string& directory, std::size_t batch_spans,
                 const std::function<void(model::SpanBatch&&)>& take);

struct RichOptions {
  std::uint64_t seed = 1;
  std::size_t spans = 1'000'000;
  std::size_t batch_spans = 1'000;
  // The later half of every second trace comes so many spans after the first: 0 for with it. More
  // than a head holds, and half of all traces lie in several segments.
  std::size_t late_by_spans = 0;
  // Each span has so many texts more, which occur once, of 64 hexadecimal digits.
  std::size_t more_texts = 0;
};
// The attribute-rich set: 60 services of Zipf popularity, heavy-tailed traces to 2,000 spans, urls
// and SQL with ids, resources per pod, events on a tenth, random ids; about 400 bytes a span as
// OTLP.
void MakeRich(const RichOptions& options, const std::function<void(model::SpanBatch&&)>& take);

}  // namespace tracestore::bench
