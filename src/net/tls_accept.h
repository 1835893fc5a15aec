// AcceptTls: the server's side of a TLS handshake. Private to the servers: it shows Asio.
#pragma once
#include <chrono>
#include <utility>  // before Boost, which lacks it

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include "net/secure_stream.h"
#include "net/tls_context.h"

namespace tracestore::net {

// Does the handshake, within `patience` in all; without an error the stream is TLS from then on.
//
// OpenSSL and Asio take some 120 KiB for a connection from the moment on that they have one, in
// pieces that the allocator keeps when a crowd of them is gone. So they get one only once all of a
// ClientHello has come, or what can't become one: who says nothing, or half of it, costs the bytes
// that it sent.
boost::asio::awaitable<boost::system::error_code> AcceptTls(SecureStream& stream,
                                                            TlsContext& context,
                                                            std::chrono::milliseconds patience);

}  // namespace tracestore::net
