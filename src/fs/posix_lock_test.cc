// The writer's lock across processes.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "fs/posix_file_system.h"

namespace tracestore::fs {
namespace {

class PosixLock : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/tracestore-lock-XXXXXX";
    root_ = ::mkdtemp(path);
    ASSERT_EQ(::pipe(pipe_), 0);
  }
  void TearDown() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
    std::filesystem::remove_all(root_);
  }
  std::string LockPath() const { return root_ + "/lock"; }
  void Signal() { ASSERT_EQ(::write(pipe_[1], "x", 1), 1); }
  void Await() {
    char c;
    ASSERT_EQ(::read(pipe_[0], &c, 1), 1);
  }

  std::string root_;
  int pipe_[2] = {-1, -1};
  FileSystem& files_ = PosixFileSystem::Shared();
};

TEST_F(PosixLock, IsRefusedWithTheHoldersPidAndFreedByItsDeath) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = files_.LockExclusive(LockPath(), "store");
    if (!lock.has_value()) ::_exit(1);
    if (::write(pipe_[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  Await();
  const auto refused = files_.LockExclusive(LockPath(), "store");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kBusy);
  const std::string holder = "open for writing by PID " + std::to_string(child) + " (";
  EXPECT_NE(refused.error().message().find(holder), std::string::npos)
      << refused.error().message();
  EXPECT_EQ(files_.LockedBy(LockPath()).value()->pid, child);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(files_.LockExclusive(LockPath(), "store").has_value());
}

TEST_F(PosixLock, IsNotInheritedByAForkedChild) {
  auto lock = files_.LockExclusive(LockPath(), "store");
  ASSERT_TRUE(lock.has_value());
  const pid_t child = ::fork();
  if (child == 0) {
    // Dropping the copied object must not free the parent's lock, and the child can't take it.
    lock->reset();
    const bool refused = !files_.LockExclusive(LockPath(), "store").has_value();
    if (::write(pipe_[1], refused ? "y" : "n", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char c = 0;
  ASSERT_EQ(::read(pipe_[0], &c, 1), 1);
  EXPECT_EQ(c, 'y');
  // The child lives on, but the parent's release frees the lock.
  lock->reset();
  EXPECT_TRUE(files_.LockExclusive(LockPath(), "store").has_value());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace tracestore::fs
