// Raw methods are a CallbackGenericService: gRPC's own few threads only move bytes, a worker pool
// runs the handlers, which may block.
#include "net/grpc_server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "base/try.h"
#include "net/connection_sorter.h"
#include "net/grpc_calls.h"
#include "net/grpc_client_stream.h"
#include "net/grpc_plumbing.h"
#include "net/grpc_tls.h"
#include "net/tls_context.h"

namespace tracestore::net {
namespace {

// A peer that has vanished is noticed by a ping without an answer; gRPC's own default is two hours.
constexpr int kPingEveryMs = 60'000;
constexpr int kPingTimeoutMs = 20'000;
// For what gRPC holds beside whole messages: buffers of connections and of messages that come in.
constexpr std::size_t kTransportBytes = std::size_t{64} << 20;
// Read of one connection at a time; 4 MiB unless told. All of it is turned into calls, 100 to 200
// bytes each, before anything else happens.
constexpr int kReadBytes = 256 * 1024;

// One raw call, from its first byte to OnDone(), where it deletes itself.
class RawCall final : public grpc::ServerGenericBidiReactor {
 public:
  RawCall(GrpcCalls& shared, grpc::GenericCallbackServerContext& context)
      : shared_(shared), context_(context), connection_(shared, context) {
    const auto found = shared_.methods.find(context_.method());
    if (found == shared_.methods.end()) {
      useless_ = true;
      Finish({grpc::StatusCode::UNIMPLEMENTED, "unknown method " + context_.method()});
    } else {
      handler_ = &found->second;
      shared_.peers.Add(context_, awaited_);
      silent_ = shared_.silent.Add(connection_.number(), awaited_);
      StartRead(&request_);
    }
  }

  void OnReadDone(bool ok) override {
    const bool too_slow = shared_.peers.Remove(awaited_);
    shared_.silent.Remove(silent_);
    connection_.Touch(ok);
    if (!ok && again_) {
      Finish(grpc::Status::OK);
      return;
    }
    if (!ok) {  // no message came
      if (too_slow) shared_.Tell("too-slow");
      useless_ = true;
      Finish({grpc::StatusCode::INVALID_ARGUMENT, "the call has no request message"});
      return;
    }
    if (grpc::Status status = shared_.CheckLength(request_); !status.ok()) {
      request_.Clear();
      useless_ = true;
      Finish(std::move(status));
      return;
    }
    if (!counted_ && !Count()) {
      Finish(shared_.Busy("too-many-calls", "too many calls in flight"));
      return;
    }
    if (Hold(request_.Length()) > shared_.options.max_bytes_in_flight) {
      Finish(shared_.Busy("no-room", "too many request bytes in flight"));
      return;
    }
    if (!shared_.pool.Submit([this] { Run(); })) {
      Finish(StoppingStatus());
    }
  }

  // A message has gone out as far as the client's window lets it: time for the next, of the stream
  // or of the client.
  void OnWriteDone(bool ok) override {
    shared_.peers.Remove(awaited_);
    response_.Clear();
    Hold(0);
    if (!ok) {
      Finish(grpc::Status::CANCELLED);
    } else if (again_) {
      shared_.peers.Add(context_, awaited_);
      StartRead(&request_);
    } else if (!shared_.pool.Submit([this] { Continue(); })) {
      Finish(StoppingStatus());
    }
  }

  void OnCancel() override { stop_.request_stop(); }

  void OnDone() override {
    shared_.peers.Remove(awaited_);
    shared_.silent.Remove(silent_);
    if (counted_) --shared_.calls;
    Hold(0);
    connection_.End(useless_ || stop_.stop_requested());
    delete this;
  }

 private:
  // Only with its message: who says nothing may have no right to say anything. Whether there is
  // room.
  bool Count() {
    counted_ = true;
    return ++shared_.calls <= shared_.options.max_calls_in_flight;
  }

  // What this call has in memory for its message; gives what all of them have.
  std::size_t Hold(std::size_t bytes) {
    shared_.bytes -= held_;
    held_ = bytes;
    return shared_.bytes += bytes;
  }

  void Send(const std::string& bytes) {
    const grpc::Slice slice(bytes);
    response_ = grpc::ByteBuffer(&slice, 1);
    shared_.peers.Add(context_, awaited_);
  }

  void Run() {
    RawReply reply;
    try {
      reply = Call();
    } catch (const std::exception& error) {
      reply = ThrownReply(error);
    }
    request_.Clear();
    if (reply.code != GrpcCode::kOk) {
      Finish(ToStatus(reply));
    } else if (reply.stream) {
      Hold(0);
      stream_ = std::move(reply.stream);
      Continue();
    } else if (reply.again) {
      again_ = true;
      Hold(reply.bytes.size());
      Send(reply.bytes);
      StartWrite(&response_);
    } else {
      answer_held_ = std::move(reply.held);
      Send(reply.bytes);
      StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    }
  }

  // Makes a stream's next message, or ends it. The message is held by gRPC alone when the write
  // begins: whoever writes may be in OnWriteDone() before StartWrite() returns.
  void Continue() {
    std::string message;
    std::optional<RawReply> end;
    try {
      end = stop_.stop_requested() ? RawReply::Fail(GrpcCode::kCancelled, "cancelled")
                                   : stream_(message);
    } catch (const std::exception& error) {
      end = ThrownReply(error);
    }
    if (end) {
      stream_ = nullptr;
      Finish(ToStatus(*end));
      return;
    }
    Hold(message.size());
    Send(message);
    message = {};
    StartWrite(&response_);
  }

  RawReply Call() {
    if (stop_.stop_requested()) return RawReply::Fail(GrpcCode::kCancelled, "cancelled");
    Unpacked unpacked;
    RawReply taken = shared_.Unpack(request_, unpacked);
    if (taken.code != GrpcCode::kOk) return taken;
    return CallHandler(*handler_, unpacked.message, connection_.peer(), context_,
                       stop_.get_token());
  }

  GrpcCalls& shared_;
  grpc::GenericCallbackServerContext& context_;
  ConnectionInUse connection_;
  const RawHandler* handler_ = nullptr;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  RawStream stream_;    // unset: the answer to a message is one message
  bool again_ = false;  // the client may have further messages
  std::shared_ptr<const void> answer_held_;
  std::stop_source stop_;
  PeerWatch::Place awaited_;  // while the peer has to send, or to take
  SilentCalls::Number silent_;
  std::size_t held_ = 0;      // of shared_.bytes
  bool counted_ = false;
  bool useless_ = false;  // no handler got anything of it
};

class RawService final : public grpc::CallbackGenericService {
 public:
  explicit RawService(GrpcCalls& shared) : shared_(shared) {}
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    // Each deletes itself, see OnDone.
    const auto found = shared_.methods.find(context->method());
    if (found != shared_.methods.end() && shared_.options.client_streams.contains(found->first))
      return NewClientStream(shared_, *context, found->second);
    return new RawCall(shared_, *context);
  }

 private:
  GrpcCalls& shared_;
};

// "package.Service" of "/package.Service/Method".
std::string ServiceOf(const std::string& method) {
  const auto end = method.rfind('/');
  return end == 0 || end == std::string::npos ? method : method.substr(1, end - 1);
}

}  // namespace

struct GrpcServer::Impl {
  Impl(GrpcServerOptions options, RawGrpcServices methods)
      : shared(std::move(options), std::move(methods)),
        raw(shared) {}

  void Adopt(int fd, std::string client = {});
  void Greet(int fd, const FirstBytes& first);
  Status Open(grpc::ServerBuilder& builder);
  void Configure(grpc::ServerBuilder& builder) const;
  Status OpenPort();
  Status Listen(const std::vector<grpc::Service*>& services);
  void Stop(std::chrono::milliseconds grace);

  GrpcCalls shared;
  RawService raw;
  std::unique_ptr<GrpcServerTls> tls;  // null: plain
  int least_tls = 0;
  std::mutex stop_mutex;
  bool stopped = false;  // guarded by stop_mutex
  std::mutex adopt_mutex;
  // Guarded by adopt_mutex; null: it has stopped.
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<ConnectionSorter> sorter;  // null: it has no listening socket
};

// The door for connections that were accepted here: a listening socket of gRPC's own has no cap,
// and doesn't say why it can't listen.
Status GrpcServer::Impl::Open(grpc::ServerBuilder& builder) {
  const TlsServerOptions& options = shared.options.tls;
  auto credentials = grpc::InsecureServerCredentials();
  if (options.enabled) {
    TS_TRY_ASSIGN(tls, GrpcServerTls::Open(options));
    credentials = tls->MakeCredentials();
    TS_TRY_ASSIGN(least_tls, ParseTlsVersion(options.min_version));
  }
  using Builder = grpc::ServerBuilder::experimental_type;
  acceptor = builder.experimental().AddExternalConnectionAcceptor(
      Builder::ExternalConnectionType::FROM_FD, credentials);
  return {};
}

void GrpcServer::Impl::Configure(grpc::ServerBuilder& builder) const {
  const GrpcServerOptions& options = shared.options;
  const auto to_int = [](auto number) {
    return static_cast<int>(std::min<std::int64_t>(static_cast<std::int64_t>(number),
                                                   std::numeric_limits<int>::max()));
  };
  grpc::ResourceQuota quota;
  quota.Resize(2 * options.max_bytes_in_flight + kTransportBytes);
  builder.SetResourceQuota(quota);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             to_int(options.handshake_timeout.count()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kReadBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kPingEveryMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingTimeoutMs);
  if (options.idle_timeout.count() > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                               to_int(options.idle_timeout.count()));
  }
}

Status GrpcServer::Impl::Listen(const std::vector<grpc::Service*>& services) {
  SilenceGrpcLog();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  TS_TRY(Open(builder));
  Configure(builder);
  // gRPC would decompress without a bound, and look at a message's length when it has all of it,
  // without a word to those who count: raw calls do both themselves. Typed services can't.
  const auto max_bytes = std::min<std::size_t>(shared.options.max_message_bytes, INT_MAX);
  builder.SetMaxReceiveMessageSize(services.empty() ? -1 : static_cast<int>(max_bytes));
  if (services.empty()) builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  for (grpc::Service* service : services) builder.RegisterService(service);
  builder.RegisterCallbackGenericService(&raw);
  server = builder.BuildAndStart();
  if (server == nullptr) return Error{ErrorCode::kIo, "gRPC can't start its server"};
  if (auto* health = server->GetHealthCheckService()) {
    for (const std::string& name : shared.options.health_names)
      health->SetServingStatus(name, true);
    for (const auto& [method, handler] : shared.methods)
      health->SetServingStatus(ServiceOf(method), true);
  }
  return shared.options.listen ? OpenPort() : Status();
}

Status GrpcServer::Impl::OpenPort() {
  const GrpcServerOptions& options = shared.options;
  ConnectionSorterOptions at;
  at.host = options.host;
  at.port = options.port;
  at.max_waiting = options.max_connections;
  at.first_bytes_timeout = options.handshake_timeout;
  TS_TRY_ASSIGN(sorter, ConnectionSorter::Start(at, [this](int fd, const FirstBytes& first) {
                  Greet(fd, first);
                }));
  return {};
}

void GrpcServer::Impl::Greet(int fd, const FirstBytes& first) {
  const bool ours = tls != nullptr ? first.kind == FirstBytesKind::kTls &&
                                         first.hello.newest_version >= least_tls
                                   : first.kind == FirstBytesKind::kHttp2;
  if (!ours) {
    close(fd);
    return;
  }
  Adopt(fd, first.client);
}

void GrpcServer::Impl::Adopt(int fd, std::string client) {
  const std::lock_guard lock(adopt_mutex);
  // Past the server's end gRPC would neither serve nor close it.
  if (acceptor == nullptr || !shared.connections.Add(fd, std::move(client))) {
    close(fd);
    return;
  }
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.listener_fd = -1;
  connection.fd = fd;
  acceptor->HandleNewConnection(&connection);
}

void GrpcServer::Impl::Stop(std::chrono::milliseconds grace) {
  const std::lock_guard once(stop_mutex);
  if (stopped || server == nullptr) return;
  stopped = true;
  if (sorter != nullptr) sorter->Stop();
  {
    const std::lock_guard lock(adopt_mutex);
    acceptor.reset();
  }
  if (auto* health = server->GetHealthCheckService()) health->SetServingStatus(false);
  {
    // What they have sent is handled; they would stay for the whole grace. Under the lock, so that
    // each stays; gRPC runs no reactor on a thread of ours.
    const std::lock_guard lock(shared.streams_mutex);
    for (grpc::ServerContextBase* stream : shared.streams) stream->TryCancel();
  }
  // Cancels after the grace (RawCall::OnCancel), returns when the last call has ended.
  server->Shutdown(std::chrono::system_clock::now() + grace);
  shared.pool.Stop();
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(GrpcServerOptions options,
                                                      RawGrpcServices raw,
                                                      std::vector<grpc::Service*> services) {
  try {
    auto impl = std::make_unique<Impl>(std::move(options), std::move(raw));
    auto listening = impl->Listen(services);
    if (!listening.has_value()) return std::move(listening).error();
    return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
  } catch (const std::exception& error) {
    return Error{ErrorCode::kIo, std::string("cannot start the gRPC server: ") + error.what()};
  }
}

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { impl_->Stop(std::chrono::milliseconds(0)); }
std::uint16_t GrpcServer::port() const noexcept {
  return impl_->sorter != nullptr ? impl_->sorter->port() : 0;
}
void GrpcServer::Stop(std::chrono::milliseconds grace) { impl_->Stop(grace); }
void GrpcServer::Adopt(int fd) { impl_->Adopt(fd); }
void GrpcServer::Greet(int fd, const FirstBytes& first) { impl_->Greet(fd, first); }
std::size_t GrpcServer::connections() const { return impl_->shared.connections.Count(); }

}  // namespace tracestore::net
