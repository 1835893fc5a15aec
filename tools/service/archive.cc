#include "service/archive.h"

#include <chrono>
#include <thread>

#include "base/try.h"

namespace tracestore::tools {
namespace {

// A copy of a trace takes milliseconds: others are done by then.
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kBetweenTries{20};

}  // namespace

Result<SpanList> ArchiveReader::Get(TraceId id) {
  TS_TRY_ASSIGN(const Snapshot snapshot, Take());
  return snapshot.Get(id);
}

Result<Snapshot> ArchiveReader::Take() {
  const std::lock_guard lock(mutex_);
  if (!store_) {
    StoreOptions options;
    options.mode = OpenMode::kRead;
    TS_TRY_ASSIGN(store_, Store::Open(directory_, std::move(options)));
  }
  return store_->TakeSnapshot();
}

Result<ArchiveResult> ArchiveWriter::Copy(Store& store, TraceId id) {
  const std::lock_guard lock(mutex_);
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    auto copied = store.Archive({id});
    const bool busy = !copied.has_value() && copied.error().code() == ErrorCode::kBusy;
    if (!busy || std::chrono::steady_clock::now() >= give_up) return copied;
    std::this_thread::sleep_for(kBetweenTries);  // a lock of another process wakes nobody
  }
}

}  // namespace tracestore::tools
