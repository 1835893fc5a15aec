#include "ingest/forward/open_forwarder.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/try.h"

namespace tracestore::ingest {

std::vector<std::string> SplitAddresses(const std::vector<std::string>& lists) {
  std::vector<std::string> out;
  for (const std::string& list : lists) {
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(',', begin), list.size());
      std::string each = list.substr(begin, end - begin);
      each.erase(0, each.find_first_not_of(' '));
      each.erase(each.find_last_not_of(' ') + 1);
      if (!each.empty()) out.push_back(std::move(each));
      begin = end + 1;
    }
  }
  return out;
}

Result<std::unique_ptr<Forwarder>> OpenForwarder(const ForwarderConfig& config,
                                                 ForwardObserver observer) {
  if (config.collectors.empty())
    return Error(ErrorCode::kInvalidArgument,
                 "at least one collector hostPort address is required");
  std::vector<std::unique_ptr<ForwardTarget>> targets;
  for (const std::string& address : config.collectors) {
    TS_TRY_ASSIGN(auto target, MakeForwardTarget(config.protocol, address, config.access));
    targets.push_back(std::move(target));
  }
  std::unique_ptr<ForwardQueue> queue;
  if (config.buffer_directory.empty()) {
    queue = MakeMemoryQueue(config.buffer_bytes);
  } else {
    TS_TRY_ASSIGN(queue,
                  OpenDiskQueue(config.buffer_directory, config.buffer_bytes, config.buffer_sync));
  }
  // So that agents that are started together don't retry together.
  std::random_device seed;
  auto pool = std::make_unique<CollectorPool>(std::move(targets), config.backoff,
                                              std::uint64_t{seed()} << 32 | seed());
  return Forwarder::Start(config.options, std::move(queue), std::move(pool), std::move(observer));
}

}  // namespace tracestore::ingest
