// The one environment a process has for a directory: opening it twice would drop LMDB's file locks
// when either is closed (lmdb.h, "Caveats").
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <utility>
#include <vector>

#include "base/try.h"
#include "fs/posix_file_system.h"
#include "store/catalog/lmdb_environment.h"

namespace tracestore::store {

class LmdbEnvironment::Registry {
 public:
  using Key = std::pair<dev_t, ino_t>;

  static Registry& Shared() {
    static Registry* registry = new Registry;  // never destroyed: leases may end during exit
    return *registry;
  }

  Result<std::shared_ptr<LmdbEnvironment>> Open(const std::string& directory,
                                                const Options& options) {
    if (options.create) TS_TRY(fs::PosixFileSystem::Shared().CreateDirectories(directory));
    struct stat info {};
    if (::stat(directory.c_str(), &info) != 0) {
      if (errno == ENOENT) {
        return Error(ErrorCode::kNotFound, directory + " holds no catalog");
      }
      return fs::ErrnoError("open", directory, errno);
    }
    const Key key(info.st_dev, info.st_ino);
    // Opening and closing happen under the mutex: a new environment must not be opened while the
    // old one is being closed.
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      if (found->second.environment->pid_ == ::getpid()) return LeaseOf(key, found->second);
      // The parent's, copied by fork(): even closing it would clear the parent's reader slots.
      abandoned_.push_back(std::move(found->second.environment));
      entries_.erase(found);
    }
    if (!options.create) TS_TRY(CheckStands(directory));
    std::unique_ptr<LmdbEnvironment> environment(new LmdbEnvironment(directory));
    TS_TRY(environment->OpenEnvironment(options));
    Entry& entry = entries_[key];
    entry.environment = std::move(environment);
    return LeaseOf(key, entry);
  }

 private:
  struct Entry {
    std::unique_ptr<LmdbEnvironment> environment;
    std::uint64_t leases = 0;
  };
  struct Lease {
    Registry& registry;
    Key key;
    LmdbEnvironment* environment;
    ~Lease() { registry.Release(*this); }
  };

  Registry() {
    ::pthread_atfork([] { Shared().mutex_.lock(); }, [] { Shared().mutex_.unlock(); },
                     [] { Shared().mutex_.unlock(); });
  }

  // mdb_env_open would make the file, or fill an empty one.
  static Status CheckStands(const std::string& directory) {
    const auto bytes =
        fs::PosixFileSystem::Shared().FileSize(fs::JoinPath(directory, "data.mdb"));
    if (bytes.has_value() && *bytes > 0) return {};
    if (!bytes.has_value() && bytes.error().code() != ErrorCode::kNotFound) return bytes.error();
    return Error(ErrorCode::kNotFound, directory + " holds no catalog");
  }

  std::shared_ptr<LmdbEnvironment> LeaseOf(const Key& key, Entry& entry) {
    ++entry.leases;
    LmdbEnvironment* environment = entry.environment.get();
    std::shared_ptr<Lease> lease(new Lease{*this, key, environment});
    return {std::move(lease), environment};
  }

  void Release(const Lease& lease) {
    if (lease.environment->pid_ != ::getpid()) return;  // a forked child's copy
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(lease.key);
    if (--found->second.leases == 0) entries_.erase(found);
  }

  std::mutex mutex_;
  std::map<Key, Entry> entries_;                             // guarded by mutex_
  std::vector<std::unique_ptr<LmdbEnvironment>> abandoned_;  // guarded by mutex_
};

Result<std::shared_ptr<LmdbEnvironment>> LmdbEnvironment::Open(const std::string& directory,
                                                               const Options& options) {
  return Registry::Shared().Open(directory, options);
}

}  // namespace tracestore::store
