// SecureStream: a TCP connection, plain or under TLS, as one type to Beast. Private to the HTTP
// server and client: it shows Asio.
#pragma once
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <cstddef>
#include <optional>
#include <utility>

namespace tracestore::net {

// Models Asio's AsyncStream. Time-outs are those of tcp(). Not movable: TLS refers to the socket.
class SecureStream {
 public:
  using executor_type = boost::beast::tcp_stream::executor_type;
  using Tls = boost::asio::ssl::stream<boost::beast::tcp_stream&>;

  template <typename Argument>
  explicit SecureStream(Argument&& argument) : tcp_(std::forward<Argument>(argument)) {}
  SecureStream(const SecureStream&) = delete;
  SecureStream& operator=(const SecureStream&) = delete;

  executor_type get_executor() noexcept { return tcp_.get_executor(); }
  boost::beast::tcp_stream& tcp() noexcept { return tcp_; }

  // From here on bytes go through TLS; the handshake is still to be done, over tls().
  void StartTls(SSL_CTX* context) {
    SSL_CTX_up_ref(context);
    boost::asio::ssl::context owner(context);  // takes over that reference
    tls_.emplace(tcp_, owner);
  }
  bool is_tls() const noexcept { return tls_.has_value(); }
  Tls& tls() noexcept { return *tls_; }

  // What has arrived of a plain connection, without waiting: 0 where nothing has, or under TLS.
  // Nothing else may be reading.
  template <typename Buffer>
  std::size_t ReadArrived(const Buffer& buffer, boost::system::error_code& ec) {
    if (tls_) return 0;
    auto& socket = tcp_.socket();
    if (!socket.non_blocking()) socket.non_blocking(true, ec);
    if (ec) return 0;
    const std::size_t size = socket.read_some(boost::asio::buffer(buffer), ec);
    if (ec == boost::asio::error::would_block) ec = {};
    return size;
  }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& into) {
          if (tls_) {
            tls_->async_read_some(into, std::move(handler));
          } else {
            tcp_.async_read_some(into, std::move(handler));
          }
        },
        token, buffers);
  }

  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& from) {
          if (tls_) {
            tls_->async_write_some(from, std::move(handler));
          } else {
            tcp_.async_write_some(from, std::move(handler));
          }
        },
        token, buffers);
  }

 private:
  boost::beast::tcp_stream tcp_;
  std::optional<Tls> tls_;
};

}  // namespace tracestore::net
