// Jaeger's UI/API JSON: what /api/traces answers and the UI saves (docs/format/jaeger-json.md).
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

#include "codec/json/json_writer.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore {
struct StopWhen;  // <tracestore/query.h>
}

namespace tracestore::codec {

// Appends the spans of one trace object, a list of them, or an answer `{"data":[…]}` to `out`,
// with origin kJaeger. Fields that only the UI adds are ignored.
//
// A span that breaks a rule is left out, counted and named in the report; the others are kept.
// Errors: kInvalidArgument where the text is not JSON (the message names the byte) or holds no
// traces; kCancelled once `stop`, asked at every 256th span, says so; `out` is then as it was, but
// for strings. Memory: about ten times the text while it runs. Threads: none shared.
Result<model::DecodeReport> DecodeJaegerJson(std::string_view text, model::SpanBatch& out,
                                             const StopWhen* stop = nullptr);

struct JaegerJsonOptions {
  // As Jaeger's query service answers unless raw=true: tags by key, the fields of a log by key
  // after `event`. Tags of one key keep their order.
  bool sort_tags = false;
  // Warnings of the reader (clock skew, duplicates), one list a row of `rows`, written after the
  // span's own. Empty: none.
  std::span<const std::vector<std::string>> warnings;
};

// Writes the trace object of `rows`, which all belong to one trace: {"traceID", "spans",
// "processes", "warnings"}. Spans of origin kJaeger are written as they came; spans of the other
// two are converted as Jaeger v1.76 does. Times below a microsecond are cut off.
void WriteJaegerTrace(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                      const JaegerJsonOptions& options, JsonWriter& out);

// The same as text, appended to `out`.
void EncodeJaegerTrace(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                       const JaegerJsonOptions& options, std::string& out);

// The same in pieces, for a trace that is too large to be held as text. All that it is given is
// borrowed, but for `options` itself. Threads: one at a time.
class JaegerTraceEncoder {
 public:
  JaegerTraceEncoder(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                     const JaegerJsonOptions& options);
  ~JaegerTraceEncoder();
  JaegerTraceEncoder(const JaegerTraceEncoder&) = delete;
  JaegerTraceEncoder& operator=(const JaegerTraceEncoder&) = delete;

  // Appends at least `bytes` to `out`, whole spans, or all that is left. False: that was the last.
  bool Next(std::size_t bytes, std::string& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::codec
