// FramedClient: calls to one server whose messages say their length in front (FramedServer), over
// connections that it keeps. It knows no message: who calls says when an answer is whole. No
// third-party type here.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "net/tls.h"

namespace tracestore::net {

struct FramedClientOptions {
  std::string host = "127.0.0.1";  // a name or an address
  std::uint16_t port = 0;
  TlsClientOptions tls;
  // To look the name up, connect and shake hands, each. The look-up is the system's, which may take
  // longer.
  std::chrono::milliseconds connect_timeout{5'000};
  std::size_t max_frame_bytes = 65'535;  // of a frame that comes, its header not counted
  std::size_t max_frames = 4'096;        // that come during one call
  // Connections kept open for the next call, and for how long.
  std::size_t max_idle_connections = 4;
  std::chrono::milliseconds idle_timeout{30'000};
};

// What a frame that came is to the call.
struct FrameStep {
  bool last = false;  // the answer is whole
  bool keep = true;   // of the last: the connection is of use for another call
  std::string reply;  // sent before the next frame is read; "": nothing
};
// Called on the thread that calls, for each frame, header included. An error ends the call with it
// and closes the connection.
using FrameReader = std::function<Result<FrameStep>(std::string_view frame)>;

// How a protocol's frames are cut, and what is said first over a connection.
struct FrameClientProtocol {
  std::size_t header_bytes = 4;  // at most kMaxFrameHeader of framed_server.h
  // The bytes that follow a header; nullopt: it is none.
  std::function<std::optional<std::size_t>(std::string_view header)> rest;
  std::string greeting;  // "": a call may begin at once
  FrameReader greeted;   // reads the greeting's answer; of any thread that calls
};

struct FramedCall {
  std::string_view bytes;  // whole frames; borrowed
  FrameReader on_frame;
  // From the first byte sent to the last byte received, of a greeting and of the call each.
  std::chrono::milliseconds timeout{10'000};
  std::stop_token stop;  // when asked, the call ends with kCancelled
};

// Call may be called from any thread, many at a time: each has a connection of its own meanwhile. A
// call is sent once; nothing is repeated after a failure, because the server may have acted on it.
class FramedClient {
 public:
  // Connects to nothing yet. Errors: kInvalidArgument (no host, no port); those of the TLS files.
  static Result<std::unique_ptr<FramedClient>> Make(FramedClientOptions options,
                                                    FrameClientProtocol protocol);

  ~FramedClient();  // no Call may be running
  FramedClient(const FramedClient&) = delete;
  FramedClient& operator=(const FramedClient&) = delete;

  // Errors: kIo (no connection, or it broke), kCancelled (a time-out, or `stop`), kCorruption (what
  // came is no frame), kBusy (a frame or an answer beyond a limit); those of the readers.
  Status Call(const FramedCall& call);

 private:
  struct Impl;
  explicit FramedClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
