// What connections have in common, whatever they speak.
#include "net/http_server_impl.h"  // before all of Boost

#include <boost/asio/post.hpp>

#include "net/host_port.h"

namespace tracestore::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

std::string PeerName(const tcp::socket& socket) {
  error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  if (ec) return {};
  auto address = peer.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return FormatHostPort(address.to_string(), peer.port());
}

}  // namespace

HttpServer::Impl::OpenConnection::OpenConnection(Impl& owner, tcp::socket socket)
    : server_(owner), stream_(std::move(socket)), peer_(PeerName(stream_.tcp().socket())) {
  self_ = server_.open.insert(server_.open.end(), this);
  const std::lock_guard lock(server_.mutex);
  ++server_.open_count;
}

HttpServer::Impl::OpenConnection::~OpenConnection() {
  Set(Does::kBusy);
  server_.open.erase(self_);
  stream_.tcp().close();
  {
    const std::lock_guard lock(server_.mutex);
    --server_.open_count;
  }
  server_.closed.notify_all();
}

// Runs `work` on the pool and waits for its end without blocking the I/O thread. False if the pool
// takes no more work, or `work` threw. `work` may refer to the caller's frame, which outlives it.
Task<bool> HttpServer::Impl::OpenConnection::Offload(const std::function<void()>& work) {
  asio::steady_timer done(server_.io, asio::steady_timer::time_point::max());
  asio::io_context& io = server_.io;
  bool finished = false;
  const bool accepted = server_.pool.Submit([&work, &done, &io, &finished] {
    try {
      work();
      finished = true;
    } catch (const std::exception&) {
      // Out of memory even for an error answer: the connection ends.
    }
    // The cancel runs on the I/O thread, so not before the wait below has begun.
    asio::post(io, [&done] { done.cancel(); });
  });
  if (!accepted) co_return false;
  error_code ec;
  co_await done.async_wait(Into(ec));
  co_return finished;
}

}  // namespace tracestore::net
