// Zipkin's spans of version 1: POST /api/v1/spans, Scribe (base64 of one Span), agents' port 5775,
// TChannel. A span is one side of a call: annotations say when what happened, and on which host.
namespace cpp tracestore.thrift.zipkincore
namespace py tracestore_thrift.zipkincore

struct Endpoint {
  1: i32 ipv4                    // first byte of the address highest; 0: none
  2: i16 port                    // unsigned; 0: none
  3: string service_name
  4: optional binary ipv6        // 16 bytes
}

struct Annotation {
  1: i64 timestamp               // microseconds since 1970
  2: string value                // "cs", "cr", "ss", "sr", "ms", "mr", …, or free text
  3: optional Endpoint host
}

enum AnnotationType { BOOL = 0, BYTES = 1, I16 = 2, I32 = 3, I64 = 4, DOUBLE = 5, STRING = 6 }

struct BinaryAnnotation {
  1: string key
  2: binary value                // as the type says, numbers big-endian
  3: AnnotationType annotation_type
  4: optional Endpoint host      // of keys "sa", "ca", "ma": the other side
}

struct Span {
  1: i64 trace_id
  3: string name
  4: i64 id
  5: optional i64 parent_id
  6: list<Annotation> annotations
  8: list<BinaryAnnotation> binary_annotations
  9: optional bool debug = false
  10: optional i64 timestamp     // microseconds since 1970
  11: optional i64 duration      // microseconds
  12: optional i64 trace_id_high
}

struct Response {
  1: required bool ok
}

service ZipkinCollector {
  list<Response> submitZipkinBatch(1: list<Span> spans)
}
