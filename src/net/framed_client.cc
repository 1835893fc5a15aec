#define BOOST_ASIO_NO_DEPRECATED
#include "net/framed_client.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/try.h"
#include "net/client_connections.h"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

auto Into(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

// One exchange over a connection: bytes out, frames in.
struct Exchange {
  ClientConnection& connection;
  const FrameClientProtocol& protocol;
  const FramedClientOptions& options;
  std::string_view bytes;
  const FrameReader& on_frame;
  std::chrono::milliseconds timeout;
  ClientOutcome outcome{};
  std::optional<Error> refusal{};  // of what came, by the reader or by a limit

  asio::awaitable<void> Run();
  asio::awaitable<error_code> ReadFrame(std::string& frame);
};

// An empty frame: refused.
asio::awaitable<error_code> Exchange::ReadFrame(std::string& frame) {
  error_code ec;
  frame.resize(protocol.header_bytes);
  co_await asio::async_read(connection.stream, asio::buffer(frame), Into(ec));
  if (ec) co_return ec;
  const std::optional<std::size_t> rest = protocol.rest(frame);
  if (!rest) {
    refusal = Error(ErrorCode::kCorruption, "what the server sent is no frame");
  } else if (*rest > options.max_frame_bytes) {
    refusal = Error(ErrorCode::kBusy, "the answer has a frame of " + std::to_string(*rest) +
                                          " bytes, more than " +
                                          std::to_string(options.max_frame_bytes));
  }
  if (refusal) {
    frame.clear();
    co_return ec;
  }
  frame.resize(protocol.header_bytes + *rest);
  co_await asio::async_read(connection.stream,
                            asio::buffer(frame.data() + protocol.header_bytes, *rest), Into(ec));
  co_return ec;
}

asio::awaitable<void> Exchange::Run() {
  connection.stream.tcp().expires_after(timeout);
  error_code written;
  co_await asio::async_write(connection.stream, asio::buffer(bytes.data(), bytes.size()),
                             Into(written));
  // A server that refuses a call answers before it has read it, and the answer says why.
  std::string frame;
  for (std::size_t frames = 0; frames < options.max_frames; ++frames) {
    const error_code ec = co_await ReadFrame(frame);
    if (ec || refusal) {
      outcome.step = written ? "cannot send" : "cannot read the answer";
      outcome.error = ec && written ? written : ec;
      co_return;
    }
    auto step = on_frame(frame);
    if (!step.has_value()) {
      refusal = std::move(step).error();
    } else if (!step->last && !step->reply.empty() && !written) {
      co_await asio::async_write(connection.stream, asio::buffer(step->reply), Into(written));
    }
    if (refusal || step->last) {
      outcome.reusable = !refusal && !written && step->keep;
      outcome.error = {};
      co_return;
    }
  }
  outcome.error = {};
  refusal = Error(ErrorCode::kBusy, "the answer has more than " +
                                        std::to_string(options.max_frames) + " frames");
}

}  // namespace

struct FramedClient::Impl {
  FramedClientOptions options;
  FrameClientProtocol protocol;
  std::unique_ptr<ClientConnections> connections;

  // Whether the connection may be kept.
  Result<bool> Run(ClientConnection& connection, std::string_view bytes,
                   const FrameReader& on_frame, const FramedCall& call) const {
    Exchange exchange{connection, protocol, options, bytes, on_frame, call.timeout};
    RunOn(connection, call.stop, exchange.Run());
    if (exchange.refusal) return *std::move(exchange.refusal);
    if (exchange.outcome.error) return ToError(exchange.outcome, call.stop);
    return exchange.outcome.reusable;
  }

  Status Call(const FramedCall& call) const {
    auto connection = connections->TakeIdle();
    if (connection == nullptr) {
      TS_TRY_ASSIGN(connection, connections->Open(call.stop));
      if (!protocol.greeting.empty()) {
        TS_TRY(Run(*connection, protocol.greeting, protocol.greeted, call));
      }
    }
    TS_TRY_ASSIGN(const bool keep, Run(*connection, call.bytes, call.on_frame, call));
    if (keep) connections->Keep(std::move(connection));
    return {};
  }
};

Result<std::unique_ptr<FramedClient>> FramedClient::Make(FramedClientOptions options,
                                                         FrameClientProtocol protocol) {
  ClientConnectionsOptions at;
  at.host = options.host;
  at.port = options.port;
  at.tls = options.tls;
  at.connect_timeout = options.connect_timeout;
  at.max_idle = options.max_idle_connections;
  at.idle_timeout = options.idle_timeout;
  auto impl = std::make_unique<Impl>();
  TS_TRY_ASSIGN(impl->connections, ClientConnections::Make(std::move(at)));
  impl->options = std::move(options);
  impl->protocol = std::move(protocol);
  return std::unique_ptr<FramedClient>(new FramedClient(std::move(impl)));
}

FramedClient::FramedClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FramedClient::~FramedClient() = default;

Status FramedClient::Call(const FramedCall& call) {
  try {
    return impl_->Call(call);
  } catch (const std::exception& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

}  // namespace tracestore::net
