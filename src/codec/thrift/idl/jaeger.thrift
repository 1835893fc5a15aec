// Jaeger's own spans: what clients send to an agent (agent.thrift), to a collector over TChannel
// (service Collector) and, as a bare Batch, to POST /api/traces.
// The meaning of each field for a stored span stands in docs/format/jaeger-thrift.md.
namespace cpp tracestore.thrift.jaeger
namespace py tracestore_thrift.jaeger

// Says which one of Tag's values counts.
enum TagType { STRING = 0, DOUBLE = 1, BOOL = 2, LONG = 3, BINARY = 4 }

struct Tag {
  1: required string key
  2: required TagType vType
  3: optional string vStr
  4: optional double vDouble
  5: optional bool vBool
  6: optional i64 vLong
  7: optional binary vBinary
}

struct Log {
  1: required i64 timestamp      // microseconds since 1970
  2: required list<Tag> fields
}

enum SpanRefType { CHILD_OF = 0, FOLLOWS_FROM = 1 }

struct SpanRef {
  1: required SpanRefType refType
  2: required i64 traceIdLow
  3: required i64 traceIdHigh
  4: required i64 spanId
}

struct Span {
  1: required i64 traceIdLow
  2: required i64 traceIdHigh    // 0 for ids of 64 bits
  3: required i64 spanId
  4: required i64 parentSpanId   // 0: none
  5: required string operationName
  6: optional list<SpanRef> references
  7: required i32 flags
  8: required i64 startTime      // microseconds since 1970
  9: required i64 duration       // microseconds
  10: optional list<Tag> tags
  11: optional list<Log> logs
  12: optional bool incomplete   // of a client that reports a span before its end
}

struct Process {
  1: required string serviceName
  2: optional list<Tag> tags
}

// What a client has dropped since it started.
struct ClientStats {
  1: required i64 fullQueueDroppedSpans
  2: required i64 tooLargeDroppedSpans
  3: required i64 failedToEmitSpans
}

struct Batch {
  1: required Process process
  2: required list<Span> spans
  3: optional i64 seqNo          // counts the client's batches, so that lost packets show
  4: optional ClientStats stats
}

struct BatchSubmitResponse {
  1: required bool ok
}

service Collector {
  list<BatchSubmitResponse> submitBatches(1: list<Batch> batches)
}
