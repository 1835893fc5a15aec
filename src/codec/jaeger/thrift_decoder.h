// Jaeger's Thrift: what its clients send by UDP, POST to /api/traces and over TChannel
// (docs/format/jaeger-thrift.md).
#pragma once
#include <tracestore/status.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/thrift/thrift_reader.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore {
struct StopWhen;  // <tracestore/query.h>
}

namespace tracestore::codec {

struct JaegerThriftLimits {
  // A longer message is refused before anything is read. The batch takes at most 10 bytes of memory
  // a byte of message, common spans 1 to 2.
  std::size_t max_message_bytes = std::size_t{1} << 30;
  // Asked at every 256th span (base/stop.h): kCancelled once it says so, nothing is kept then.
  // Borrowed; may be null.
  const StopWhen* stop = nullptr;
  // Of a call; one that lists more is refused before the rest is read. An agent gathers packets of
  // 65,000 bytes, a Batch each.
  std::uint32_t max_batches = 65'536;
};

// What the bytes are.
enum class JaegerThriftShape : std::uint8_t {
  kBatch,      // one struct Batch
  kArguments,  // the arguments of Collector.submitBatches: a list of batches as field 1
  kMessage,    // a call of Agent.emitBatch or Collector.submitBatches, header in front
};

// What a client has dropped since it started, in spans.
struct JaegerClientStats {
  std::int64_t full_queue = 0;
  std::int64_t too_large = 0;
  std::int64_t failed_to_emit = 0;
};

// What a Batch says beside its spans: agents count a client's lost batches and spans by it.
struct JaegerBatchInfo {
  std::uint64_t spans = 0;             // taken, without the refused
  std::string client;                  // the process's tag `client-uuid`, "" without
  std::optional<std::int64_t> number;  // seqNo: the client's count of its batches
  std::optional<JaegerClientStats> stats;
};

// Appends the spans of a message to `out`, with origin kJaeger. What follows the message is not
// looked at. Adds an entry a Batch to `batches` where it is given.
//
// A span that breaks a rule is left out, counted and named in the report ("span 3: its span id is
// all zeros"); the others are kept. Errors: kInvalidArgument where the bytes are not such Thrift
// (the message names the byte), lack a required field or list too many batches; `out` and `batches`
// are then as they were, but for strings. Threads: none shared.
Result<model::DecodeReport> DecodeJaegerThrift(std::string_view message, ThriftProtocol protocol,
                                               JaegerThriftShape shape, model::SpanBatch& out,
                                               std::vector<JaegerBatchInfo>* batches = nullptr,
                                               const JaegerThriftLimits& limits = {});

}  // namespace tracestore::codec
