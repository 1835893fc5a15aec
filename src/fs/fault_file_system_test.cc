// What FaultFileSystem fails, and what MemoryFileSystem keeps after a power cut.
#include "fs/fault_file_system.h"

#include <gtest/gtest.h>

#include "base/try.h"
#include "fs/memory_file_system.h"

namespace tracestore::fs {
namespace {

Status WriteDurably(FileSystem& files, const std::string& name, std::string_view bytes) {
  TS_TRY_ASSIGN(const auto file, files.CreateExclusive("d/tmp"));
  TS_TRY(file->Append(bytes));
  TS_TRY(file->Sync());
  TS_TRY(file->Close());
  TS_TRY(files.Rename("d/tmp", name));
  TS_TRY(files.SyncDirectory("d"));
  return {};
}

TEST(FaultFileSystem, FailsEachCallInTurnAndDurableWritesSurviveAPowerCut) {
  for (const auto effect : {Fault::Effect::kNothing, Fault::Effect::kHalf, Fault::Effect::kAll}) {
    for (std::uint64_t n = 1;; ++n) {
      for (std::uint64_t seed = 0; seed < 8; ++seed) {
        SCOPED_TRACE("fault at call " + std::to_string(n) + ", seed " + std::to_string(seed));
        MemoryFileSystem disk;
        ASSERT_TRUE(disk.CreateDirectories("d").has_value());
        FaultFileSystem faulty(disk, {.at_call = n, .from_then_on = true, .effect = effect});
        const Status status = WriteDurably(faulty, "d/final", "payload");
        EXPECT_EQ(status.has_value(), !faulty.fired());
        if (!status.has_value()) {
          EXPECT_NE(status.error().message().find("EIO (Input/output error)"), std::string::npos);
        }
        disk.DropUnsynced(seed);
        // Under its final name the file is whole or absent, whatever failed.
        const auto bytes = ReadWholeFile(disk, "d/final", 100);
        EXPECT_EQ(bytes.value_or("payload"), "payload");
        EXPECT_TRUE(bytes.has_value() || !status.has_value());
        EXPECT_TRUE(faulty.fired() || faulty.calls() == 6);
      }
      if (n > 6) break;
    }
  }
}

TEST(FaultFileSystem, FailsOnceAndThenWorksAgain) {
  MemoryFileSystem disk;
  FaultFileSystem faulty(disk, {.at_call = 2, .error_number = ENOSPC});
  EXPECT_TRUE(faulty.CreateDirectories("d").has_value());
  const Status status = faulty.CreateDirectories("e");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message(), "create directory e: ENOSPC (No space left on device)");
  EXPECT_FALSE(disk.Exists("e").value());
  EXPECT_TRUE(faulty.CreateDirectories("e").has_value());
  faulty.Arm({.at_call = 1, .error_number = ENOENT});
  EXPECT_EQ(faulty.Exists("e").error().code(), ErrorCode::kNotFound);
}

TEST(FaultFileSystem, WritesHalfOfAFailedAppend) {
  MemoryFileSystem disk;
  FaultFileSystem faulty(disk, {.at_call = 2, .effect = Fault::Effect::kHalf});
  auto file = faulty.CreateExclusive("f");
  ASSERT_TRUE(file.has_value());
  EXPECT_FALSE((*file)->Append("12345678").has_value());
  EXPECT_EQ(ReadWholeFile(disk, "f", 100).value(), "1234");
}

TEST(MemoryFileSystem, LosesUnsyncedBytesNamesAndHandlesInAPowerCut) {
  MemoryFileSystem disk;
  ASSERT_TRUE(disk.CreateDirectories("d").has_value());
  auto kept = disk.CreateExclusive("d/kept");
  ASSERT_TRUE(kept.has_value());
  EXPECT_TRUE((*kept)->Append("synced").has_value());
  EXPECT_TRUE((*kept)->Sync().has_value());
  EXPECT_TRUE(disk.SyncDirectory("d").has_value());
  EXPECT_TRUE((*kept)->Append(" not synced").has_value());
  auto nameless = disk.CreateExclusive("d/nameless");
  ASSERT_TRUE(nameless.has_value());
  EXPECT_TRUE((*nameless)->Sync().has_value());
  EXPECT_TRUE(disk.Rename("d/kept", "d/renamed").has_value());
  const auto lock = disk.LockExclusive("d/lock", "d");
  ASSERT_TRUE(lock.has_value());
  disk.DropUnsynced();
  EXPECT_EQ(ReadWholeFile(disk, "d/kept", 100).value(), "synced");
  EXPECT_EQ(disk.List("d").value().size(), 1u);
  EXPECT_FALSE((*kept)->Append("x").has_value());
  EXPECT_FALSE((*kept)->Sync().has_value());
  EXPECT_TRUE(disk.LockExclusive("d/lock", "d").has_value());
}

}  // namespace
}  // namespace tracestore::fs
