#include "load_messages.h"

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>

#include "codec/jaeger/thrift_encoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/zipkin/zipkin_json.h"
#include "nezha.h"

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

}  // namespace tracestore::bench
