// ZipkinConverter: spans of the model as ZipkinSpan, for Zipkin's encoders.
#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>

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

  // What the link rule looks at of a span that didn't come as Zipkin's, beside what Convert takes
  // over as it is: as who reads the converted span's JSON has it.
  struct LinkFacts {
    std::string remote;  // service
    bool error = false;  // whether there is a tag `error`
  };
  LinkFacts FactsOf(std::uint32_t row);

 private:
  const model::SpanBatch& batch_;
  ZipkinSpan span_;
  std::deque<std::string> texts_;
};

// Attributes of which the first that is there names the remote endpoint's service, for spans that
// didn't come as Zipkin's.
std::span<const std::string_view> ZipkinPeerNameKeys() noexcept;

// Whether a converted span may have a tag of this key that is no attribute of the model's.
bool IsZipkinMadeTag(std::string_view key) noexcept;

}  // namespace tracestore::codec
