// Spans to Jaeger's Thrift (docs/format/jaeger-thrift.md). Spans of origin kJaeger are written as
// they came, but for warnings, which it has no field for; spans of the other two are converted as
// Jaeger v1.76 does. Times below a microsecond are cut off. Needs TRACESTORE_THRIFT.
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "codec/thrift/thrift_reader.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// Appends a struct Batch for each process among the spans of `rows`, in order of appearance: the
// bodies of POST /api/traces. The functions below group the same way.
// Errors of all three: kInvalidArgument where a message is greater than libthrift's buffer (4 GiB).
Status EncodeJaegerBatches(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                           ThriftProtocol protocol, std::vector<std::string>& out);

// The same as oneway messages Agent.emitBatch: packets, where they are small enough.
Status EncodeEmitBatches(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                         ThriftProtocol protocol, std::vector<std::string>& out);

// Appends all of them as a call of Collector.submitBatches, or its arguments alone (TChannel's
// arg3) where `header` is false.
Status EncodeSubmitBatches(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                           ThriftProtocol protocol, bool header, std::string& out);

}  // namespace tracestore::codec
