// Which TLS a listener has.
#pragma once
#include <string_view>

#include "net/tls.h"
#include "service/config.h"

namespace tracestore::tools {

// Of the listener of that key (ListenerName::key); one that isn't enabled for a key that has none.
const net::TlsServerOptions& TlsOf(const ServiceConfig& config, std::string_view key) noexcept;

}  // namespace tracestore::tools
