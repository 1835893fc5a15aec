// Collectors reached by TChannel: as a target that spans are sent to, and as somebody to ask for
// strategies. Both are kUnsupported in a build without Thrift or Zipkin.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <memory>
#include <string>

#include "ingest/forward/collector_strategies.h"
#include "ingest/forward/forward_target.h"

namespace tracestore::ingest {

// Collector::submitBatches at "host:port". Of `access` TLS is used; the protocol has no place for
// credentials and tenants. Errors: kInvalidArgument; those of the TLS files.
Result<std::unique_ptr<ForwardTarget>> MakeTchannelTarget(const std::string& address,
                                                          const CollectorAccess& access = {});

// SamplingManager::getSamplingStrategy likewise.
Result<AskCollector> AskByTchannel(const std::string& address, std::chrono::milliseconds timeout,
                                   const CollectorAccess& access = {});

}  // namespace tracestore::ingest
