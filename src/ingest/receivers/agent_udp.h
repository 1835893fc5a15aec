// Packets of Jaeger's clients: Agent.emitBatch and Agent.emitZipkinBatch, one call a packet, on the
// agent's three UDP ports.
#pragma once
#include <tracestore/status.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/jaeger/thrift_decoder.h"
#include "ingest/intake.h"
#include "net/udp_server.h"

namespace tracestore::ingest {

struct AgentUdpOptions {
  net::UdpServerOptions server;
  codec::ThriftProtocol protocol = codec::ThriftProtocol::kCompact;
  std::string tenant;  // whose the spans are; "": the default one
  // Told what clients say of themselves, on the receiver's thread; may be unset.
  std::function<void(const codec::JaegerBatchInfo&)> on_batch;
};

// Takes the calls of `packets`: those that wait together go to the intake as one batch a format.
// Gives the number of packets that can't be read; each of them is also told to the intake's
// observer.
std::uint64_t TakeAgentPackets(const net::PacketBlock& packets, const AgentUdpOptions& options,
                               const Intake& intake);

// There is no answer over UDP: what isn't kept is counted by the intake's observer.
class AgentUdpReceiver {
 public:
  // `intake` is borrowed and must outlive the receiver. Errors: as UdpServer::Start.
  static Result<std::unique_ptr<AgentUdpReceiver>> Start(AgentUdpOptions options,
                                                         const Intake& intake);

  std::uint16_t port() const noexcept { return server_->port(); }
  // As UdpServer::Stop.
  void Stop(std::chrono::milliseconds grace) { server_->Stop(grace); }

  net::UdpCounters counters() const { return server_->counters(); }
  std::uint64_t unreadable() const noexcept { return unreadable_.load(); }  // packets

 private:
  AgentUdpReceiver(AgentUdpOptions options, const Intake& intake)
      : options_(std::move(options)), intake_(intake) {}

  const AgentUdpOptions options_;
  const Intake& intake_;
  std::atomic<std::uint64_t> unreadable_{0};
  std::unique_ptr<net::UdpServer> server_;  // last: its thread uses the others
};

}  // namespace tracestore::ingest
