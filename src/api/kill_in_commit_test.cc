// A writer is killed inside its commit: LMDB's new meta page is written, and the number that
// readers begin with isn't set yet. LMDB alone says so to the next writer, by the mutex of a dead
// owner.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include <tracestore/repair.h>
#include <tracestore/store.h>
#include <tracestore/verify.h>

#include "api/deletes_test_support.h"
#include "api/file_test_support.h"
#include "model/span_batch.h"

namespace {

bool dies_at_the_next_meta_page = false;
constexpr off_t kMetaPagesEnd = 2 * 4096;
constexpr std::size_t kMostMetaBytes = 512;  // LMDB writes the meta alone, a page of data whole

}  // namespace

// LMDB's own call comes here, since a program's symbols go before those of its libraries.
extern "C" ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  const auto written = syscall(SYS_pwrite64, fd, bytes, count, offset);
  if (dies_at_the_next_meta_page && offset < kMetaPagesEnd && count < kMostMetaBytes)
    kill(getpid(), SIGKILL);
  return static_cast<ssize_t>(written);
}

namespace tracestore {
namespace {

using api::testing::OpenOrFail;
using api::testing::TemporaryDirectory;

constexpr std::uint64_t kSpans = 30;  // of the one trace

model::SpanBatch Spans() {
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  for (std::uint64_t id = 1; id <= kSpans; ++id) {
    model::SpanRecord& record = batch.spans.emplace_back();
    record.trace_id = {7, 1};
    record.span_id = {id};
    record.name = batch.strings.Intern("work");
    record.start_ns = 1'000'000 + id;
    record.duration_ns = 5;
    record.presence = model::kHasStart | model::kHasDuration;
  }
  return batch;
}

// A child that is killed between the write of the meta page and the end of the commit.
void SealAndDie(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    const auto store = OpenOrFail(path);
    if (store == nullptr || !store->AppendBatch(Spans()).has_value()) _exit(1);
    dies_at_the_next_meta_page = true;
    (void)store->Seal();
    _exit(2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended with " << WEXITSTATUS(status);
}

std::size_t SpansSeen(const Store& store) {
  const auto snapshot = store.TakeSnapshot();
  EXPECT_TRUE(snapshot.has_value()) << snapshot.error().message();
  if (!snapshot.has_value()) return 0;
  const auto trace = snapshot->Get({7, 1});
  EXPECT_TRUE(trace.has_value()) << trace.error().message();
  return trace.has_value() ? trace->size() : 0;
}

TEST(KillInCommit, ReadersGoOnAndTheNextWriterLosesNothing) {
  const TemporaryDirectory directory;
  const std::string path = directory.path();
  ASSERT_NE(OpenOrFail(path), nullptr);
  // As long as a process has the catalog open, LMDB doesn't make its lock file anew.
  const auto reader = OpenOrFail(path, OpenMode::kRead);
  ASSERT_NE(reader, nullptr);
  SealAndDie(path);
  EXPECT_EQ(SpansSeen(*reader), kSpans);
  EXPECT_EQ(SpansSeen(*OpenOrFail(path, OpenMode::kRead)), kSpans);
  {
    const auto writer = OpenOrFail(path);
    ASSERT_NE(writer, nullptr);
    EXPECT_EQ(SpansSeen(*writer), kSpans);
    ASSERT_TRUE(writer->AppendBatch(Spans()).has_value());
    ASSERT_TRUE(writer->Seal().has_value());
    EXPECT_EQ(SpansSeen(*writer), 2 * kSpans);
  }
  EXPECT_EQ(SpansSeen(*reader), 2 * kSpans);
  const auto report = Verify(path);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  for (const Finding& finding : report->findings)
    ADD_FAILURE() << finding.file << " at " << finding.offset << ": " << finding.problem;
}

// Readers, and so a repair, don't see the segment yet that was committed last.
TEST(KillInCommit, ARepairLeavesTheSegmentOfThatCommit) {
  const TemporaryDirectory directory;
  const std::string path = directory.path();
  {
    const auto store = OpenOrFail(path);
    ASSERT_NE(store, nullptr);
    ASSERT_TRUE(store->AppendBatch(Spans()).has_value());
    ASSERT_TRUE(store->Seal().has_value());
  }
  const auto reader = OpenOrFail(path, OpenMode::kRead);
  ASSERT_NE(reader, nullptr);
  SealAndDie(path);
  const std::string first = path + "/segments/0000000000000001.seg";
  std::string bytes = api::testing::ReadFile(first);
  bytes[60] = static_cast<char>(bytes[60] ^ 1);  // of its only page
  api::testing::WriteFile(first, bytes);
  const auto repaired = Repair(path, {.write = true});
  ASSERT_TRUE(repaired.has_value()) << repaired.error().message();
  EXPECT_TRUE(repaired->written);
  EXPECT_EQ(repaired->after.damage, 0U);
  EXPECT_EQ(repaired->spans_lost, kSpans);
  EXPECT_EQ(SpansSeen(*reader), kSpans);
  EXPECT_EQ(SpansSeen(*OpenOrFail(path)), kSpans);
}

}  // namespace
}  // namespace tracestore
