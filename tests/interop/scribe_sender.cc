// Zipkin's senders of Scribe's days, from the client that thrift's compiler makes of our IDL: spans
// of every kind that the IDL has, in calls of several, on one connection.
//
// Usage: scribe_sender PORT
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TSocket.h>
#include <thrift_gen/Scribe.h>
#include <thrift_gen/zipkincore_types.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace scribe = tracestore::thrift::scribe;
namespace zipkincore = tracestore::thrift::zipkincore;
using apache::thrift::protocol::TBinaryProtocol;

constexpr std::int64_t kBegin = 1'700'000'000'000'000;  // microseconds

std::string Base64(const std::string& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t j = i; j < i + 3; ++j)
      group = group << 8 | (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

std::string Message(const zipkincore::Span& span) {
  const auto memory = std::make_shared<apache::thrift::transport::TMemoryBuffer>();
  TBinaryProtocol protocol(memory);
  span.write(&protocol);
  return Base64(memory->getBufferAsString());
}

zipkincore::Endpoint Host(const char* service, std::int16_t port) {
  zipkincore::Endpoint host;
  host.__set_ipv4(0x7F000001);
  host.__set_port(port);
  host.__set_service_name(service);
  return host;
}

zipkincore::Span Span(std::int64_t id, const std::string& name) {
  zipkincore::Span span;
  span.__set_trace_id(0x1000 + id % 3);  // three traces
  span.__set_id(id);
  span.__set_name(name);
  return span;
}

void Annotate(zipkincore::Span& span, std::int64_t micros, const char* value,
              const zipkincore::Endpoint& host) {
  zipkincore::Annotation annotation;
  annotation.__set_timestamp(kBegin + micros);
  annotation.__set_value(value);
  annotation.__set_host(host);
  span.annotations.push_back(annotation);
}

void Tag(zipkincore::Span& span, const char* key, zipkincore::AnnotationType::type type,
         const std::string& value, const zipkincore::Endpoint& host) {
  zipkincore::BinaryAnnotation annotation;
  annotation.__set_key(key);
  annotation.__set_value(value);
  annotation.__set_annotation_type(type);
  annotation.__set_host(host);
  span.binary_annotations.push_back(annotation);
}

// One of a client, a server, a producer, a consumer, a local one, in turn.
zipkincore::Span SpanOf(std::int64_t id) {
  using Type = zipkincore::AnnotationType;
  zipkincore::Span span = Span(id, "call-" + std::to_string(id));
  const auto host = Host("front", 8080);
  if (id % 2 == 0) span.__set_trace_id_high(0x77);
  if (id % 4 == 3) span.__set_parent_id(id - 1);
  switch (id % 5) {
    case 0:
      Annotate(span, id, "cs", host);
      Annotate(span, id + 50, "cr", host);
      Tag(span, "sa", Type::BOOL, "\x01", Host("back", 9090));
      break;
    case 1:
      Annotate(span, id, "sr", host);
      Annotate(span, id + 40, "ss", host);
      Tag(span, "ca", Type::BOOL, "\x01", Host("caller", -1));  // 65535
      break;
    case 2: Annotate(span, id, "ms", host); break;
    case 3: Annotate(span, id, "mr", host); break;
    default:
      span.__set_timestamp(kBegin + id);
      span.__set_duration(30);
      Tag(span, "lc", Type::STRING, "worker", host);
  }
  Annotate(span, id + 5, "note", host);
  Tag(span, "http.path", Type::STRING, "/caf\xC3\xA9/" + std::to_string(id), host);
  if (id % 7 == 0) span.__set_debug(true);
  return span;
}

int Send(int port) {
  const auto socket = std::make_shared<apache::thrift::transport::TSocket>("127.0.0.1", port);
  socket->setRecvTimeout(60'000);
  const auto framed = std::make_shared<apache::thrift::transport::TFramedTransport>(socket);
  scribe::ScribeClient client(std::make_shared<TBinaryProtocol>(framed));
  framed->open();
  for (std::int64_t first = 1; first <= 100; first += 20) {
    std::vector<scribe::LogEntry> entries;
    for (std::int64_t id = first; id < first + 20; ++id) {
      scribe::LogEntry entry;
      entry.__set_category("zipkin");
      entry.__set_message(Message(SpanOf(id)));
      entries.push_back(entry);
    }
    if (client.Log(entries) != scribe::ResultCode::OK) return 1;
  }
  framed->close();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return argc == 2 ? Send(std::atoi(argv[1])) : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "scribe_sender: %s\n", error.what());
    return 1;
  }
}
