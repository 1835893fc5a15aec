#include "ingest/receivers/agent_udp.h"

#include <utility>

#include "base/try.h"
#include "codec/zipkin/zipkin_v1_thrift.h"

namespace tracestore::ingest {
namespace {

using codec::ThriftProtocol;
using codec::ThriftReader;

// Of packets that go on as one: decoded, a few times as much.
constexpr std::size_t kMaxGroupBytes = std::size_t{1} << 20;

// What one format's packets have come to.
struct Group {
  model::SpanBatch batch;
  model::DecodeReport report;
  std::size_t bytes = 0;
};

// By the name alone: a message of it that is no call is refused as Zipkin's.
bool IsZipkinCall(std::string_view packet, ThriftProtocol protocol) {
  ThriftReader in(packet, protocol);
  return in.Message().name == "emitZipkinBatch" && in.ok();
}

Result<model::DecodeReport> DecodeCall(std::string_view packet, bool zipkin,
                                       ThriftProtocol protocol, model::SpanBatch& out,
                                       std::vector<codec::JaegerBatchInfo>* batches) {
  if (!zipkin) {
    return codec::DecodeJaegerThrift(packet, protocol, codec::JaegerThriftShape::kMessage, out,
                                     batches);
  }
  ThriftReader in(packet, protocol);
  const codec::ThriftMessageType type = in.Message().type;
  if (type != codec::ThriftMessageType::kCall && type != codec::ThriftMessageType::kOneway)
    return Error(ErrorCode::kInvalidArgument, "the Thrift message is no call");
  return codec::DecodeZipkinThriftArguments(in, out);
}

IntakeSource SourceOf(bool zipkin, const AgentUdpOptions& options) {
  return {transport::kUdp, zipkin ? format::kZipkinThrift : format::kJaegerThrift, options.tenant};
}

// Hands on what there is. Nobody waits for the answer: the intake's observer counts it.
void Flush(bool zipkin, const AgentUdpOptions& options, const Intake& intake, Group& group) {
  if (group.bytes == 0) return;
  Group done = std::exchange(group, Group());
  intake.TakeDecoded(std::move(done.batch), std::move(done.report), done.bytes,
                     SourceOf(zipkin, options));
}

}  // namespace

std::uint64_t TakeAgentPackets(const net::PacketBlock& packets, const AgentUdpOptions& options,
                               const Intake& intake) {
  Group groups[2];  // Jaeger's, Zipkin's
  std::uint64_t unreadable = 0;
  std::vector<codec::JaegerBatchInfo> batches;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const std::string_view packet = packets[i];
    const bool zipkin = IsZipkinCall(packet, options.protocol);
    Group& group = groups[zipkin ? 1 : 0];
    const auto report = DecodeCall(packet, zipkin, options.protocol, group.batch, &batches);
    if (report.has_value()) {
      group.report.Add(*report);
      group.bytes += packet.size();
    } else {
      ++unreadable;
      intake.Take(
          packet,
          [&report](std::string_view, model::SpanBatch&) -> Result<model::DecodeReport> {
            return report.error();
          },
          SourceOf(zipkin, options));
    }
    if (group.bytes >= kMaxGroupBytes) Flush(zipkin, options, intake, group);
  }
  Flush(false, options, intake, groups[0]);
  Flush(true, options, intake, groups[1]);
  if (options.on_batch) {
    for (const codec::JaegerBatchInfo& info : batches) options.on_batch(info);
  }
  return unreadable;
}

Result<std::unique_ptr<AgentUdpReceiver>> AgentUdpReceiver::Start(AgentUdpOptions options,
                                                                  const Intake& intake) {
  // Its constructor is private.
  std::unique_ptr<AgentUdpReceiver> receiver(new AgentUdpReceiver(std::move(options), intake));
  TS_TRY_ASSIGN(receiver->server_,
                net::UdpServer::Start(receiver->options_.server,
                                      [self = receiver.get()](const net::PacketBlock& packets) {
                                        self->unreadable_ += TakeAgentPackets(
                                            packets, self->options_, self->intake_);
                                      }));
  return receiver;
}

}  // namespace tracestore::ingest
