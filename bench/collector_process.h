// CollectorProcess: a tracestore service as a process of its own, on free ports of the loopback,
// with what it cost.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <tracestore/status.h>

namespace tracestore::bench {

struct CollectorUsage {
  double cpu_seconds = 0;             // user and system, so far
  std::uint64_t anonymous_bytes = 0;  // resident, now
};

// One thread.
class CollectorProcess {
 public:
  // Starts `program` all-in-one over `directory`, with `flags`, and waits until its file of ports
  // is there. Errors: kIo.
  static Result<std::unique_ptr<CollectorProcess>> Start(const std::string& program,
                                                         const std::string& directory,
                                                         const std::vector<std::string>& flags);
  ~CollectorProcess();  // ends it, by SIGKILL where Stop() wasn't called
  CollectorProcess(const CollectorProcess&) = delete;
  CollectorProcess& operator=(const CollectorProcess&) = delete;

  // 0 where it has no such listener.
  std::uint16_t port(const std::string& key) const;
  CollectorUsage Usage() const;
  // The sum of a metric's samples whose labels contain `label` ("" for all).
  Result<double> Metric(const std::string& name, const std::string& label = {}) const;

  // SIGTERM, and all CPU seconds until it had ended: what was in memory is sealed by then.
  Result<double> Stop();

 private:
  CollectorProcess() = default;
  pid_t pid_ = 0;
  std::map<std::string, std::uint16_t> ports_;
};

// What the kernel says of the UDP socket of a local port (/proc/net/udp).
struct UdpSocketState {
  std::uint64_t queued_bytes = 0;  // not read yet
  std::uint64_t dropped = 0;       // packets, since it was opened
};
UdpSocketState UdpStateOf(std::uint16_t port);

}  // namespace tracestore::bench
