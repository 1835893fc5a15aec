// Any bytes as a log file: nothing breaks, reading ends, and no record reaches beyond the file.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fs/memory_file_system.h"
#include "store/log/log_format.h"
#include "store/log/log_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  fs::MemoryFileSystem files;
  if (!files.CreateDirectories("wal").has_value()) std::abort();
  {
    auto file = files.CreateExclusive("wal/" + store::LogFileName(1));
    if (!file.has_value()) std::abort();
    if (!(*file)->Append({reinterpret_cast<const char*>(data), size}).has_value()) std::abort();
  }
  const auto reader = store::LogReader::Open(files, "wal", 1);
  if (!reader.has_value()) return 0;
  store::LogRecord record;
  std::uint64_t before = 0;
  while (true) {
    const auto step = (*reader)->ReadNext(&record);
    if (!step.has_value() || *step != store::LogReader::Step::kRecord) return 0;
    if (record.end.offset > size || record.end.offset <= before) std::abort();
    before = record.end.offset;
  }
}
