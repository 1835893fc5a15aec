// Which TLS a listener has, and what servers of gRPC and of framed messages are opened with.
#pragma once
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "net/framed_server.h"
#include "net/grpc_server.h"
#include "net/tls.h"
#include "service/config.h"
#include "service/service.h"

namespace tracestore::tools {

// Of the listener of that key (ListenerName::key); one that isn't enabled for a key that has none.
const net::TlsServerOptions& TlsOf(const ServiceConfig& config, std::string_view key) noexcept;

// Counts what the listener of that key refuses by itself. Any thread.
std::function<void(std::string_view cause)> CountRefusedMessages(Service& service,
                                                                 const std::string& key);

// What `listeners.*` says of a gRPC server, with the methods that are clients' streams. Address,
// TLS and workers are the caller's.
net::GrpcServerOptions GrpcOptions(const LimitsSection& limits,
                                   std::set<std::string, std::less<>> client_streams = {});

// Of Scribe and TChannel, whose senders notice a closed connection by losing a message: idle ones
// are closed late, or where there is no room.
net::FramedServerOptions FramedOptions(const Service& service, std::string_view key,
                                       const ListenAddress& address);

}  // namespace tracestore::tools
