// ZipkinConverter: spans of the model as ZipkinSpan, for Zipkin's encoders.
#pragma once
#include <cstdint>
#include <deque>
#include <string>

#include "codec/zipkin/zipkin_span.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// Spans of origin kZipkin as they came, those of the other two as OpenTelemetry's Zipkin exporters
// convert them (docs/format/zipkin-json.md). Threads: one.
class ZipkinConverter {
 public:
  // `batch` is borrowed and must not change meanwhile.
  explicit ZipkinConverter(const model::SpanBatch& batch) : batch_(batch) {}

  // In normal form: names in lower case, annotations and tags sorted and told once. Valid until the
  // next call.
  const ZipkinSpan& Convert(std::uint32_t row);

 private:
  const model::SpanBatch& batch_;
  ZipkinSpan span_;
  std::deque<std::string> texts_;
};

}  // namespace tracestore::codec
