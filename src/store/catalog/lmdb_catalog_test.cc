// LMDB's own rules: processes, growth, permissions, damage, use after fork.
#include "store/catalog/lmdb_catalog.h"

#include <gtest/gtest.h>
#include <lmdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "fs/posix_file_system.h"

namespace tracestore::store {
namespace {

class LmdbCatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/tracestore-lmdb-XXXXXX";
    root_ = ::mkdtemp(path);
    directory_ = root_ + "/catalog";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<LmdbCatalog> Open(const LmdbCatalogOptions& options = {.create = true}) {
    auto opened = LmdbCatalog::Open(directory_, options);
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    return opened.has_value() ? std::move(opened).value() : nullptr;
  }
  static SealCommit OneSegment(std::uint64_t id) {
    SegmentInfo info;
    info.id = SegmentId{id};
    return {.added = {info}, .straddlers = {{id, SegmentId{id}}}};
  }
  // Runs `body` in a forked child; its result is the child's exit status.
  template <typename Body>
  static int InChild(Body body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // Changes the catalog's bytes behind its back.
  void Raw(const char* database, std::string key, std::string value) {
    MDB_env* env = nullptr;
    ASSERT_EQ(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 8);
    ASSERT_EQ(mdb_env_open(env, directory_.c_str(), 0, 0644), 0);
    MDB_txn* txn = nullptr;
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    MDB_dbi dbi = 0;
    ASSERT_EQ(mdb_dbi_open(txn, database, 0, &dbi), 0);
    MDB_val k{key.size(), key.data()};
    MDB_val v{value.size(), value.data()};
    ASSERT_EQ(mdb_put(txn, dbi, &k, &v, 0), 0);
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
  }

  std::string root_;
  std::string directory_;
};

TEST_F(LmdbCatalogTest, SaysThatThereIsNone) {
  const auto none = LmdbCatalog::Open(directory_);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(none.error().message(), directory_ + " holds no catalog");
  std::filesystem::create_directory(directory_);
  EXPECT_EQ(LmdbCatalog::Open(directory_).error().code(), ErrorCode::kNotFound);
  std::ofstream(directory_ + "/data.mdb").flush();
  EXPECT_EQ(LmdbCatalog::Open(directory_).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(std::filesystem::file_size(directory_ + "/data.mdb"), 0u);
}

TEST_F(LmdbCatalogTest, SharesOneEnvironmentWithinAProcess) {
  auto first = Open();
  ASSERT_TRUE(first->CommitSeal(OneSegment(1)).has_value());
  std::filesystem::create_directory_symlink(directory_, root_ + "/other-name");
  auto second = LmdbCatalog::Open(root_ + "/other-name");
  ASSERT_TRUE(second.has_value());
  ASSERT_TRUE((*second)->CommitSeal(OneSegment(2)).has_value());
  first.reset();  // the environment stays open for the second
  EXPECT_EQ((*second)->Read().value().segments.size(), 2u);
  second->reset();
  EXPECT_EQ(Open()->Read().value().segments.size(), 2u);
}

TEST_F(LmdbCatalogTest, GrowsItsMapWhenFull) {
  auto catalog = Open({.create = true, .first_map_bytes = 128 << 10});
  for (std::uint64_t id = 1; id <= 40; ++id) {
    SealCommit commit = OneSegment(id);
    for (std::uint64_t trace = 0; trace < 500; ++trace) {
      commit.straddlers.push_back({trace * 1'000'003 + id, SegmentId{id}});
    }
    ASSERT_TRUE(catalog->CommitSeal(commit).has_value());
  }
  ASSERT_TRUE(catalog->PutSetting("big", std::string(1 << 20, 'x')).has_value());
  const auto view = catalog->Read({.straddlers_after = 0, .tombstones_after = {}});
  ASSERT_TRUE(view.has_value()) << view.error().message();
  EXPECT_EQ(view->segments.size(), 40u);
  EXPECT_EQ(view->straddlers.size(), 40u * 500u);  // OneSegment's is among them
}

TEST_F(LmdbCatalogTest, GrowsWhileOtherThreadsRead) {
  auto catalog = Open({.create = true, .first_map_bytes = 128 << 10});
  std::atomic<bool> stop{false};
  std::array<std::string, 3> failures;  // a thread's first
  std::vector<std::jthread> readers;
  for (std::string& failure : failures) {
    readers.emplace_back([&] {
      std::size_t seen = 0;
      while (!stop && failure.empty()) {
        const auto view = catalog->Read();
        if (!view.has_value()) {
          failure = view.error().message();
        } else if (view->segments.size() < seen || view->segments.size() != view->version / 2) {
          // Version 1 made the catalog, and every segment is followed by a setting.
          failure = std::to_string(view->segments.size()) + " segments after " +
                    std::to_string(seen) + ", at version " + std::to_string(view->version);
        } else {
          seen = view->segments.size();
        }
      }
    });
  }
  for (std::uint64_t id = 1; id <= 30; ++id) {
    ASSERT_TRUE(catalog->CommitSeal(OneSegment(id)).has_value());
    ASSERT_TRUE(catalog->PutSetting("s" + std::to_string(id), std::string(50'000, 'x'))
                    .has_value());
  }
  stop = true;
  readers.clear();
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}

TEST_F(LmdbCatalogTest, SeesWhatAnotherProcessCommitsAndFollowsItsGrowth) {
  auto catalog = Open({.create = true, .first_map_bytes = 128 << 10});
  const std::uint64_t before = catalog->Read().value().version;
  EXPECT_EQ(InChild([&] {
              // The child's own: the parent's is refused to it.
              auto own = LmdbCatalog::Open(directory_);
              if (!own.has_value()) return 1;
              if (!(*own)->CommitSeal(OneSegment(1)).has_value()) return 2;
              if (!(*own)->PutSetting("big", std::string(1 << 20, 'x')).has_value()) return 3;
              return 0;
            }),
            0);
  EXPECT_FALSE(catalog->IsCurrent(before).value());
  const auto view = catalog->Read({.straddlers_after = before, .tombstones_after = {}});
  ASSERT_TRUE(view.has_value()) << view.error().message();
  EXPECT_EQ(view->segments.size(), 1u);
  EXPECT_EQ(view->straddlers.size(), 1u);
  EXPECT_EQ(catalog->GetSetting("big").value()->size(), 1u << 20);
  EXPECT_TRUE(catalog->CommitSeal(OneSegment(2)).has_value());
}

TEST_F(LmdbCatalogTest, ManyProcessesCommitWithoutLosingAny) {
  Open();
  std::vector<pid_t> children;
  for (int p = 0; p < 4; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto own = LmdbCatalog::Open(directory_);
      if (!own.has_value()) ::_exit(1);
      for (int i = 0; i < 10; ++i) {
        if (!(*own)->AddTombstones({{TombstoneKind::kTrace, {1, static_cast<std::uint64_t>(p)}}},
                                   [] { return Result<LogPosition>(LogPosition{1, 1}); })
                 .has_value()) {
          ::_exit(2);
        }
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(Open()->ListTombstones().value().size(), 40u);
}

TEST_F(LmdbCatalogTest, GivesAnExactErrorAfterFork) {
  auto catalog = Open();
  ASSERT_TRUE(catalog->CommitSeal(OneSegment(1)).has_value());
  EXPECT_EQ(InChild([&] {
              const std::string sentence =
                  "this store was opened before fork(); open it again in the child process";
              const auto read = catalog->Read();
              if (read.has_value() || read.error().message() != sentence) return 1;
              if (read.error().code() != ErrorCode::kInvalidArgument) return 2;
              if (catalog->IsCurrent(1).has_value()) return 3;
              if (catalog->PutSetting("a", "b").has_value()) return 4;
              catalog.reset();  // touches nothing of the parent's
              auto again = LmdbCatalog::Open(directory_);
              if (!again.has_value() || !(*again)->CommitSeal(OneSegment(2)).has_value()) return 5;
              return 0;
            }),
            0);
  EXPECT_EQ(catalog->Read().value().segments.size(), 2u);
  EXPECT_TRUE(catalog->CommitSeal(OneSegment(3)).has_value());
}

TEST_F(LmdbCatalogTest, SurvivesTheDeathOfAProcessInTheMiddleOfAWrite) {
  auto catalog = Open();
  ASSERT_TRUE(catalog->CommitSeal(OneSegment(1)).has_value());
  EXPECT_EQ(InChild([&] {
              auto own = LmdbCatalog::Open(directory_);
              if (!own.has_value()) return 1;
              // Dies while it holds the write lock and a half-made transaction.
              (void)(*own)->AddTombstones({{TombstoneKind::kBefore, {}}},
                                          []() -> Result<LogPosition> {
                                            ::kill(::getpid(), SIGKILL);
                                            return LogPosition{};
                                          });
              return 2;
            }),
            -1);
  EXPECT_TRUE(catalog->CommitSeal(OneSegment(2)).has_value());
  EXPECT_TRUE(catalog->ListTombstones().value().empty());
}

TEST_F(LmdbCatalogTest, ClearsTheSlotsOfReadersThatDied) {
  auto catalog = Open();
  // Slots of processes that die holding a read transaction; all 510 are used twice over.
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(InChild([&] {
                MDB_env* env = nullptr;
                if (mdb_env_create(&env) != 0) return 1;
                if (mdb_env_open(env, directory_.c_str(), MDB_RDONLY | MDB_NOTLS, 0644) != 0) {
                  return 2;
                }
                for (int i = 0; i < 600; ++i) {
                  MDB_txn* txn = nullptr;
                  const int code = mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn);
                  if (code == MDB_READERS_FULL) return 0;
                  if (code != 0) return 3;
                }
                return 4;
              }),
              0);
    const auto view = catalog->Read();
    EXPECT_TRUE(view.has_value()) << view.error().message();
  }
}

TEST_F(LmdbCatalogTest, RefusesANewerFormatNamingBothVersions) {
  Open().reset();
  Raw("meta", "format", std::string("\x02\0\0\0", 4));
  const auto refused = LmdbCatalog::Open(directory_, {.create = true});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(refused.error().message(),
            directory_ + " has catalog format version 2; this build reads up to version 1");
}

TEST_F(LmdbCatalogTest, FindsWrongKeysAndValues) {
  struct Case {
    const char* database;
    std::string key;
    std::string value;
  };
  const Case cases[] = {
      {"segments", "short", std::string(120, '\0')},
      {"segments", std::string(8, '\1'), "short"},
      {"meta", "format", "toolong"},
      {"meta", "format", std::string(4, '\0')},
      {"meta", "retired_before", "x"},
      {"meta", "uuid", "x"},
      {"tombstones", "short", std::string(40, '\1')},
      {"tombstones", std::string(8, '\1'), std::string(40, '\0')},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.database) + " " + c.key);
    std::filesystem::remove_all(directory_);
    Open().reset();
    Raw(c.database, c.key, c.value);
    auto opened = LmdbCatalog::Open(directory_);
    if (!opened.has_value()) {
      EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
      continue;
    }
    const auto view = (*opened)->Read({.straddlers_after = 0, .tombstones_after = 0});
    ASSERT_FALSE(view.has_value());
    EXPECT_EQ(view.error().code(), ErrorCode::kCorruption) << view.error().message();
    EXPECT_EQ(view.error().message().rfind("catalog " + directory_ + ": ", 0), 0u);
  }
}

TEST_F(LmdbCatalogTest, RefusesAFileThatIsNotLmdbs) {
  std::filesystem::create_directory(directory_);
  std::ofstream(directory_ + "/data.mdb") << std::string(8192, 'x');
  const auto refused = LmdbCatalog::Open(directory_, {.create = true});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(refused.error().message(),
            directory_ + "/data.mdb: the page at byte 0: it is no meta page");
}

TEST_F(LmdbCatalogTest, ReportsAFileCutShort) {
  {
    auto catalog = Open();
    for (std::uint64_t id = 1; id <= 300; ++id) {
      ASSERT_TRUE(catalog->CommitSeal(OneSegment(id)).has_value());
    }
  }
  const std::string path = directory_ + "/data.mdb";
  const auto whole = std::filesystem::file_size(path);
  for (std::uintmax_t pages = 2; pages < whole / 4096; pages += 3) {
    SCOPED_TRACE("cut to " + std::to_string(pages) + " pages");
    const std::string copy = root_ + "/copy" + std::to_string(pages);
    std::filesystem::create_directory(copy);
    std::filesystem::copy_file(path, copy + "/data.mdb");
    std::filesystem::resize_file(copy + "/data.mdb", pages * 4096);
    auto opened = LmdbCatalog::Open(copy);
    const auto read = opened.has_value()
                          ? (*opened)->Read({.straddlers_after = 0, .tombstones_after = 0})
                          : Result<CatalogView>(opened.error());
    // Pages past the cut may all be free ones; then nothing is lost.
    if (read.has_value()) {
      EXPECT_EQ(read->segments.size(), 300u);
    } else {
      EXPECT_EQ(read.error().code(), ErrorCode::kCorruption) << read.error().message();
    }
  }
}

// As another user, or on read-only media. Root may write everywhere, so a child becomes nobody.
class LmdbCatalogPermissions : public LmdbCatalogTest {
 protected:
  static constexpr uid_t kNobody = 65534;
  template <typename Body>
  static int AsNobody(Body body) {
    return InChild([&] {
      if (::geteuid() == 0 && ::setuid(kNobody) != 0) return 90;
      return body();
    });
  }
};

TEST_F(LmdbCatalogPermissions, ReadsWithoutALockFileWhereNothingCanBeWritten) {
  ASSERT_TRUE(Open()->CommitSeal(OneSegment(1)).has_value());
  ::chmod(root_.c_str(), 0555);
  ::chmod(directory_.c_str(), 0555);
  ::chmod((directory_ + "/data.mdb").c_str(), 0444);
  for (const bool has_lock_file : {true, false}) {
    SCOPED_TRACE(has_lock_file);
    if (has_lock_file) {
      ::chmod((directory_ + "/lock.mdb").c_str(), 0444);
    } else {
      ::chmod(directory_.c_str(), 0755);
      std::filesystem::remove(directory_ + "/lock.mdb");
      ::chmod(directory_.c_str(), 0555);
    }
    EXPECT_EQ(AsNobody([&] {
                auto own = LmdbCatalog::Open(directory_);
                if (!own.has_value()) return 1;
                if (!(*own)->read_only()) return 2;
                if ((*own)->Read().value().segments.size() != 1) return 3;
                const auto refused = (*own)->PutSetting("a", "b");
                if (refused.has_value() || refused.error().code() != ErrorCode::kIo) return 4;
                if (refused.error().message() !=
                    "catalog " + directory_ +
                        ": it is open for reading only, since its files can't be written") {
                  return 5;
                }
                return 0;
              }),
              0);
  }
  ::chmod(root_.c_str(), 0755);
  ::chmod(directory_.c_str(), 0755);
}

TEST_F(LmdbCatalogPermissions, RefusesToReadUnseenBesideALiveProcess) {
  auto catalog = Open();
  ::chmod(root_.c_str(), 0755);
  ::chmod((directory_ + "/data.mdb").c_str(), 0444);
  ::chmod((directory_ + "/lock.mdb").c_str(), 0444);
  EXPECT_EQ(AsNobody([&] {
              const auto refused = LmdbCatalog::Open(directory_);
              if (refused.has_value() || refused.error().code() != ErrorCode::kIo) return 1;
              const std::string expected =
                  directory_ + "/lock.mdb can't be opened for writing while process " +
                  std::to_string(::getppid()) + " has the store open; let this user write to it";
              return refused.error().message() == expected ? 0 : 2;
            }),
            0);
}

TEST_F(LmdbCatalogPermissions, SaysThatPermissionIsRefused) {
  Open().reset();
  ::chmod(root_.c_str(), 0755);
  ::chmod((directory_ + "/data.mdb").c_str(), 0000);
  EXPECT_EQ(AsNobody([&] {
              const auto refused = LmdbCatalog::Open(directory_);
              if (refused.has_value() || refused.error().code() != ErrorCode::kIo) return 1;
              return refused.error().message() ==
                             "catalog " + directory_ + ": open: EACCES (Permission denied)"
                         ? 0
                         : 2;
            }),
            0);
}

}  // namespace
}  // namespace tracestore::store
