// The inside of HttpServer: what its parts share, accepting (http_server.cc) and the life of a
// connection (http_connection.cc, http2_connection.cc). No other file includes it, nor Beast.
//
// One thread runs an io_context with a coroutine a connection; whatever may block (handlers,
// compression, streams) runs on the worker pool. State without a lock belongs to the I/O thread.
#pragma once

#define BOOST_ASIO_NO_DEPRECATED

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "net/http_exchange.h"
#include "net/http_server.h"
#include "net/message_room.h"
#include "net/open_connections.h"
#include "net/secure_stream.h"
#include "net/tls_context.h"
#include "net/worker_pool.h"

namespace tracestore::net {

using boost::asio::ip::tcp;

template <typename T>
using Task = boost::asio::awaitable<T>;

inline auto Into(boost::system::error_code& ec) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, ec);
}

struct HttpServer::Impl {
  class OpenConnection;
  class Connection;
  class Http2Connection;
  // How the server itself answers a request that never reaches the handler.
  struct Refusal {
    int status = 0;  // 0 = no answer, the connection is gone
    std::string message;
    bool too_slow = false;  // why it is gone
    bool whole = false;     // the request has come, and nothing is refused
  };

  Impl(HttpServerOptions o, HttpHandler h)
      : options(std::move(o)), handler(std::move(h)), pool(options.worker_threads) {}

  Status Listen();
  void Stop(std::chrono::milliseconds grace);

  void Tell(std::string_view cause) const {
    if (options.on_refused && !cause.empty()) options.on_refused(cause);
  }

  Task<void> Accept();
  // HTTP/2 for who has begun it.
  void Admit(tcp::socket socket, std::optional<Http2Start> http2 = std::nullopt);
  WireResponse RefusalResponse(const Refusal& refusal, ExchangeContext context) const;

  const HttpServerOptions options;
  const HttpHandler handler;
  std::uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;  // null: plain
  std::stop_source stop_source;

  std::list<OpenConnection*> open;
  OpenConnections<OpenConnection> waiting;  // for all of a request, or the first byte
  MessageRoom bodies{options.max_body_bytes_in_flight};
  bool stopping = false;

  mutable std::mutex mutex;
  std::condition_variable closed;
  std::size_t open_count = 0;  // guarded by mutex

  std::mutex stop_mutex;
  bool stopped = false;  // guarded by stop_mutex

  WorkerPool pool;
  boost::asio::io_context io{1};
  tcp::acceptor acceptor{io};
  boost::asio::steady_timer accept_pause{io};
  // Keeps the thread while there is no acceptor that does.
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> awaiting;
  std::jthread thread;
};

// One client, whatever it speaks. Made at accept, destroyed by the end of its coroutines, both on
// the I/O thread.
class HttpServer::Impl::OpenConnection {
 public:
  OpenConnection(Impl& owner, tcp::socket socket);
  virtual ~OpenConnection();
  OpenConnection(const OpenConnection&) = delete;
  OpenConnection& operator=(const OpenConnection&) = delete;

  bool is_coming() const noexcept { return place_.does == Does::kComing; }
  // What its coroutines wait for fails; they end at the next turn of the loop.
  virtual void Close() { stream_.tcp().close(); }
  // The same for the sake of others.
  virtual void PutOff() {
    Set(Does::kBusy);
    Close();
  }
  // The server takes no more requests: what is idle ends.
  virtual void Finish() {
    if (place_.does == Does::kIdle) Close();
  }

 protected:
  using Does = OpenConnections<OpenConnection>::Does;
  void Set(Does does) {
    server_.waiting.Set(*this, place_, does, std::chrono::steady_clock::now());
  }
  Task<bool> Offload(const std::function<void()>& work);

  Impl& server_;
  SecureStream stream_;
  std::string peer_;

 private:
  std::list<OpenConnection*>::iterator self_;
  OpenConnections<OpenConnection>::Place place_;
};

// Of HTTP/1.1.
class HttpServer::Impl::Connection : public OpenConnection {
 public:
  using OpenConnection::OpenConnection;

  // Requests and answers until the client or the server has enough of it.
  static Task<void> Serve(std::unique_ptr<Connection> connection);

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  Task<bool> Handshake();
  Task<void> SayEnd();
  Task<bool> ServeOne();
  Task<bool> AwaitFirstByte();
  Task<Refusal> ReadRequest(Parser& parser, HttpRequest& request, MessageRoom::Share& share);
  static Refusal Whole() { return {.status = 0, .message = {}, .too_slow = false, .whole = true}; }
  static Refusal TooManyBodies() { return {429, "too many request bodies in flight"}; }
  bool GrowBody(std::size_t used, std::size_t limit, std::string& body, MessageRoom::Share& share);
  Task<Refusal> ReadSized(std::size_t length, std::string& body, MessageRoom::Share& share);
  Task<Refusal> ReadChunked(Parser& parser, std::string& body, MessageRoom::Share& share);
  Task<bool> Respond(const Parser& parser, HttpRequest& request);
  Task<bool> SendStream(WireResponse& response);
  Task<bool> Write(std::string_view head, std::string_view body);
  Task<void> Refuse(const Refusal& refusal);
  Refusal RefusalOf(boost::system::error_code ec) const;

  static constexpr std::size_t kMaxBuffer = 256 * 1024;  // of one chunk header with extensions

  boost::beast::flat_buffer buffer_{kMaxBuffer};
};

}  // namespace tracestore::net
