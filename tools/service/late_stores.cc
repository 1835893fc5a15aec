#include "service/late_stores.h"

#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "api/archive_copy.h"
#include "base/try.h"
#include "service/query_access.h"

namespace tracestore::tools {
namespace {

// A copy of a trace takes milliseconds: others are done by then.
constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kBetweenTries{20};

Error BeingMerged(const std::string& directory) {
  return {ErrorCode::kBusy, "store " + directory + " is being merged: come again"};
}

}  // namespace

LateStores::~LateStores() { (void)Close(); }

Result<std::shared_ptr<LateStores::Entry>> LateStores::Of(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  if (closed_) return Error{ErrorCode::kIo, "the store is closed"};
  auto& entry = entries_[directory];
  if (!entry) entry = std::make_shared<Entry>();
  return entry;
}

Result<Snapshot> LateStores::Take(const std::string& directory) {
  TS_TRY_ASSIGN(const auto entry, Of(directory));
  const std::lock_guard lock(entry->mutex);
  if (entry->writer) return entry->writer->TakeSnapshot();
  if (!entry->reader) {
    StoreOptions options = options_();
    options.mode = OpenMode::kRead;
    auto opened = Store::Open(directory, std::move(options));
    if (!opened.has_value()) {
      if (opened.error().code() != ErrorCode::kNotFound) return opened.error();
      AppendResult nothing;
      return SnapshotOfFiles({}, nothing);
    }
    entry->reader = std::move(opened).value();
  }
  return entry->reader->TakeSnapshot();
}

Result<StoreStats> LateStores::Look(const std::string& directory) {
  TS_TRY_ASSIGN(const auto entry, Of(directory));
  bool was_open = false;
  {
    const std::lock_guard lock(entry->mutex);
    was_open = entry->writer != nullptr || entry->reader != nullptr;
  }
  if (was_open) {
    TS_TRY_ASSIGN(const Snapshot snapshot, Take(directory));
    return snapshot.Stats(false);
  }
  StoreOptions options = options_();
  options.mode = OpenMode::kRead;
  TS_TRY_ASSIGN(const auto store, Store::Open(directory, std::move(options)));
  TS_TRY_ASSIGN(const Snapshot snapshot, store->TakeSnapshot());
  return snapshot.Stats(false);
}

Store* LateStores::WriterOf(Entry& entry) {
  const std::lock_guard lock(entry.mutex);
  return entry.writer.get();
}

Result<Store*> LateStores::ToWrite(const std::string& directory) {
  TS_TRY_ASSIGN(const auto entry, Of(directory));
  if (Store* const writer = WriterOf(*entry)) return writer;
  const std::unique_lock appending(entry->appending, kPatience);
  if (!appending.owns_lock()) return BeingMerged(directory);
  const std::lock_guard lock(entry->mutex);
  if (!entry->writer) {
    TS_TRY_ASSIGN(entry->writer, Store::Open(directory, options_()));
  }
  return entry->writer.get();
}

Result<ArchiveResult> LateStores::Archive(Store& from, const std::string& directory, TraceId id) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    auto copied = TryArchive(from, directory, id);
    const bool busy = !copied.has_value() && copied.error().code() == ErrorCode::kBusy;
    if (!busy || std::chrono::steady_clock::now() >= give_up) return copied;
    std::this_thread::sleep_for(kBetweenTries);  // a lock of another process wakes nobody
  }
}

Result<ArchiveResult> LateStores::TryArchive(Store& from, const std::string& directory,
                                             TraceId id) {
  TS_TRY_ASSIGN(const auto entry, Of(directory));
  const std::unique_lock appending(entry->appending, kPatience);
  if (!appending.owns_lock()) return BeingMerged(directory);
  TS_TRY_ASSIGN(const Snapshot snapshot, Counted(from.TakeSnapshot()));
  std::unique_ptr<Store> opened;
  const auto archive = [&]() -> Result<Store*> {
    if (Store* const writer = WriterOf(*entry)) return writer;
    StoreOptions options = OptionsForAWhile();
    options.sync = SyncPolicy::kOff;  // closing it syncs
    TS_TRY_ASSIGN(opened, Store::Open(directory, std::move(options)));
    return opened.get();
  };
  TS_TRY_ASSIGN(const ArchiveResult result, CopyTraces(snapshot, {id}, archive));
  if (opened != nullptr) TS_TRY(opened->Close());
  return result;
}

StoreOptions LateStores::OptionsForAWhile() const {
  StoreOptions options = options_();
  options.background_sealing = false;
  options.background_compaction = false;
  return options;
}

Status LateStores::Purge(const std::string& directory) {
  TS_TRY(Take(directory));  // opens it where it is there
  TS_TRY_ASSIGN(const auto entry, Of(directory));
  const std::lock_guard lock(entry->mutex);
  Store* const store = entry->writer ? entry->writer.get() : entry->reader.get();
  return store == nullptr ? Status() : store->DeleteAll();
}

Status LateStores::Compact(const std::string& directory, const std::atomic<bool>* cancel) {
  TS_TRY_ASSIGN(const auto entry, Of(directory));
  const std::lock_guard appending(entry->appending);
  std::error_code ignored;
  if (WriterOf(*entry) != nullptr || !std::filesystem::exists(directory, ignored)) return {};
  TS_TRY_ASSIGN(const auto store, Store::Open(directory, OptionsForAWhile()));
  CompactOptions compact;
  compact.cancel = cancel;
  TS_TRY(store->Compact(compact));
  return store->Close();
}

Status LateStores::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  Status first;
  for (const auto& [directory, entry] : entries_) {
    const std::lock_guard lock(entry->mutex);
    if (!entry->writer) continue;
    const Status closed = entry->writer->Close();
    if (!closed.has_value() && first.has_value()) first = closed;
  }
  return first;
}

}  // namespace tracestore::tools
