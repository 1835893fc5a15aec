// FramedServer: messages over TCP that say their length in front, each answered at once, as framed
// Thrift and TChannel have them. It knows no message: a handler, or one a connection, answers.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/tls.h"

namespace tracestore::net {

struct FramedServerOptions {
  std::string host = "127.0.0.1";  // a name or an address; "" = all interfaces
  std::uint16_t port = 0;          // 0 = a free one, see FramedServer::port()
  TlsServerOptions tls;

  // Of one message without its header; a longer one ends the connection before its first byte is
  // read. libthrift's own.
  std::size_t max_frame_bytes = 16'384'000;
  // Of all messages that are being read or answered. Where there is no room the connection whose
  // message comes slowest, and too slowly (MessageRoom), is closed for a new one; if none does, the
  // new one is. At least max_frame_bytes.
  std::size_t max_bytes_in_flight = std::size_t{256} << 20;
  // Open connections. At the cap the one that waits longest for a message is closed for a new one,
  // or the one whose message has been coming longest (OpenConnections); where all are being
  // answered the new one is closed.
  std::size_t max_connections = 1024;

  // A header must come within this after its first byte, and each further 64 KiB of a message.
  std::chrono::milliseconds read_timeout{10'000};
  // How long a connection may wait for a message, the first one included.
  std::chrono::milliseconds idle_timeout{600'000};
  // In which the client must take each 256 KiB of an answer.
  std::chrono::milliseconds write_timeout{30'000};

  std::size_t worker_threads = 2;  // that run the handler, at least 1
};

// A frame is a length, four bytes, the highest first, and that many bytes.
// Gives the frame's answer, "" for none (a one-way call), nullopt to end the connection. Called on
// worker threads, many at a time, one at a time a connection; may block. An exception ends the
// connection.
using FrameHandler =
    std::function<std::optional<std::string>(std::string_view frame, std::string_view peer)>;

// The answer to one message of a connection.
struct FrameAnswer {
  std::string bytes;        // written as they are; "": nothing
  bool end = false;         // the connection ends once they are written
  bool unfinished = false;  // more must come soon: the next message within read_timeout
};
// Answers the messages of one connection: `frame` is its header and what follows. Called on worker
// threads, one call at a time; may block. An exception ends the connection.
using FrameSession = std::function<FrameAnswer(std::string_view frame)>;

// How the messages of a port are cut, and who answers them.
struct FrameProtocol {
  std::size_t header_bytes = 4;  // at most kMaxFrameHeader
  // The bytes that follow a header; nullopt ends the connection.
  std::function<std::optional<std::size_t>(std::string_view header)> rest;
  // For each connection, on the server's thread; must not block.
  std::function<FrameSession(std::string_view peer)> open;
};
inline constexpr std::size_t kMaxFrameHeader = 64;

// Why a connection was ended by the server, for those who count.
enum class FrameProblem : std::uint8_t { kTooLong, kTooSlow, kNoRoom, kTooManyConnections };
const char* FrameProblemName(FrameProblem problem) noexcept;  // "too-long", "too-slow", …

class FramedServer {
 public:
  // Listens, then serves on threads of its own until Stop(). `on_problem` may be unset; it runs on
  // the server's thread. Errors as HttpServer::Start.
  static Result<std::unique_ptr<FramedServer>> Start(
      FramedServerOptions options, FrameProtocol protocol,
      std::function<void(FrameProblem)> on_problem = {});
  // The same for messages of a length of four bytes, and for one handler of all connections.
  static Result<std::unique_ptr<FramedServer>> Start(
      FramedServerOptions options, FrameHandler handler,
      std::function<void(FrameProblem)> on_problem = {});

  ~FramedServer();  // Stop(0)
  FramedServer(const FramedServer&) = delete;
  FramedServer& operator=(const FramedServer&) = delete;

  std::uint16_t port() const noexcept;

  // Accepts nothing more, closes connections that wait, lets messages in flight end. After `grace`
  // connections are closed; a handler that still runs is waited for. May be called again; not from
  // a handler.
  void Stop(std::chrono::milliseconds grace);

  // Connections open now. Any thread.
  std::size_t connections() const;

 private:
  struct Impl;
  explicit FramedServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
