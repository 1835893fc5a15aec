// The contract of FileSystem, held on the disk and in memory alike.
#include "fs/file_system.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "fs/memory_file_system.h"
#include "fs/posix_file_system.h"

namespace tracestore::fs {
namespace {

class FileSystemTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      char path[] = "/tmp/tracestore-fs-XXXXXX";
      root_ = ::mkdtemp(path);
      files_ = &PosixFileSystem::Shared();
    } else {
      root_ = "root";
      files_ = &memory_;
      ASSERT_TRUE(memory_.CreateDirectories(root_).has_value());
    }
  }
  void TearDown() override {
    if (GetParam()) std::filesystem::remove_all(root_);
  }
  std::string Path(const std::string& name) const { return JoinPath(root_, name); }
  void Write(const std::string& name, std::string_view bytes) {
    auto file = files_->OpenForAppend(Path(name));
    ASSERT_TRUE(file.has_value()) << file.error().message();
    EXPECT_TRUE((*file)->Append(bytes).has_value());
    EXPECT_TRUE((*file)->Close().has_value());
  }
  std::string Read(const std::string& name) {
    const auto bytes = ReadWholeFile(*files_, Path(name), 1 << 20);
    EXPECT_TRUE(bytes.has_value()) << bytes.error().message();
    return bytes.value_or("");
  }

  MemoryFileSystem memory_;
  std::string root_;
  FileSystem* files_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Both, FileSystemTest, ::testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "Posix" : "Memory"; });

TEST_P(FileSystemTest, CreatesDirectoriesDeeplyAndTwice) {
  EXPECT_TRUE(files_->CreateDirectories(Path("a/b/c")).has_value());
  EXPECT_TRUE(files_->CreateDirectories(Path("a/b/c/")).has_value());
  EXPECT_TRUE(files_->Exists(Path("a/b")).value());
  Write("file", "x");
  const auto status = files_->CreateDirectories(Path("file/d"));
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
  EXPECT_NE(status.error().message().find("ENOTDIR"), std::string::npos);
}

TEST_P(FileSystemTest, AppendsAndReadsAtAnyOffset) {
  auto writer = files_->CreateExclusive(Path("f"));
  ASSERT_TRUE(writer.has_value());
  auto reader = files_->OpenForRead(Path("f"));
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ((*reader)->Size().value(), 0u);
  EXPECT_TRUE((*writer)->Append("hello ").has_value());
  EXPECT_TRUE((*writer)->Append("").has_value());
  EXPECT_TRUE((*writer)->Append("world").has_value());
  EXPECT_TRUE((*writer)->Sync().has_value());
  EXPECT_EQ((*writer)->size(), 11u);
  EXPECT_EQ((*reader)->Size().value(), 11u);
  char bytes[32];
  EXPECT_EQ((*reader)->ReadAt(6, bytes, 3).value(), 3u);
  EXPECT_EQ(std::string_view(bytes, 3), "wor");
  EXPECT_EQ((*reader)->ReadAt(6, bytes, sizeof bytes).value(), 5u);
  EXPECT_EQ((*reader)->ReadAt(11, bytes, 1).value(), 0u);
  EXPECT_EQ((*reader)->ReadAt(1 << 20, bytes, 1).value(), 0u);
  EXPECT_TRUE((*writer)->Close().has_value());
  EXPECT_FALSE((*writer)->Close().has_value());
  EXPECT_FALSE((*writer)->Append("x").has_value());
  auto again = files_->OpenForAppend(Path("f"));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ((*again)->size(), 11u);
  EXPECT_TRUE((*again)->Append("!").has_value());
  EXPECT_EQ(Read("f"), "hello world!");
  EXPECT_EQ(files_->FileSize(Path("f")).value(), 12u);
}

TEST_P(FileSystemTest, NamesOperationPathAndErrnoInErrors) {
  const auto missing = files_->OpenForRead(Path("none"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message(),
            "open " + Path("none") + ": ENOENT (No such file or directory)");
  Write("f", "x");
  const auto taken = files_->CreateExclusive(Path("f"));
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code(), ErrorCode::kIo);
  EXPECT_EQ(taken.error().message(), "create " + Path("f") + ": EEXIST (File exists)");
  EXPECT_EQ(files_->Unlink(Path("none")).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(files_->List(Path("none")).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(files_->FileSize(Path("none")).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(files_->CreateExclusive(Path("no/f")).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(files_->SyncDirectory(Path("none")).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(files_->Exists(Path("none")).value());
  EXPECT_EQ(ReadWholeFile(*files_, Path("f"), 0).error().code(), ErrorCode::kIo);
}

TEST_P(FileSystemTest, RenamesOverUnlinksAndKeepsOpenHandlesReadable) {
  Write("old", "old");
  Write("new", "new bytes");
  auto reader = files_->OpenForRead(Path("old"));
  ASSERT_TRUE(reader.has_value());
  EXPECT_TRUE(files_->Rename(Path("new"), Path("old")).has_value());
  EXPECT_EQ(Read("old"), "new bytes");
  EXPECT_FALSE(files_->Exists(Path("new")).value());
  EXPECT_EQ(files_->Rename(Path("new"), Path("x")).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(files_->Unlink(Path("old")).has_value());
  char bytes[8];
  EXPECT_EQ((*reader)->ReadAt(0, bytes, 8).value(), 3u);
  EXPECT_EQ(std::string_view(bytes, 3), "old");
}

TEST_P(FileSystemTest, ListsInOrderWithKinds) {
  Write("b", "x");
  Write("a", "x");
  ASSERT_TRUE(files_->CreateDirectories(Path("c")).has_value());
  const auto entries = files_->List(root_);
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].name, "a");
  EXPECT_FALSE((*entries)[0].is_directory);
  EXPECT_EQ((*entries)[1].name, "b");
  EXPECT_EQ((*entries)[2].name, "c");
  EXPECT_TRUE((*entries)[2].is_directory);
  EXPECT_TRUE(files_->SyncDirectory(root_).has_value());
  Write("c/inner", "x");
  EXPECT_EQ(files_->RemoveDirectory(Path("c")).error().code(), ErrorCode::kIo);
  EXPECT_TRUE(files_->Unlink(Path("c/inner")).has_value());
  EXPECT_TRUE(files_->RemoveDirectory(Path("c")).has_value());
}

TEST_P(FileSystemTest, LocksOnceAndNamesTheHolder) {
  EXPECT_FALSE(files_->LockedBy(Path("lock")).value().has_value());
  auto lock = files_->LockExclusive(Path("lock"), "the store");
  ASSERT_TRUE(lock.has_value()) << lock.error().message();
  const LockHolder self = ThisProcess();
  const auto second = files_->LockExclusive(Path("lock"), "the store");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(second.error().message(), "the store is open for writing by PID " +
                                          std::to_string(::getpid()) + " (fs_test) on host " +
                                          self.host);
  const auto holder = files_->LockedBy(Path("lock"));
  ASSERT_TRUE(holder.has_value() && holder->has_value());
  EXPECT_EQ((*holder)->pid, ::getpid());
  lock->reset();
  EXPECT_FALSE(files_->LockedBy(Path("lock")).value().has_value());
  EXPECT_TRUE(files_->LockExclusive(Path("lock"), "the store").has_value());
}

TEST(PosixFileSystem, ReportsARefusedPermission) {
  if (::geteuid() == 0) {
    // Root may do everything; /proc refuses even root.
    const auto status = PosixFileSystem::Shared().CreateExclusive("/proc/tracestore");
    ASSERT_FALSE(status.has_value());
    EXPECT_NE(status.error().message().find("create /proc/tracestore: E"), std::string::npos);
    return;
  }
  const auto status = PosixFileSystem::Shared().CreateExclusive("/etc/tracestore-test");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message(), "create /etc/tracestore-test: EACCES (Permission denied)");
}

TEST(PosixFileSystem, ReportsAFullDisk) {
  auto file = PosixFileSystem::Shared().OpenForAppend("/dev/full");
  ASSERT_TRUE(file.has_value()) << file.error().message();
  const Status status = (*file)->Append("x");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
  EXPECT_EQ(status.error().message(), "write /dev/full: ENOSPC (No space left on device)");
}

TEST(Paths, JoinAndParent) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(ParentDirectory("a/b/"), "a");
  EXPECT_EQ(ParentDirectory("a//b"), "a");
  EXPECT_EQ(ParentDirectory("a"), ".");
  EXPECT_EQ(ParentDirectory("/a"), "/");
  EXPECT_EQ(ParentDirectory("/"), "/");
}

TEST(LockHolderText, RefusesWhatItDidNotWrite) {
  EXPECT_EQ(ParseLockHolder("12\nprog\nhost\n")->program, "prog");
  for (const char* text : {"", "12", "12\nprog", "12\nprog\nhost", "x\nprog\nhost\n"}) {
    EXPECT_FALSE(ParseLockHolder(text).has_value()) << text;
  }
  EXPECT_EQ(LockedError("s", std::nullopt).message(),
            "s is open for writing by another process");
}

}  // namespace
}  // namespace tracestore::fs
