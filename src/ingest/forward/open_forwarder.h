// OpenForwarder: a forwarder of what an operator writes: addresses, protocol, buffer.
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/forward/forwarder.h"

namespace tracestore::ingest {

struct ForwarderConfig {
  ForwardProtocol protocol = ForwardProtocol::kJaegerGrpc;
  std::vector<std::string> collectors;  // as MakeForwardTarget takes them
  CollectorAccess access;
  std::string buffer_directory;         // "": the buffer is in memory
  std::uint64_t buffer_bytes = std::uint64_t{256} << 20;
  bool buffer_sync = false;  // of a directory: survives a power cut too
  BackoffOptions backoff;
  ForwardOptions options;
};

// Errors: kInvalidArgument (no collectors, a bad address), the buffer's.
Result<std::unique_ptr<Forwarder>> OpenForwarder(const ForwarderConfig& config,
                                                 ForwardObserver observer = {});

// "a:1, b:2" and "c:3" as three; empty ones are left out.
std::vector<std::string> SplitAddresses(const std::vector<std::string>& lists);

}  // namespace tracestore::ingest
