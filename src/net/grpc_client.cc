// gRPC's generic stub and its callbacks. A call owns itself until its callback has run.
#include "net/grpc_client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <future>
#include <limits>
#include <optional>

#include "base/try.h"
#include "net/calls_in_flight.h"
#include "net/grpc_plumbing.h"
#include "net/grpc_tls.h"
#include "net/host_port.h"

namespace tracestore::net {
namespace {

// A server that is silent for so long while a call waits is asked for a sign of life (HTTP/2's
// ping), and left without one: nothing else tells of a host that is gone, or of a process that
// hangs, and calls would go on to the one while its name has another address. Not sooner: a server
// counts pings between which it has sent nothing, and three are too many.
constexpr int kAskAfterMs = 10'000;
constexpr int kAskForMs = 10'000;

std::chrono::system_clock::time_point After(std::chrono::milliseconds timeout) {
  constexpr std::chrono::hours kLongest{24 * 365};  // beyond it the sum could overflow
  return std::chrono::system_clock::now() +
         std::clamp<std::chrono::milliseconds>(timeout, std::chrono::milliseconds(0), kLongest);
}

int ToInt(std::chrono::milliseconds time) {
  return static_cast<int>(std::clamp<std::int64_t>(time.count(), 1, 86'400'000));
}

ConnectionState ToState(grpc_connectivity_state state) {
  switch (state) {
    case GRPC_CHANNEL_IDLE: return ConnectionState::kIdle;
    case GRPC_CHANNEL_CONNECTING: return ConnectionState::kConnecting;
    case GRPC_CHANNEL_READY: return ConnectionState::kReady;
    case GRPC_CHANNEL_TRANSIENT_FAILURE: return ConnectionState::kFailing;
    case GRPC_CHANNEL_SHUTDOWN: break;
  }
  return ConnectionState::kClosed;
}

RawReply ToReply(const grpc::Status& status, const grpc::ByteBuffer& bytes) {
  RawReply reply;
  reply.code = static_cast<GrpcCode>(status.error_code());
  reply.message = status.error_message();
  reply.details = status.error_details();
  if (status.ok()) reply.bytes = Flattened(bytes).view();
  return reply;
}

std::string TargetOf(const GrpcClientOptions& options) {
  const std::string at = FormatHostPort(options.host, options.port);
  return options.name_server.empty() ? at : "dns://" + options.name_server + "/" + at;
}

// gRPC ends the process for metadata that it can't send, so it must not see any.
bool IsValid(const std::string& key, const std::string& value) {
  const auto key_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  if (key.empty() || !std::all_of(key.begin(), key.end(), key_char)) return false;
  if (key.ends_with("-bin")) return true;
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Asks a call to end. It has a share of the context, because the call may be over, and gone, before
// TryCancel has returned.
struct Cancel {
  std::shared_ptr<grpc::ClientContext> context;
  void operator()() const {
    const auto keep = context;
    keep->TryCancel();
  }
};

}  // namespace

const char* ConnectionStateName(ConnectionState state) noexcept {
  switch (state) {
    case ConnectionState::kIdle: return "idle";
    case ConnectionState::kConnecting: return "connecting";
    case ConnectionState::kReady: return "ready";
    case ConnectionState::kFailing: return "failing";
    case ConnectionState::kClosed: break;
  }
  return "closed";
}

struct GrpcClient::Impl {
  struct Running {
    std::string method;
    std::shared_ptr<grpc::ClientContext> context = std::make_shared<grpc::ClientContext>();
    grpc::ByteBuffer request;
    grpc::ByteBuffer response;
    Done done;
    std::optional<std::stop_callback<Cancel>> on_stop;
    std::optional<std::stop_callback<Cancel>> on_close;
  };

  void Start(std::unique_ptr<Running> call, const std::stop_token& stop);

  std::shared_ptr<grpc::Channel> channel;
  std::optional<grpc::GenericStub> stub;
  std::stop_source closing;
  CallsInFlight in_flight;
};

Result<std::unique_ptr<GrpcClient>> GrpcClient::Make(GrpcClientOptions options) {
  if (options.host.empty() || options.port == 0) {
    return Error{ErrorCode::kInvalidArgument, "cannot call " +
                                                  FormatHostPort(options.host, options.port) +
                                                  ": a host and a port are needed"};
  }
  SilenceGrpcLog();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(
      std::min<std::size_t>(options.max_message_bytes, std::numeric_limits<int>::max())));
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  if (options.round_robin)
    arguments.SetServiceConfigJSON(R"({"loadBalancingConfig":[{"round_robin":{}}]})");
  const int first = ToInt(options.reconnect_after);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, first);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, first);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   std::max(first, ToInt(options.reconnect_at_most)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kAskAfterMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kAskForMs);
  TS_TRY_ASSIGN(const auto credentials, MakeChannelCredentials(options.tls, arguments));
  auto impl = std::make_unique<Impl>();
  impl->channel = grpc::CreateCustomChannel(TargetOf(options), credentials, arguments);
  impl->stub.emplace(impl->channel);
  return std::unique_ptr<GrpcClient>(new GrpcClient(std::move(impl)));
}

void GrpcClient::Impl::Start(std::unique_ptr<Running> call, const std::stop_token& stop) {
  in_flight.Begin();
  const auto context = call->context;
  Running* running = call.release();  // back in a unique_ptr in the callback, which always runs
  running->on_stop.emplace(stop, Cancel{context});
  running->on_close.emplace(closing.get_token(), Cancel{context});
  stub->UnaryCall(context.get(), running->method, grpc::StubOptions(), &running->request,
                  &running->response, [this, running](grpc::Status status) {
                    std::unique_ptr<Running> mine(running);
                    mine->on_stop.reset();
                    mine->on_close.reset();
                    RawReply reply = ToReply(status, mine->response);
                    const Done done = std::move(mine->done);
                    mine.reset();
                    done(std::move(reply));
                    in_flight.End();
                  });
}

void GrpcClient::CallAsync(const std::string& method, std::string_view message,
                           const GrpcCall& call, Done done) {
  for (const auto& [key, value] : call.metadata) {
    if (IsValid(key, value)) continue;
    done(RawReply::Fail(GrpcCode::kInvalidArgument,
                        "metadata \"" + key + "\" has a key or value that can't be sent"));
    return;
  }
  auto running = std::make_unique<Impl::Running>();
  running->method = method;
  running->done = std::move(done);
  grpc::ClientContext& context = *running->context;
  context.set_deadline(After(call.timeout));
  context.set_wait_for_ready(call.wait_for_ready);
  if (call.gzip) context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  for (const auto& [key, value] : call.metadata) context.AddMetadata(key, value);
  const grpc::Slice slice(message.data(), message.size());
  running->request = grpc::ByteBuffer(&slice, 1);
  impl_->Start(std::move(running), call.stop);
}

RawReply GrpcClient::Call(const std::string& method, std::string_view message,
                          const GrpcCall& call) {
  // Shared: the waiter may be gone before set_value has returned.
  const auto answered = std::make_shared<std::promise<RawReply>>();
  auto answer = answered->get_future();
  CallAsync(method, message, call,
            [answered](RawReply reply) { answered->set_value(std::move(reply)); });
  return answer.get();
}

ConnectionState GrpcClient::state() const { return ToState(impl_->channel->GetState(false)); }

bool GrpcClient::Connect(std::chrono::milliseconds timeout) {
  return impl_->channel->WaitForConnected(After(timeout));
}

GrpcClient::GrpcClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GrpcClient::~GrpcClient() {
  impl_->closing.request_stop();
  impl_->in_flight.AwaitNone();
}

}  // namespace tracestore::net
