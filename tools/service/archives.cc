// Archives: the stores to which traces are copied, each beside its store, and how long they keep them.
#include <spdlog/spdlog.h>
#include <tracestore/store.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "server/tenants/tenant_stores.h"
#include "service/late_stores.h"
#include "service/parts.h"
#include "service/store_options.h"

namespace tracestore::tools {
namespace {

// As often as a store that is open looks at its retention.
constexpr std::chrono::minutes kBetweenLooks{1};
// Opening an archive makes a file of its log: not oftener where nothing says that there is something
// to do.
constexpr std::chrono::hours kBetweenCompactions{1};
// Of copies; fewer cost a reader nothing that one would notice.
constexpr std::uint64_t kSegmentsToMerge = 8;

// Of the default tenant, and of the others.
std::vector<std::string> ArchivesOf(const std::string& directory) {
  std::vector<std::string> archives;
  std::error_code error;
  const auto add = [&](const std::string& store) {
    std::error_code ignored;
    std::string archive = ArchiveDirectory(store);
    if (std::filesystem::exists(archive, ignored)) archives.push_back(std::move(archive));
  };
  add(directory);
  const auto tenants = std::filesystem::path(directory) / server::kTenantFolder;
  for (auto at = std::filesystem::directory_iterator(tenants, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    add(at->path().string());
  }
  return archives;
}

// Nobody has an archive open for long: copies of traces open it and leave a segment each. This merges
// them, and drops what is too old or too much. A thread of its own.
class ArchiveKeeper {
 public:
  ArchiveKeeper(LateStores& archives, std::string directory, ArchiveSection config)
      : archives_(archives), directory_(std::move(directory)), config_(config),
        thread_(base::StartThread([this](const std::stop_token& stop) { Run(stop); })) {}

  void Stop() {
    stopping_ = true;
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run(const std::stop_token& stop) {
    auto next = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
      const auto now = std::chrono::steady_clock::now();
      const bool due = now >= next;
      if (due) next = now + Period();
      for (const std::string& archive : ArchivesOf(directory_)) {
        if (stop.stop_requested()) return;
        if (HasWork(archive, due)) Compact(archive);
      }
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, kBetweenLooks, [] { return false; });
    }
  }

  // By age: no trace stays much longer than it may.
  std::chrono::nanoseconds Period() const {
    const std::chrono::nanoseconds most = kBetweenCompactions;
    if (config_.keep_age.count() == 0) return most;
    return std::clamp<std::chrono::nanoseconds>(config_.keep_age / 4, kBetweenLooks, most);
  }

  // `due`: a look that costs something is, too.
  bool HasWork(const std::string& archive, bool due) {
    std::error_code ignored;
    const auto changed = std::filesystem::last_write_time(archive + "/catalog/data.mdb", ignored);
    auto& looked = looked_[archive];
    if (!due && looked == changed) return false;
    const auto stats = archives_.Look(archive);
    if (!stats.has_value()) return false;  // another look the next time
    looked = changed;
    if (stats->segments == 0) return false;
    const bool too_much = config_.keep_bytes != 0 && stats->segments > 1 &&
                          stats->segment_bytes > config_.keep_bytes;
    const bool to_merge = stats->segments >= kSegmentsToMerge;
    return too_much || (due && (to_merge || config_.keep_age.count() != 0));
  }

  void Compact(const std::string& archive) {
    const Status done = archives_.Compact(archive, &stopping_);
    if (done.has_value()) warned_.erase(archive);
    if (done.has_value() || stopping_) return;
    looked_.erase(archive);  // it is tried again
    // Whoever writes to it does the same. Of another failure, as on a disk that may not be written
    // to, one line is enough until it is over.
    const bool busy = done.error().code() == ErrorCode::kBusy;
    const bool told = busy || !warned_.insert(archive).second;
    spdlog::log(told ? spdlog::level::debug : spdlog::level::warn, "archive {}: {}", archive,
                done.error().message());
  }

  LateStores& archives_;
  const std::string directory_;
  const ArchiveSection config_;
  std::atomic<bool> stopping_ = false;
  // The thread's alone: each archive's catalog as it was seen last, and the archives of which it
  // was said that they fail.
  std::map<std::string, std::filesystem::file_time_type> looked_;
  std::set<std::string> warned_;
  std::mutex mutex_;
  std::condition_variable_any wake_;  // nothing but a stop wakes it
  std::jthread thread_;               // last: it uses the rest
};

}  // namespace

Status OpenArchives(Service& service) {
  const Shared& shared = service.shared();
  if (shared.store == nullptr && shared.tenants == nullptr) return {};
  auto& archives =
      service.Keep(std::make_unique<LateStores>([&service] { return ArchiveOptionsOf(service); }));
  service.shared().archives = &archives;
  service.OnStop([&archives](std::chrono::milliseconds) { return archives.Close(); });
  auto& keeper = service.Keep(
      std::make_unique<ArchiveKeeper>(archives, shared.directory, service.config().archive));
  service.OnStop([&keeper](std::chrono::milliseconds) {
    keeper.Stop();
    return Status();
  });
  return {};
}

}  // namespace tracestore::tools
