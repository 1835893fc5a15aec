// One thread runs an io_context with a coroutine a connection; the handler runs on the worker pool.
// State without a lock belongs to the I/O thread.
#define BOOST_ASIO_NO_DEPRECATED
#include "net/framed_server.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "base/try.h"
#include "net/host_port.h"
#include "net/listen.h"
#include "net/message_room.h"
#include "net/open_connections.h"
#include "net/secure_stream.h"
#include "net/tls_accept.h"
#include "net/tls_context.h"
#include "net/worker_pool.h"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

template <typename T>
using Task = asio::awaitable<T>;

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kReadStep = 64 * 1024;           // of a message a read timeout
constexpr std::size_t kWriteStep = 256 * 1024;         // of an answer a write timeout
constexpr std::chrono::milliseconds kAcceptPause{50};  // when out of descriptors

auto Into(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

std::string WithLength(std::string_view bytes) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(bytes.size() >> shift));
  return out += bytes;
}

// Framed Thrift: a length of four bytes, the highest first.
FrameProtocol WithLengths(FrameHandler handler) {
  FrameProtocol protocol;
  protocol.header_bytes = kLengthBytes;
  protocol.rest = [](std::string_view header) {
    std::size_t length = 0;
    for (const char byte : header) length = length << 8 | static_cast<std::uint8_t>(byte);
    return std::optional(length);
  };
  protocol.open = [handler = std::move(handler)](std::string_view peer) -> FrameSession {
    return [&handler, peer = std::string(peer)](std::string_view frame) {
      const auto answer = handler(frame.substr(kLengthBytes), peer);
      FrameAnswer out;
      out.end = !answer.has_value();
      if (answer && !answer->empty()) out.bytes = WithLength(*answer);
      return out;
    };
  };
  return protocol;
}

std::string PeerName(const tcp::socket& socket) {
  error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  return ec ? std::string() : FormatHostPort(peer.address().to_string(), peer.port());
}

}  // namespace

const char* FrameProblemName(FrameProblem problem) noexcept {
  switch (problem) {
    case FrameProblem::kTooLong: return "too-long";
    case FrameProblem::kTooSlow: return "too-slow";
    case FrameProblem::kNoRoom: return "no-room";
    case FrameProblem::kTooManyConnections: return "too-many-connections";
  }
  return "unknown";
}

struct FramedServer::Impl {
  // One client. Made at accept, destroyed by the end of its coroutine, both on the I/O thread.
  struct Connection {
    Connection(Impl& owner, tcp::socket socket);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    using Does = OpenConnections<Connection>::Does;
    void Set(Does does) { Set(does, std::chrono::steady_clock::now()); }
    void Set(Does does, std::chrono::steady_clock::time_point since) {
      server.waiting.Set(*this, place, does, since);
    }
    bool idle() const noexcept { return place.does == Does::kIdle; }
    // For the sake of others: its coroutine ends at the next turn of the loop.
    void PutOff() {
      Set(Does::kBusy);
      stream.tcp().close();
    }

    Impl& server;
    SecureStream stream;
    std::string peer;
    FrameSession session;
    std::string frame;         // header included
    MessageRoom::Share share;
    bool unfinished = false;  // the last message said that more must come
    std::list<Connection*>::iterator self;
    // A message is coming from the first one on that said that more must come.
    OpenConnections<Connection>::Place place;
  };

  Impl(FramedServerOptions o, FrameProtocol f, std::function<void(FrameProblem)> p)
      : options(std::move(o)),
        protocol(std::move(f)),
        on_problem(std::move(p)),
        pool(options.worker_threads) {}

  Status Listen();
  void Stop(std::chrono::milliseconds grace);
  void Tell(FrameProblem problem) const {
    if (on_problem) on_problem(problem);
  }

  Task<void> Accept();
  static Task<void> Serve(std::unique_ptr<Connection> connection);
  static Task<bool> Handshake(Connection& c);
  static Task<bool> ServeOne(Connection& c);
  static Task<bool> ReadSome(Connection& c, char* into, std::size_t size, std::size_t before);
  static Task<std::optional<std::size_t>> ReadHeader(Connection& c);
  static Task<bool> ReadFrame(Connection& c);
  static Task<bool> Respond(Connection& c);
  static Task<bool> Write(Connection& c, std::string_view bytes);

  const FramedServerOptions options;
  const FrameProtocol protocol;
  const std::function<void(FrameProblem)> on_problem;
  std::uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;  // null: plain

  std::list<Connection*> open;
  OpenConnections<Connection> waiting;  // for all of a message, or the first byte
  MessageRoom room{options.max_bytes_in_flight};
  bool stopping = false;

  mutable std::mutex mutex;
  std::condition_variable closed;
  std::size_t open_count = 0;  // guarded by mutex

  std::mutex stop_mutex;
  bool stopped = false;  // guarded by stop_mutex

  WorkerPool pool;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer accept_pause{io};
  std::jthread thread;
};

FramedServer::Impl::Connection::Connection(Impl& owner, tcp::socket socket)
    : server(owner),
      stream(std::move(socket)),
      peer(PeerName(stream.tcp().socket())),
      session(owner.protocol.open(peer)),
      share(owner.room, [this] {
        server.Tell(FrameProblem::kTooSlow);
        PutOff();
      }) {
  self = server.open.insert(server.open.end(), this);
  Set(Does::kIdle);
  const std::lock_guard lock(server.mutex);
  ++server.open_count;
}

FramedServer::Impl::Connection::~Connection() {
  Set(Does::kBusy);
  server.open.erase(self);
  stream.tcp().close();
  {
    const std::lock_guard lock(server.mutex);
    --server.open_count;
  }
  server.closed.notify_all();
}

Status FramedServer::Impl::Listen() {
  if (options.tls.enabled) {
    TS_TRY_ASSIGN(tls, TlsContext::ForServer(options.tls));
  }
  auto socket = ListenSocket::Open(options.host, options.port);
  if (!socket.has_value()) return std::move(socket).error();
  port = socket->port();
  error_code ec;
  acceptor.assign(socket->is_ipv6() ? tcp::v6() : tcp::v4(), socket->Release(), ec);
  if (ec) {
    return Error{ErrorCode::kIo, "cannot listen on " + FormatHostPort(options.host, options.port) +
                                     ": " + ec.message()};
  }
  asio::co_spawn(io, Accept(), asio::detached);
  thread = base::StartThread([this] { io.run(); });
  return {};
}

Task<void> FramedServer::Impl::Accept() {
  while (!stopping) {
    error_code ec;
    tcp::socket socket(io);
    co_await acceptor.async_accept(socket, Into(ec));
    if (stopping) break;
    if (ec) {
      accept_pause.expires_after(kAcceptPause);
      co_await accept_pause.async_wait(Into(ec));
      continue;
    }
    if (open.size() >= options.max_connections) {
      Tell(FrameProblem::kTooManyConnections);
      Connection* const longest = waiting.ToClose(std::chrono::steady_clock::now());
      if (longest == nullptr) continue;  // its destructor closes the new one
      longest->PutOff();
    }
    try {
      socket.set_option(tcp::no_delay(true), ec);
      asio::co_spawn(io, Serve(std::make_unique<Connection>(*this, std::move(socket))),
                     asio::detached);
    } catch (const std::exception&) {
      // Out of memory for one more connection: it is closed, the others go on.
    }
  }
}

Task<void> FramedServer::Impl::Serve(std::unique_ptr<Connection> connection) {
  try {
    bool more = true;
    if (connection->server.tls != nullptr) more = co_await Handshake(*connection);
    while (more) more = co_await ServeOne(*connection);
  } catch (const std::exception&) {
    // bad_alloc or a failed system call: this connection ends, the server goes on.
  }
}

Task<bool> FramedServer::Impl::Handshake(Connection& c) {
  const error_code ec = co_await AcceptTls(c.stream, *c.server.tls, c.server.options.read_timeout);
  co_return !ec;
}

// True if the connection may carry another message.
Task<bool> FramedServer::Impl::ServeOne(Connection& c) {
  const bool came = co_await ReadFrame(c);
  if (!came || c.share.taken_away()) co_return false;
  c.share.Whole();
  c.Set(Connection::Does::kBusy);
  const bool more = co_await Respond(c);
  c.share.Release();
  std::string().swap(c.frame);
  co_return more && !c.server.stopping;
}

// Reads until `size` bytes have come, behind those `before`. The timeout is set by the caller, and
// renewed here for each step.
Task<bool> FramedServer::Impl::ReadSome(Connection& c, char* into, std::size_t size,
                                        std::size_t before) {
  std::size_t renew_at = kReadStep;
  for (std::size_t got = 0; got < size;) {
    error_code ec;
    got += co_await c.stream.async_read_some(asio::buffer(into + got, size - got), Into(ec));
    if (ec == boost::beast::error::timeout && !c.idle()) c.server.Tell(FrameProblem::kTooSlow);
    if (ec) co_return false;
    c.share.Came(before + got, std::chrono::steady_clock::now());
    if (c.idle() || got >= renew_at) {
      c.Set(Connection::Does::kComing);
      renew_at = got + kReadStep;
      c.stream.tcp().expires_after(c.server.options.read_timeout);
    }
  }
  co_return true;
}

// The bytes that follow the header, which is in the frame then.
Task<std::optional<std::size_t>> FramedServer::Impl::ReadHeader(Connection& c) {
  const FramedServerOptions& options = c.server.options;
  if (c.server.stopping) co_return std::nullopt;
  if (c.unfinished) {
    c.Set(Connection::Does::kComing, c.place.since);
  } else {
    c.Set(Connection::Does::kIdle);
  }
  c.stream.tcp().expires_after(c.unfinished ? options.read_timeout : options.idle_timeout);
  c.frame.resize(c.server.protocol.header_bytes);
  const bool came = co_await ReadSome(c, c.frame.data(), c.frame.size(), 0);
  if (!came) co_return std::nullopt;
  const auto rest = c.server.protocol.rest(c.frame);
  if (rest && *rest > options.max_frame_bytes) {
    c.server.Tell(FrameProblem::kTooLong);
    co_return std::nullopt;
  }
  co_return rest;
}

// The message grows as it arrives, so that a length costs its sender no less than it says.
Task<bool> FramedServer::Impl::ReadFrame(Connection& c) {
  const FramedServerOptions& options = c.server.options;
  const auto rest = co_await ReadHeader(c);
  if (!rest) co_return false;
  const std::size_t header = c.frame.size();
  c.stream.tcp().expires_after(options.read_timeout);
  for (std::size_t had = 0; had < *rest;) {
    const std::size_t next = std::min(*rest, std::max(kReadStep, had * 2));
    if (!c.share.GrowTo(next, std::chrono::steady_clock::now())) {
      if (!c.share.taken_away()) c.server.Tell(FrameProblem::kNoRoom);
      co_return false;
    }
    c.frame.resize(header + next);
    char* const into = c.frame.data() + header + had;
    const bool came = co_await ReadSome(c, into, next - had, had);
    if (!came) co_return false;
    had = next;
  }
  co_return true;
}

// Runs the session on the pool and waits for its end without blocking the I/O thread.
Task<bool> FramedServer::Impl::Respond(Connection& c) {
  asio::steady_timer done(c.server.io, asio::steady_timer::time_point::max());
  std::optional<FrameAnswer> answer;
  const bool accepted = c.server.pool.Submit([&c, &done, &answer] {
    try {
      answer = c.session(c.frame);
    } catch (const std::exception&) {
      // No answer: the connection ends.
    }
    // The cancel runs on the I/O thread, so not before the wait below has begun.
    asio::post(c.server.io, [&done] { done.cancel(); });
  });
  if (!accepted) co_return false;
  error_code ec;
  co_await done.async_wait(Into(ec));
  if (!answer) co_return false;
  c.unfinished = answer->unfinished;
  const bool sent = co_await Write(c, answer->bytes);
  co_return sent && !answer->end;
}

Task<bool> FramedServer::Impl::Write(Connection& c, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kWriteStep);
    error_code ec;
    c.stream.tcp().expires_after(c.server.options.write_timeout);
    co_await asio::async_write(c.stream, asio::buffer(piece.data(), piece.size()), Into(ec));
    if (ec == boost::beast::error::timeout) c.server.Tell(FrameProblem::kTooSlow);
    if (ec) co_return false;
    bytes.remove_prefix(piece.size());
  }
  co_return true;
}

void FramedServer::Impl::Stop(std::chrono::milliseconds grace) {
  const std::lock_guard once(stop_mutex);
  if (stopped) return;
  stopped = true;
  asio::post(io, [this] {
    error_code ec;
    stopping = true;
    acceptor.close(ec);
    accept_pause.cancel();
    for (const auto& [since, connection] : waiting.idle()) connection->stream.tcp().close();
  });
  {
    std::unique_lock lock(mutex);
    closed.wait_for(lock, grace, [this] { return open_count == 0; });
  }
  asio::post(io, [this] {
    for (Connection* connection : open) connection->stream.tcp().close();
  });
  pool.Stop();    // what runs is waited for
  thread.join();  // run() returns when the last coroutine has ended
}

Result<std::unique_ptr<FramedServer>> FramedServer::Start(
    FramedServerOptions options, FrameHandler handler,
    std::function<void(FrameProblem)> on_problem) {
  return Start(std::move(options), WithLengths(std::move(handler)), std::move(on_problem));
}

Result<std::unique_ptr<FramedServer>> FramedServer::Start(
    FramedServerOptions options, FrameProtocol protocol,
    std::function<void(FrameProblem)> on_problem) {
  try {
    auto impl =
        std::make_unique<Impl>(std::move(options), std::move(protocol), std::move(on_problem));
    auto listening = impl->Listen();
    if (!listening.has_value()) return std::move(listening).error();
    return std::unique_ptr<FramedServer>(new FramedServer(std::move(impl)));
  } catch (const std::exception& error) {
    return Error{ErrorCode::kIo, std::string("cannot start the server: ") + error.what()};
  }
}

FramedServer::FramedServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FramedServer::~FramedServer() { impl_->Stop(std::chrono::milliseconds(0)); }
std::uint16_t FramedServer::port() const noexcept { return impl_->port; }
void FramedServer::Stop(std::chrono::milliseconds grace) { impl_->Stop(grace); }

std::size_t FramedServer::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->open_count;
}

}  // namespace tracestore::net
