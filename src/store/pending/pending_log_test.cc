#include "store/pending/pending_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "fs/fault_file_system.h"
#include "fs/memory_file_system.h"

namespace tracestore::store {
namespace {

using testing::ElementsAre;

std::unique_ptr<PendingLog> Open(fs::FileSystem& files, std::vector<std::string>& seen,
                                 PendingLogOptions options = {}) {
  auto log = PendingLog::Open(files, "pending", std::move(options), [&](const LogRecord& record) {
    seen.push_back(std::to_string(record.kind) + std::string(record.payload));
    return Status();
  });
  EXPECT_TRUE(log.has_value()) << log.error().message();
  return std::move(log).value();
}

Result<LogPosition> Append(PendingLog& log, std::string payload) {
  auto record = PendingLog::Prepare(7, std::move(payload));
  if (!record.has_value()) return record.error();
  PreparedLogRecord* const group[] = {&*record};
  const Status appended = log.Append(group);
  if (!appended.has_value()) return appended.error();
  return record->begin;
}

TEST(PendingLog, GivesBackWhatWasAppended) {
  fs::MemoryFileSystem files;
  std::vector<std::string> seen;
  LogPosition first;
  {
    const auto log = Open(files, seen);
    first = Append(*log, "a").value();
    const LogPosition second = Append(*log, std::string(5000, 'b')).value();
    EXPECT_EQ(log->Read(second).value(), std::string(5000, 'b'));
    EXPECT_EQ(log->Read(first).value(), "a");
  }
  EXPECT_TRUE(seen.empty());
  const auto log = Open(files, seen);
  EXPECT_THAT(seen, ElementsAre("7a", "7" + std::string(5000, 'b')));
  EXPECT_EQ(log->Read(first).value(), "a");
  EXPECT_GT(log->bytes(), 0u);
}

TEST(PendingLog, ForgetsTheOldestFiles) {
  fs::MemoryFileSystem files;
  std::vector<std::string> seen;
  PendingLogOptions options;
  options.file_bytes = 1;  // a file for each record
  const auto log = Open(files, seen, options);
  Append(*log, "a").value();
  const LogPosition second = Append(*log, "b").value();
  const std::uint64_t bytes = log->bytes();
  EXPECT_TRUE(log->RemoveBefore(second.file_number).has_value());
  EXPECT_LT(log->bytes(), bytes);
  EXPECT_EQ(log->Read(second).value(), "b");
  Open(files, seen);
  EXPECT_THAT(seen, ElementsAre("7b"));
}

TEST(PendingLog, GoesOnInANewFileAfterAFullDisk) {
  fs::MemoryFileSystem memory;
  fs::FaultFileSystem files(memory, {});
  std::vector<std::string> seen;
  {
    const auto log = Open(files, seen);
    Append(*log, "a").value();
    fs::Fault fault;
    fault.at_call = 1;
    fault.error_number = ENOSPC;
    fault.effect = fs::Fault::Effect::kHalf;
    files.Arm(fault);
    EXPECT_FALSE(Append(*log, "lost").has_value());
    files.Arm({});
    Append(*log, "b").value();
  }
  Open(files, seen);
  EXPECT_THAT(seen, ElementsAre("7a", "7b"));
}

}  // namespace
}  // namespace tracestore::store
