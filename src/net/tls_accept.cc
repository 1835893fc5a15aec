#define BOOST_ASIO_NO_DEPRECATED
#include "net/tls_accept.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <string>

#include "net/first_bytes.h"

// GCC 12 takes Asio's allocation of a coroutine's frame, inlined, for another than its own.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kReadStep = 512;  // most hellos come in one step

auto Into(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }

// What has come behind the first piece, also of what is no hello: the answer to a client in plain
// would not reach it if some of its bytes were never read.
void ReadWhatIsThere(SecureStream& stream, std::string& hello) {
  error_code ec;
  auto& socket = stream.tcp().socket();
  const std::size_t ready = std::min(socket.available(ec), kMaxFirstBytes);
  if (ec || ready == 0) return;
  const std::size_t before = hello.size();
  hello.resize(before + ready);
  hello.resize(before + socket.read_some(asio::buffer(hello.data() + before, ready), ec));
}

asio::awaitable<error_code> ReadHello(SecureStream& stream, std::string& hello) {
  std::array<char, kReadStep> piece;
  error_code ec;
  while (!ec && ReadFirstBytes(hello).kind == FirstBytesKind::kIncomplete) {
    const std::size_t size = co_await stream.tcp().async_read_some(asio::buffer(piece), Into(ec));
    hello.append(piece.data(), size);
    if (!ec) ReadWhatIsThere(stream, hello);
  }
  co_return ec;
}

}  // namespace

asio::awaitable<error_code> AcceptTls(SecureStream& stream, TlsContext& context,
                                      std::chrono::milliseconds patience) {
  stream.tcp().expires_after(patience);
  std::string hello;
  error_code ec = co_await ReadHello(stream, hello);
  if (ec) co_return ec;
  stream.StartTls(context.Current().get());
  co_await stream.tls().async_handshake(asio::ssl::stream_base::server,
                                        asio::const_buffer(hello.data(), hello.size()), Into(ec));
  co_return ec;
}

}  // namespace tracestore::net
