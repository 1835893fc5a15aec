// JaegerQuerySource: what Jaeger's APIs over HTTP and gRPC share: a bounded moment of the store,
// and its names as Jaeger shows them.
#pragma once
#include <tracestore/store.h>

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/jaeger/query_api.h"

namespace tracestore::server {

// Threads: any.
class JaegerQuerySource {
 public:
  explicit JaegerQuerySource(JaegerQueryOptions options) : options_(std::move(options)) {}

  const JaegerQueryOptions& options() const noexcept { return options_; }

  // Tells options().results.
  void Found(std::string_view operation, std::uint64_t results) const {
    if (options_.results) options_.results(operation, results);
  }

  // Unix time.
  std::chrono::nanoseconds Now() const;
  // Of a search that begins now.
  std::chrono::steady_clock::time_point SearchDeadline() const;
  // One whose calls give up as a search does, or when `cancel` (borrowed) says so.
  Result<Snapshot> BoundedSnapshot(const std::atomic<bool>* cancel = nullptr) const;

  // How many traces a search gives that asks for `asked`, of which 0 is all.
  std::uint32_t LimitOf(std::uint32_t asked) const noexcept;

  // A trace by id: of the store, or, where that hasn't it, of the archive. Errors: kNotFound and
  // those of reading.
  Result<SpanList> TraceOf(const Snapshot& snapshot, TraceId id) const;

  // "" is shown as kNoServiceName.
  static std::string_view Shown(std::string_view service) noexcept;
  Result<std::set<std::string>> ServiceNames(const std::atomic<bool>* cancel = nullptr) const;
  // By name, then kind.
  Result<std::vector<OperationInfo>> Operations(const std::string& service,
                                                const std::atomic<bool>* cancel = nullptr) const;

 private:
  Query UnnamedQuery(std::uint32_t limit) const;
  Result<std::vector<OperationInfo>> UnnamedOperations(const Snapshot& snapshot,
                                                       std::string_view shown_as) const;

  const JaegerQueryOptions options_;
};

}  // namespace tracestore::server
