// GrpcClient: unary calls to one gRPC server, by method path, with bytes in and out. No gRPC type
// here.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/grpc_reply.h"
#include "net/tls.h"

namespace tracestore::net {

struct GrpcClientOptions {
  std::string host = "127.0.0.1";  // a name or an address; a name is resolved again when it fails
  std::uint16_t port = 0;
  std::string
      name_server;  // "host[:port]" that is asked for the host's addresses; "": the system's
  bool round_robin = false;  // calls go to all addresses of the host in turn, not to the first
  TlsClientOptions tls;  // with `enabled`; TLS 1.2 and newer
  // Of one reply, as sent and decompressed; more is kResourceExhausted. Bytes, up to 2 GiB.
  std::size_t max_message_bytes = std::size_t{32} << 20;
  // Between two attempts to connect: the first wait, which grows by gRPC's own rule to the second.
  std::chrono::milliseconds reconnect_after{250};
  std::chrono::milliseconds reconnect_at_most{10'000};
};

struct GrpcCall {
  // In which the whole call must end, the wait for a connection included.
  std::chrono::milliseconds timeout{10'000};
  // False: the call fails at once with kUnavailable while the server can't be reached.
  bool wait_for_ready = false;
  bool gzip = false;  // the request goes out compressed
  // Keys are lower case; a key that ends with "-bin" has any bytes for its value.
  std::vector<std::pair<std::string, std::string>> metadata;
  std::stop_token stop;  // when asked, the call ends with kCancelled
};

enum class ConnectionState : unsigned char {
  kIdle,  // not tried yet, or gone and not asked for since
  kConnecting,
  kReady,
  kFailing,  // the last attempt failed; the next one comes after a wait
  kClosed,
};

const char* ConnectionStateName(ConnectionState state) noexcept;  // "ready"

// One connection (with round_robin one to each address), made at the first call and again whenever
// it was lost. All methods may be called from any thread, but Call and the destructor not from a
// call's `done`.
class GrpcClient {
 public:
  using Done = std::function<void(RawReply)>;

  // Connects to nothing yet. Errors: kInvalidArgument (no host, no port); those of the TLS files.
  static Result<std::unique_ptr<GrpcClient>> Make(GrpcClientOptions options);

  ~GrpcClient();  // cancels what is in flight and waits for its end
  GrpcClient(const GrpcClient&) = delete;
  GrpcClient& operator=(const GrpcClient&) = delete;

  // Waits for the answer. What never reached the server ends with kUnavailable,
  // kDeadlineExceeded or kCancelled, as gRPC words it.
  RawReply Call(const std::string& method, std::string_view message, const GrpcCall& call);

  // `done` runs once, on a thread of gRPC (metadata that can't be sent: on this one), and must
  // neither block nor throw. The message is copied.
  void CallAsync(const std::string& method, std::string_view message, const GrpcCall& call,
                 Done done);

  ConnectionState state() const;
  // Connects, if there is no connection, and waits for it. False: not ready in that time.
  bool Connect(std::chrono::milliseconds timeout);

 private:
  struct Impl;
  explicit GrpcClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tracestore::net
