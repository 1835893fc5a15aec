// What clients send to an agent by UDP, one message a packet: 6831 (compact), 6832 (binary) and,
// with Zipkin's spans, 5775 (compact).
include "jaeger.thrift"
include "zipkincore.thrift"
namespace cpp tracestore.thrift.agent
namespace py tracestore_thrift.agent

service Agent {
  oneway void emitZipkinBatch(1: list<zipkincore.Span> spans)
  oneway void emitBatch(1: jaeger.Batch batch)
}
