#include "load_stages.h"

#include <google/protobuf/arena.h>
#include <pthread.h>
#include <simdjson.h>
#include <thrift_gen/Agent.h>
#include <tracestore/store.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <thread>

#include "base/try.h"
#include "codec/jaeger/thrift_decoder.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/thrift/thrift_structs.h"
#include "codec/zipkin/zipkin_json.h"
#include "ingest/sanitize.h"
#include "measure.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace tracestore::bench {
namespace {

using codec::ThriftProtocol;

Result<model::DecodeReport> Decode(LoadProtocol protocol, const std::string& message,
                                   model::SpanBatch& batch) {
  switch (protocol) {
    case LoadProtocol::kOtlpGrpc:
    case LoadProtocol::kOtlpHttp: return codec::DecodeOtlpProtobuf(message, batch);
    case LoadProtocol::kZipkinJson: return codec::DecodeZipkinJson(message, batch, {true});
    case LoadProtocol::kJaegerUdp: break;
  }
  return codec::DecodeJaegerThrift(message, ThriftProtocol::kCompact,
                                   codec::JaegerThriftShape::kMessage, batch);
}

// Looks at every value; the depth is that of our own messages.
std::size_t Walk(simdjson::dom::element element) {
  std::size_t seen = 1;
  switch (element.type()) {
    case simdjson::dom::element_type::ARRAY:
      for (const auto child : simdjson::dom::array(element)) seen += Walk(child);
      return seen;
    case simdjson::dom::element_type::OBJECT:
      for (const auto field : simdjson::dom::object(element))
        seen += field.key.size() + Walk(field.value);
      return seen;
    case simdjson::dom::element_type::STRING: return seen + std::string_view(element).size();
    default: return seen;
  }
}

Status Yardstick(LoadProtocol protocol, const std::string& message) {
  const Error refused(ErrorCode::kInvalidArgument, "the yardstick refuses a message");
  if (protocol == LoadProtocol::kZipkinJson) {
    static simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (parser.parse(message).get(root) != simdjson::SUCCESS || Walk(root) == 0) return refused;
    return {};
  }
  if (protocol == LoadProtocol::kJaegerUdp) {
    try {
      codec::ThriftBuffer buffer(message, ThriftProtocol::kCompact);
      std::string name;
      apache::thrift::protocol::TMessageType type{};
      std::int32_t sequence = 0;
      buffer.protocol().readMessageBegin(name, type, sequence);
      thrift::agent::Agent_emitBatch_args arguments;
      arguments.read(&buffer.protocol());
    } catch (const std::exception&) {
      return refused;
    }
    return {};
  }
  google::protobuf::Arena arena;
  auto* parsed = google::protobuf::Arena::CreateMessage<
      opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest>(&arena);
  if (!parsed->ParseFromArray(message.data(), static_cast<int>(message.size()))) return refused;
  return {};
}

// Decodes the messages over and over on another core, and knows what it took itself.
class Neighbour {
 public:
  Neighbour(LoadProtocol protocol, const LoadMessages& load)
      : thread_([&load, protocol](const std::stop_token& stop) {
          for (std::size_t at = 0; !stop.stop_requested(); at = (at + 1) % load.messages.size()) {
            model::SpanBatch batch;
            if (!Decode(protocol, load.messages[at], batch).has_value()) return;
          }
        }) {}

  double CpuSeconds() {
    clockid_t clock{};
    timespec time{};
    if (pthread_getcpuclockid(thread_.native_handle(), &clock) != 0 ||
        clock_gettime(clock, &time) != 0)
      return 0;
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }

 private:
  std::jthread thread_;
};

}  // namespace

Result<StageSeconds> MeasureStages(LoadProtocol protocol, const LoadMessages& load,
                                   const std::string& directory, bool busy) {
  const std::unique_ptr<Neighbour> neighbour =
      busy ? std::make_unique<Neighbour>(protocol, load) : nullptr;
  const auto cpu_seconds = [&] {
    return ProcessCpuSeconds() - (busy ? neighbour->CpuSeconds() : 0);
  };
  StageSeconds out;
  double from = cpu_seconds();
  for (const std::string& message : load.messages) TS_TRY(Yardstick(protocol, message));
  out.yardstick = cpu_seconds() - from;
  from = cpu_seconds();
  for (const std::string& message : load.messages) {
    model::SpanBatch batch;
    TS_TRY(Decode(protocol, message, batch));
  }
  out.decode = cpu_seconds() - from;
  const auto sanitized = [&](const std::string& message, model::SpanBatch& batch) -> Status {
    TS_TRY(Decode(protocol, message, batch));
    ingest::Sanitize({}, batch);
    return {};
  };
  from = cpu_seconds();
  for (const std::string& message : load.messages) {
    model::SpanBatch batch;
    TS_TRY(sanitized(message, batch));
  }
  const double before_store = cpu_seconds() - from;
  out.sanitize = std::max(0.0, before_store - out.decode);
  std::filesystem::remove_all(directory);
  TS_TRY_ASSIGN(const auto store, Store::Open(directory));
  from = cpu_seconds();
  for (const std::string& message : load.messages) {
    model::SpanBatch batch;
    TS_TRY(sanitized(message, batch));
    TS_TRY(store->AppendBatch(std::move(batch)));
  }
  TS_TRY(store->Close());
  out.store = cpu_seconds() - from - before_store;
  std::filesystem::remove_all(directory);
  return out;
}

}  // namespace tracestore::bench
