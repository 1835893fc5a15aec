// The archives beside the stores of a service.
#pragma once
#include <tracestore/store.h>

#include <memory>
#include <mutex>
#include <string>

namespace tracestore::tools {

// Reads the archive of one store: opened when it is first asked for and there. Threads: any.
class ArchiveReader {
 public:
  explicit ArchiveReader(const std::string& store_directory)
      : directory_(ArchiveDirectory(store_directory)) {}

  // Errors: kNotFound, also where there is no archive; those of reading.
  Result<SpanList> Get(TraceId id);

 private:
  Result<Snapshot> Take();

  const std::string directory_;
  std::mutex mutex_;
  std::unique_ptr<Store> store_;  // guarded by mutex_
};

// Copies traces to archives, one at a time: an archive has one writer. Another process that writes to
// it just now is waited for, up to some seconds; then kBusy. Threads: any.
class ArchiveWriter {
 public:
  Result<ArchiveResult> Copy(Store& store, TraceId id);

 private:
  std::mutex mutex_;  // held while a trace is copied
};

}  // namespace tracestore::tools
