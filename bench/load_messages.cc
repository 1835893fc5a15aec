#include "load_messages.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>

#include <google/protobuf/arena.h>
#include <simdjson.h>
#include <thrift_gen/Agent.h>

#include <tracestore/store.h>

#include "base/try.h"
#include "codec/jaeger/thrift_decoder.h"
#include "codec/jaeger/thrift_encoder.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/thrift/thrift_structs.h"
#include "codec/zipkin/zipkin_json.h"
#include "ingest/sanitize.h"
#include "measure.h"
#include "nezha.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace tracestore::bench {
namespace {

using codec::ThriftProtocol;

void AddMessage(std::string message, std::size_t spans, LoadMessages& load) {
  load.total_spans += spans;
  load.total_bytes += message.size();
  load.spans.push_back(static_cast<std::uint32_t>(spans));
  load.messages.push_back(std::move(message));
}

// Packets of one process each, as clients send them, all with as many spans: what is left of a
// process at the end of a batch is left out.
class PacketMaker {
 public:
  PacketMaker(std::uint32_t spans, LoadMessages& load) : spans_(spans), load_(load) {}

  void Take(const model::SpanBatch& batch) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> by_resource;
    for (std::uint32_t row = 0; row < batch.size(); ++row) {
      auto& rows = by_resource[batch.spans[row].resource];
      rows.push_back(row);
      if (rows.size() == spans_) Emit(batch, rows);
    }
  }

 private:
  void Emit(const model::SpanBatch& batch, std::vector<std::uint32_t>& rows) {
    std::vector<std::string> packets;
    const Status encoded =
        codec::EncodeEmitBatches(batch, rows, ThriftProtocol::kCompact, packets);
    if (encoded.has_value() && packets.size() == 1)
      AddMessage(std::move(packets[0]), rows.size(), load_);
    rows.clear();
  }

  const std::uint32_t spans_;
  LoadMessages& load_;
};

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
    case simdjson::dom::element_type::STRING:
      return seen + std::string_view(element).size();
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

}  // namespace

const char* LoadProtocolName(LoadProtocol protocol) noexcept {
  switch (protocol) {
    case LoadProtocol::kOtlpGrpc: return "otlp-grpc";
    case LoadProtocol::kOtlpHttp: return "otlp-http";
    case LoadProtocol::kZipkinJson: return "zipkin-json";
    case LoadProtocol::kJaegerUdp: return "jaeger-udp";
  }
  return "?";
}

LoadMessages MakeLoad(LoadProtocol protocol, std::uint64_t spans, std::uint32_t udp_spans,
                      std::uint64_t seed) {
  LoadMessages load;
  PacketMaker packets(udp_spans, load);
  RichOptions options;
  options.spans = spans;
  options.seed = seed;
  options.batch_spans = protocol == LoadProtocol::kJaegerUdp ? 200'000 : 250;
  MakeRich(options, [&](model::SpanBatch&& batch) {
    if (protocol == LoadProtocol::kJaegerUdp) return packets.Take(batch);
    std::string message;
    if (protocol == LoadProtocol::kZipkinJson) {
      std::vector<std::uint32_t> rows(batch.size());
      std::iota(rows.begin(), rows.end(), 0u);
      codec::EncodeZipkinSpans(batch, rows, message);
    } else {
      codec::EncodeOtlpProtobuf(batch, message);
    }
    AddMessage(std::move(message), batch.size(), load);
  });
  return load;
}

Result<StageSeconds> MeasureStages(LoadProtocol protocol, const LoadMessages& load,
                                   const std::string& directory) {
  StageSeconds out;
  double from = ProcessCpuSeconds();
  for (const std::string& message : load.messages) TS_TRY(Yardstick(protocol, message));
  out.yardstick = ProcessCpuSeconds() - from;
  from = ProcessCpuSeconds();
  for (const std::string& message : load.messages) {
    model::SpanBatch batch;
    TS_TRY(Decode(protocol, message, batch));
  }
  out.decode = ProcessCpuSeconds() - from;
  const auto sanitized = [&](const std::string& message,
                             model::SpanBatch& batch) -> Status {
    TS_TRY(Decode(protocol, message, batch));
    ingest::Sanitize({}, batch);
    return {};
  };
  from = ProcessCpuSeconds();
  for (const std::string& message : load.messages) {
    model::SpanBatch batch;
    TS_TRY(sanitized(message, batch));
  }
  const double before_store = ProcessCpuSeconds() - from;
  out.sanitize = std::max(0.0, before_store - out.decode);
  std::filesystem::remove_all(directory);
  TS_TRY_ASSIGN(const auto store, Store::Open(directory));
  from = ProcessCpuSeconds();
  for (const std::string& message : load.messages) {
    model::SpanBatch batch;
    TS_TRY(sanitized(message, batch));
    TS_TRY(store->AppendBatch(std::move(batch)));
  }
  TS_TRY(store->Close());
  out.store = ProcessCpuSeconds() - from - before_store;
  std::filesystem::remove_all(directory);
  return out;
}

}  // namespace tracestore::bench
