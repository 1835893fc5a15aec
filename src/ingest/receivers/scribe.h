// Scribe: Zipkin's oldest transport, framed Thrift `Log` calls whose entries hold one span each in
// base64 (docs/operations.md).
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/intake.h"
#include "net/framed_server.h"

namespace tracestore::ingest {

struct ScribeOptions {
  net::FramedServerOptions server;
  std::string category = "zipkin";  // of other categories nothing is looked at
  std::string tenant;               // whose the spans are; "": the default one
};

// The answer to one framed call. `Log`: OK once the spans are kept, TRY_LATER where there is no
// room or the store can't write, an exception "traceId == 0 reading Span from TBinary" for a bad
// span, which refuses the whole call; "" for a one-way call. Other methods: the exception "unknown
// method: …"; a reply or an exception: "unexpected TMessageType: …". nullopt for bytes that are no
// call.
std::optional<std::string> AnswerScribe(std::string_view frame, const Intake& intake,
                                        const ScribeOptions& options);

class ScribeReceiver {
 public:
  // `intake` is borrowed and must outlive the receiver. `on_refused` is told of each connection
  // that was ended by the receiver, by cause: "broken" (no call), or FrameProblemName(). On any
  // thread; may be unset.
  using OnRefused = std::function<void(std::string_view cause)>;
  static Result<std::unique_ptr<ScribeReceiver>> Start(ScribeOptions options, const Intake& intake,
                                                       OnRefused on_refused = {});

  std::uint16_t port() const noexcept { return server_->port(); }
  // As FramedServer::Stop.
  void Stop(std::chrono::milliseconds grace) { server_->Stop(grace); }
  std::size_t connections() const { return server_->connections(); }

 private:
  explicit ScribeReceiver(std::unique_ptr<net::FramedServer> server) : server_(std::move(server)) {}
  std::unique_ptr<net::FramedServer> server_;
};

}  // namespace tracestore::ingest
