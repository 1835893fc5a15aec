// Scribe's log service as Zipkin's clients use it: framed, binary, port 9410. The message of an
// entry of category "zipkin" is the base64 of one zipkincore.Span in the binary protocol.
namespace cpp tracestore.thrift.scribe
namespace py tracestore_thrift.scribe

enum ResultCode { OK = 0, TRY_LATER = 1 }

struct LogEntry {
  1: string category
  2: string message
}

service Scribe {
  ResultCode Log(1: list<LogEntry> messages)
}
