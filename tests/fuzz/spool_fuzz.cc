// Any bytes as a file of a spool, as its list of what is done, and as a file of the pending log:
// what waits is given out once, and nothing breaks.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "fs/memory_file_system.h"
#include "store/log/log_format.h"
#include "store/pending/pending_log.h"
#include "store/spool/spool.h"

namespace {

using namespace tracestore;

void Write(fs::MemoryFileSystem& files, const std::string& directory, std::string_view bytes) {
  if (!files.CreateDirectories(directory).has_value()) std::abort();
  auto file = files.CreateExclusive(directory + "/" + store::LogFileName(1));
  if (!file.has_value() || !(*file)->Append(bytes).has_value()) std::abort();
}

void TrySpool(fs::MemoryFileSystem& files) {
  auto spool = store::Spool::Open(files, "spool", {});
  if (!spool.has_value()) return;
  std::set<std::uint64_t> ids;
  while (true) {
    const auto entry = (*spool)->Next();
    if (!entry.has_value() || !entry->has_value()) break;
    if (!ids.insert((*entry)->id).second) std::abort();
  }
  if (ids.size() > (*spool)->stats().found) std::abort();
  const std::vector<std::uint64_t> done(ids.begin(), ids.end());
  (void)(*spool)->Done(done);
}

void TryPending(fs::MemoryFileSystem& files) {
  std::vector<store::LogPosition> places;
  auto log = store::PendingLog::Open(files, "pending", {}, [&](const store::LogRecord& record) {
    places.push_back(record.begin);
    return Status();
  });
  if (!log.has_value()) return;
  for (const store::LogPosition at : places) {
    if (!(*log)->Read(at).has_value()) std::abort();  // it was read a moment ago
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fs::MemoryFileSystem files;
  Write(files, "spool", bytes);
  Write(files, "pending", bytes);
  TrySpool(files);
  TryPending(files);
  fs::MemoryFileSystem done;
  Write(done, "spool", bytes);
  Write(done, "spool/done", bytes);
  TrySpool(done);
  return 0;
}
