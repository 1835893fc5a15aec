// Zipkin v1 Thrift (docs/format/zipkin-v1.md).
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "codec/thrift/thrift_reader.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore {
struct StopWhen;  // <tracestore/query.h>
}

namespace tracestore::codec {

struct ZipkinThriftOptions {
  // As Zipkin's server: one bad span refuses the whole message with Zipkin's own sentence
  // ("traceId == 0 reading List<Span> from TBinary"). Otherwise good spans are kept, bad ones are
  // counted and named.
  bool strict = false;
  // Asked at every 256th span (base/stop.h): kCancelled once it says so, nothing is kept then.
  // Borrowed; may be null.
  const StopWhen* stop = nullptr;
};

// Appends the spans of a list<Span> (zipkincore.thrift), which begins where `in` stands, to `out`
// as the spans of version 2 that they stand for, in Zipkin's normal form, with origin kZipkin. `in`
// then stands behind the list. For lists within a call: agents' port 5775, TChannel. The report
// counts spans of version 2 as accepted and those of version 1 as rejected. Errors:
// kInvalidArgument where the bytes are no Thrift (names the byte, unless strict) or, if strict,
// there is a bad span; `out` is then as it was, but for strings.
Result<model::DecodeReport> DecodeZipkinThriftSpans(ThriftReader& in, model::SpanBatch& out,
                                                    const ZipkinThriftOptions& options = {});

// Spans of version 1 that a call may list: an agent's packet of 65,000 bytes has fewer.
inline constexpr std::uint32_t kMaxZipkinCallSpans = 65'536;

// The same of a call's arguments, of which the list is field 1, the last if it comes twice:
// emitZipkinBatch, submitZipkinBatch. A list of more than kMaxZipkinCallSpans is kInvalidArgument
// before it is read. `listed`, where it is given, gets the spans of version 1 that it announces.
Result<model::DecodeReport> DecodeZipkinThriftArguments(ThriftReader& in, model::SpanBatch& out,
                                                        std::uint32_t* listed = nullptr);

// The same of a whole message of the binary protocol, as POST /api/v1/spans takes it: the list
// alone. What follows it is not looked at.
Result<model::DecodeReport> DecodeZipkinV1Thrift(std::string_view message, model::SpanBatch& out,
                                                 const ZipkinThriftOptions& options = {});

// The same of bare Spans, one a message, as Scribe has them. The messages must stay until it
// returns.
Result<model::DecodeReport> DecodeZipkinV1ThriftSpans(std::span<const std::string_view> messages,
                                                      model::SpanBatch& out,
                                                      const ZipkinThriftOptions& options = {});

// The spans of `rows` as one list of the binary protocol, appended to `out`; converted as
// EncodeZipkinV1Json does.
void EncodeZipkinV1Thrift(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                          std::string& out);

}  // namespace tracestore::codec
