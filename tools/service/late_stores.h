// LateStores: stores that are opened when they are first asked for, for appending when something is
// first written to them: the archive beside a service's store, and both stores of a plugin.
#pragma once
#include <tracestore/store.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tracestore::tools {

// A store is named by its directory. Threads: any.
class LateStores {
 public:
  // `options`: of each store, but for the mode; called at each try to open one, from any thread.
  explicit LateStores(std::function<StoreOptions()> options) : options_(std::move(options)) {}
  ~LateStores();
  LateStores(const LateStores&) = delete;
  LateStores& operator=(const LateStores&) = delete;

  // A moment of it: of nothing where there is no store.
  Result<Snapshot> Take(const std::string& directory);
  // The same for one look, after which nothing of it stays open that wasn't before.
  Result<StoreStats> Look(const std::string& directory);
  // Opens it for appending, or makes it, at the first call, and keeps it so: other processes then
  // read it only. What is given lives until this object goes. Errors: those of Store::Open, kBusy
  // where another process appends to it; the next call tries again.
  Result<Store*> ToWrite(const std::string& directory);
  // Copies a trace to the store, which is the archive of `from`, as Store::Archive does. Another
  // process that writes to it just now is waited for, up to some seconds; then kBusy.
  Result<ArchiveResult> Archive(Store& from, const std::string& directory, TraceId id);

  // Deletes every span that stands.
  Status Purge(const std::string& directory);
  // Merges small segments and drops what the options' retention says, where nothing keeps the store
  // open for appending: one that is open does it by itself. kBusy where another process appends to it;
  // nothing where there is no store. What is written meanwhile waits, some seconds; then kBusy.
  // `cancel`, which may be null, ends it: kCancelled.
  Status Compact(const std::string& directory, const std::atomic<bool>* cancel = nullptr);

  // Gives the first error, having closed all. From then on every call is kIo.
  Status Close();

 private:
  struct Entry {
    std::timed_mutex appending;  // held by who opens it for appending, for good or a while; before mutex
    std::mutex mutex;
    std::unique_ptr<Store> writer;  // guarded by mutex, as what follows
    std::unique_ptr<Store> reader;
  };
  Result<ArchiveResult> TryArchive(Store& from, const std::string& directory, TraceId id);
  Result<std::shared_ptr<Entry>> Of(const std::string& directory);
  static Store* WriterOf(Entry& entry);
  StoreOptions OptionsForAWhile() const;  // of one that is closed again at once

  const std::function<StoreOptions()> options_;
  std::mutex mutex_;
  bool closed_ = false;                                    // guarded by mutex_, as what follows
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace tracestore::tools
