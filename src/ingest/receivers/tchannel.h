// TChannel: how Jaeger's agents up to 1.17 send spans to a collector, and ask for strategies
// (docs/format/tchannel.md).
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "codec/tchannel/call.h"
#include "ingest/byte_budget.h"
#include "ingest/intake.h"
#include "net/framed_server.h"
#include "sampling/strategy_provider.h"

namespace tracestore::ingest {

struct TchannelOptions {
  // max_frame_bytes isn't looked at: a frame has 16 bits of length
  net::FramedServerOptions server;
  std::string tenant;               // whose the spans are; "": the default one
  std::string version;              // of this program, for Meta::versionInfo
  std::size_t max_call_bytes = std::size_t{32} << 20;      // of a call's arguments
  std::size_t max_pending_bytes = std::size_t{256} << 20;  // of unfinished calls of all connections
  std::size_t max_open_calls = 16;                         // unfinished ones of a connection
  // From a call's first frame to its last.
  std::chrono::milliseconds call_timeout{10'000};
  // Clients' questions for strategies; unset: the method isn't known. On worker threads, many at a
  // time.
  std::function<Result<codec::SamplingStrategy>(std::string_view service)> strategies;
  // Told of each call and connection that was refused for what came over it: "broken", "too-long",
  // "too-slow", "no-room", "no-init"; and of each connection that is closed at the cap,
  // "too-many-connections". On any thread; may be unset.
  std::function<void(std::string_view cause)> on_refused;
};

// What the connections of a port share. `intake` and the budget are borrowed.
struct TchannelShared {
  const TchannelOptions& options;
  const Intake& intake;
  ByteBudget& pending;
};

// One connection, without its socket. One thread at a time.
class TchannelSession {
 public:
  using Clock = std::chrono::steady_clock;

  explicit TchannelSession(const TchannelShared& shared) : shared_(shared) {}

  // Answers one frame, header included.
  net::FrameAnswer Take(std::string_view frame, Clock::time_point now);

 private:
  struct OpenCall {
    OpenCall(const TchannelShared& shared, Clock::time_point until)
        : reader({.max_argument_bytes = shared.options.max_call_bytes}),
          hold(shared.pending),
          deadline(until) {}
    codec::TchannelCallReader reader;
    ByteBudget::Hold hold;
    Clock::time_point deadline;
  };

  net::FrameAnswer Open(const codec::TchannelFrame& frame);
  void TakeCall(const codec::TchannelFrame& frame, Clock::time_point now, std::string& out);
  void Add(OpenCall& open, const codec::TchannelFrame& frame, std::string& out);
  void Refuse(std::uint32_t id, const codec::TchannelError& error, std::string_view cause,
              std::string& out);
  void DropLate(Clock::time_point now, std::string& out);

  const TchannelShared& shared_;
  bool open_ = false;  // an init has come
  std::map<std::uint32_t, OpenCall> calls_;
};

class TchannelReceiver {
 public:
  // `intake` is borrowed and must outlive the receiver. Errors as FramedServer::Start.
  static Result<std::unique_ptr<TchannelReceiver>> Start(TchannelOptions options,
                                                         const Intake& intake);

  std::uint16_t port() const noexcept { return server_->port(); }
  // As FramedServer::Stop.
  void Stop(std::chrono::milliseconds grace) { server_->Stop(grace); }
  std::size_t connections() const { return server_->connections(); }

 private:
  TchannelReceiver(TchannelOptions options, const Intake& intake)
      : options_(std::move(options)),
        pending_(options_.max_pending_bytes),
        shared_{options_, intake, pending_} {}

  const TchannelOptions options_;
  ByteBudget pending_;
  const TchannelShared shared_;
  std::unique_ptr<net::FramedServer> server_;  // goes first
};

}  // namespace tracestore::ingest
