// What a store refuses, in the exact words that a user reads: permission, a second writer, nothing
// there, newer formats, use after fork.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tracestore/store.h>

#include "api/deletes_test_support.h"
#include "model/span_batch.h"
#include "store/log/log_format.h"

namespace tracestore {
namespace {

using api::testing::OpenOrFail;
using api::testing::Options;
using api::testing::TemporaryDirectory;

model::SpanBatch OneSpan() {
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  model::SpanRecord& record = batch.spans.emplace_back();
  record.trace_id = {7, 1};
  record.span_id = {1};
  record.name = batch.strings.Intern("work");
  return batch;
}

template <typename T>
std::string Sentence(const Result<T>& result) {
  return result.has_value() ? "no error" : result.error().message();
}

// What `say` gives in a child process, which is another user where this one is root: to whom no
// permission is refused. nullopt where it hangs.
std::optional<std::string> TryInChild(bool as_nobody, const std::function<std::string()>& say) {
  constexpr uid_t kNobody = 65534;
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    std::string text = "setuid failed";
    if (!as_nobody || geteuid() != 0 || setuid(kNobody) == 0) text = say();
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return std::nullopt;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return text;
}
// The allocator of gcc 12's sanitizers isn't unlocked in the child of a fork: a thread that is just
// allocating makes it hang. What hangs for another reason does so each time.
std::string InChild(bool as_nobody, const std::function<std::string()>& say) {
  for (int i = 0; i < 4; ++i) {
    if (auto text = TryInChild(as_nobody, say)) return *text;
  }
  return "it hangs";
}
std::string AsNobody(const std::function<std::string()>& say) { return InChild(true, say); }

class Refusals : public ::testing::Test {
 protected:
  Refusals() : path_(directory_.path()) {
    ::chmod(std::filesystem::path(path_).parent_path().c_str(), 0755);
  }
  ~Refusals() override {
    // So that whoever runs the test can remove it.
    for (const char* name : {"", "/wal", "/segments", "/catalog"})
      ::chmod((path_ + name).c_str(), 0755);
  }

  // A closed store with one segment.
  void MakeStore() const {
    auto store = OpenOrFail(path_);
    ASSERT_TRUE(store->AppendBatch(OneSpan()).has_value());
    ASSERT_TRUE(store->Close().has_value());
  }
  std::string Opened(OpenMode mode) const { return Sentence(Store::Open(path_, Options(mode))); }
  std::string FileIn(const char* folder) const {
    return std::filesystem::directory_iterator(path_ + folder)->path();
  }

  // Changes a file's bytes.
  static void Patch(const std::string& file, const std::function<void(std::string&)>& change) {
    std::ifstream in(file, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    ASSERT_FALSE(bytes.empty()) << file;
    change(bytes);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }

  const TemporaryDirectory directory_;
  const std::string path_;
};

TEST_F(Refusals, PermissionToWrite) {
  MakeStore();
  EXPECT_EQ(AsNobody([&] { return Opened(OpenMode::kWrite); }),
            "open " + path_ + "/lock: EACCES (Permission denied)");
  EXPECT_EQ(AsNobody([&] { return Sentence(Store::Open(path_ + "/deep/er")); }),
            "create directory " + path_ + "/deep: EACCES (Permission denied)");
  EXPECT_EQ(AsNobody([&] {
              const auto store = Store::Open(path_, Options(OpenMode::kRead));
              if (!store.has_value()) return Sentence(store);
              return Sentence((*store)->Delete({{7, 1}}));
            }),
            "nothing can be deleted from " + path_ +
                ": its catalog can't be written by this user, or lies on a medium that is for "
                "reading only");
  EXPECT_EQ(AsNobody([&] {
              const auto store = Store::Open(path_, Options(OpenMode::kRead));
              if (!store.has_value()) return Sentence(store);
              return Sentence((*store)->Archive({{7, 1}}));
            }),
            "create directory " + path_ + "/archive: EACCES (Permission denied)");
}

TEST_F(Refusals, PermissionToRead) {
  MakeStore();
  const std::string segment = FileIn("/segments");
  const struct {
    std::string path;
    std::string sentence;
  } cases[] = {
      {path_, "stat " + path_ + "/catalog: EACCES (Permission denied)"},
      {path_ + "/catalog/data.mdb",
       "catalog " + path_ + "/catalog: open: EACCES (Permission denied)"},
      {path_ + "/wal", "list " + path_ + "/wal: EACCES (Permission denied)"},
      {segment, "open " + segment + ": EACCES (Permission denied)"},
  };
  for (const auto& [path, sentence] : cases) {
    struct stat before {};
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    ::chmod(path.c_str(), S_ISDIR(before.st_mode) ? 0700 : 0);
    EXPECT_EQ(AsNobody([&] {
                // A user other than root owns the files here, and is refused all the same.
                if (getuid() == before.st_uid) ::chmod(path.c_str(), 0);
                return Opened(OpenMode::kRead);
              }),
              sentence);
    ::chmod(path.c_str(), before.st_mode & 07777U);
  }
  EXPECT_EQ(AsNobody([&] { return Opened(OpenMode::kRead); }), "no error");
}

TEST_F(Refusals, ASecondWriter) {
  const auto writer = OpenOrFail(path_);
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  const std::string sentence = "the store " + path_ + " is open for writing by PID " +
                               std::to_string(getpid()) + " (api_refusals_test) on host " + host;
  EXPECT_EQ(Opened(OpenMode::kWrite), sentence);
  EXPECT_EQ(InChild(false, [&] { return Opened(OpenMode::kWrite); }), sentence);
}

TEST_F(Refusals, NothingThere) {
  EXPECT_EQ(Opened(OpenMode::kRead), "there is no store at " + path_);
  EXPECT_FALSE(std::filesystem::exists(path_));  // reading makes nothing
  std::ofstream(path_) << "a file";
  EXPECT_EQ(Opened(OpenMode::kWrite),
            "create directory " + path_ + "/catalog: ENOTDIR (Not a directory)");
  EXPECT_EQ(Sentence(SnapshotOfSegment(path_ + "x")),
            "open " + path_ + "x: ENOENT (No such file or directory)");
}

TEST_F(Refusals, ANewerCatalog) {
  MakeStore();
  Patch(path_ + "/catalog/data.mdb", [](std::string& bytes) {
    const std::string now("format\x01\0\0\0", 10);
    for (std::size_t at = 0; (at = bytes.find(now, at)) != std::string::npos;) bytes[at + 6] = 2;
  });
  const std::string sentence =
      path_ + "/catalog has catalog format version 2; this build reads up to version 1";
  EXPECT_EQ(Opened(OpenMode::kRead), sentence);
  EXPECT_EQ(Opened(OpenMode::kWrite), sentence);
}

TEST_F(Refusals, ANewerSegment) {
  MakeStore();
  const std::string segment = FileIn("/segments");
  Patch(segment, [](std::string& bytes) { bytes[8] = 9; });
  const std::string sentence =
      "segment " + segment + " has format version 9; this build reads version 1: use a newer "
      "tracestore";
  EXPECT_EQ(Opened(OpenMode::kRead), sentence);
  EXPECT_EQ(Opened(OpenMode::kWrite), sentence);
  EXPECT_EQ(Sentence(SnapshotOfSegment(segment)), sentence);
}

TEST_F(Refusals, ANewerLog) {
  // A process that ends without closing leaves its log.
  EXPECT_EQ(InChild(false, [&] {
              auto store = Store::Open(path_, Options(OpenMode::kWrite)).value();
              const std::string appended = Sentence(store->AppendBatch(OneSpan()));
              (void)store.release();
              return appended;
            }),
            "no error");
  const std::string log = FileIn("/wal");
  Patch(log, [](std::string& bytes) {
    std::string header;
    store::AppendLogFileHeader({.version = 2, .file_number = 1}, header);
    bytes.replace(0, header.size(), header);
  });
  const std::string sentence =
      log + " has log format version 2; this build reads up to version 1";
  EXPECT_EQ(Opened(OpenMode::kRead), sentence);
  EXPECT_EQ(Opened(OpenMode::kWrite), sentence);
}

TEST_F(Refusals, UseAfterFork) {
  StoreOptions options;
  options.sync_interval = std::chrono::milliseconds(10);  // with all threads
  auto writer = Store::Open(path_, options).value();
  ASSERT_TRUE(writer->AppendBatch(OneSpan()).has_value());
  auto reader = OpenOrFail(path_, OpenMode::kRead);
  std::string expected;
  for (int call = 0; call < 14; ++call)
    expected += "this store was opened before fork(); open it again in the child process\n";
  EXPECT_EQ(InChild(false, [&] {
              std::string said;
              for (Store* store : {writer.get(), reader.get()}) {
                said += Sentence(store->TakeSnapshot()) + "\n";
                said += Sentence(store->Get({7, 1})) + "\n";
                said += Sentence(store->DeleteAll()) + "\n";
                said += Sentence(store->Sync()) + "\n";
                said += Sentence(store->Seal()) + "\n";
                said += Sentence(store->Close()) + "\n";
                said += Sentence(store->Archive({{7, 1}})) + "\n";
              }
              writer.reset();  // must neither wait nor take the parent's lock
              reader.reset();
              return said;
            }),
            expected);
  // The parent goes on.
  ASSERT_TRUE(writer->AppendBatch(OneSpan()).has_value());
  EXPECT_EQ(writer->Get({7, 1})->size(), 2U);
  EXPECT_EQ(InChild(false, [&] { return Opened(OpenMode::kRead); }), "no error");
}

}  // namespace
}  // namespace tracestore
