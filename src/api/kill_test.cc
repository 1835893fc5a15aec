// Two processes work on one store, one that appends, seals and merges, one that deletes, and either
// or both are killed at random moments, again and again.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <tracestore/store.h>
#include <tracestore/verify.h>

#include "api/deletes_test_support.h"
#include "model/span_batch.h"

namespace tracestore {
namespace {

using api::testing::OpenOrFail;
using api::testing::Options;
using api::testing::TemporaryDirectory;

constexpr std::uint64_t kSpans = 40;        // of a trace
constexpr std::uint64_t kLateSpan = 99;     // that comes after the trace was deleted
constexpr std::uint64_t kTracesInSeal = 12;
constexpr std::uint64_t kTracesInMerge = 60;

enum class Doing : std::uint8_t { kOpening, kAppending, kSealing, kMerging };

// In memory that the processes share, so that a kill takes nothing of it away. Trace t is of the
// spans 1 to kSpans; every third trace is deleted, and of these every second gets its late span.
struct Progress {
  std::atomic<std::uint64_t> appended{0};      // all traces up to here are acknowledged
  std::atomic<std::uint64_t> delete_begun{0};  // of the traces that are deleted
  std::atomic<std::uint64_t> deleted{0};
  std::atomic<std::uint64_t> late_begun{0};    // of the traces with a late span
  std::atomic<std::uint64_t> late{0};
  std::atomic<Doing> doing{Doing::kOpening};   // the writer
};

model::SpanBatch SpansOf(std::uint64_t trace, std::uint64_t first, std::uint64_t last) {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "s");
  batch.resources.emplace_back().attributes = {0, 1};
  batch.scopes.emplace_back();
  for (std::uint64_t span = first; span <= last; ++span) {
    model::SpanRecord& record = batch.spans.emplace_back();
    record.trace_id = {7, trace};
    record.span_id = {span};
    record.parent_id = {span == first ? 0 : first};
    record.name = batch.strings.Intern("work");
    record.start_ns = 1'000'000 + trace * 1'000 + span;
    record.duration_ns = 5;
    record.presence = model::kHasStart | model::kHasDuration;
    record.attributes.begin = 1;
  }
  return batch;
}

// Whatever becomes of the test, no process of its own goes on for ever.
void DieWithParent() { prctl(PR_SET_PDEATHSIG, SIGKILL); }

[[noreturn]] void WriteForever(const std::string& path, Progress& progress, bool in_background) {
  DieWithParent();
  progress.doing = Doing::kOpening;
  StoreOptions options = Options(OpenMode::kWrite);
  options.background_sealing = in_background;
  options.head_max_spans = 1'000;
  options.compaction_duty_percent = 100;
  auto store = Store::Open(path, options);
  if (!store.has_value()) _exit(3);
  while (true) {
    progress.doing = Doing::kAppending;
    const std::uint64_t trace = progress.appended + 1;
    if (!(*store)->AppendBatch(SpansOf(trace, 1, kSpans)).has_value()) _exit(4);
    progress.appended = trace;
    if (trace > progress.deleted + 150) usleep(5'000);  // the deleter comes along
    for (std::uint64_t late = progress.late + 6; late <= progress.deleted; late += 6) {
      progress.late_begun = late;
      if (!(*store)->AppendBatch(SpansOf(late, kLateSpan, kLateSpan)).has_value()) _exit(5);
      progress.late = late;
    }
    if (in_background) continue;
    progress.doing = Doing::kSealing;
    if (trace % kTracesInSeal == 0 && !(*store)->Seal().has_value()) _exit(6);
    progress.doing = Doing::kMerging;
    CompactOptions all;
    all.full = trace % (4 * kTracesInMerge) == 0;
    if (trace % kTracesInMerge == 0 && !(*store)->Compact(all).has_value()) _exit(7);
  }
}

[[noreturn]] void DeleteForever(const std::string& path, Progress& progress) {
  DieWithParent();
  auto store = Store::Open(path, Options(OpenMode::kRead));
  if (!store.has_value()) _exit(3);
  while (true) {
    const std::uint64_t trace = progress.deleted + 3;
    if (trace > progress.appended) {
      usleep(200);  // it is the writer's turn
      continue;
    }
    progress.delete_begun = trace;
    if (!(*store)->Delete({{7, trace}}).has_value()) _exit(4);
    progress.deleted = trace;
  }
}

// What a snapshot must have of a trace, by what was said before it was taken (acknowledged) and
// begun after.
void ExpectTrace(const Snapshot& snapshot, std::uint64_t trace, const Progress& before,
                 const Progress& after) {
  SCOPED_TRACE("trace " + std::to_string(trace));
  std::set<std::uint64_t> spans;
  if (const auto found = snapshot.Get({7, trace}); found.has_value()) {
    for (std::size_t i = 0; i < found->size(); ++i) spans.insert((*found)[i].span_id().value);
  } else {
    ASSERT_EQ(found.error().code(), ErrorCode::kNotFound) << found.error().message();
  }
  const bool late = spans.erase(kLateSpan) != 0;
  const bool is_deleted = trace % 3 == 0;
  if (!is_deleted || trace > after.delete_begun) {
    ASSERT_EQ(spans.size(), kSpans) << "spans are missing";
  } else if (trace <= before.deleted) {
    ASSERT_EQ(spans.size(), 0U) << "it is back";
  }
  if (trace % 6 == 0 && trace <= before.late) {
    ASSERT_TRUE(late) << "its late span is missing";
  }
  if (trace % 6 != 0 || trace > after.late_begun) {
    ASSERT_FALSE(late);
  }
}

void Copy(const Progress& from, Progress& to) {
  to.appended = from.appended.load();
  to.deleted = from.deleted.load();
  to.late = from.late.load();
  to.delete_begun = from.delete_begun.load();
  to.late_begun = from.late_begun.load();
}

// Of every `step`-th trace from `first` on.
void ExpectAll(const std::string& path, const Progress& progress, std::uint64_t first,
               std::uint64_t step = 1) {
  Progress before, after;
  Copy(progress, before);
  const auto reader = OpenOrFail(path, OpenMode::kRead);
  ASSERT_NE(reader, nullptr);
  const auto snapshot = reader->TakeSnapshot();
  ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
  Copy(progress, after);
  for (std::uint64_t trace = first; trace <= before.appended; trace += step) {
    ExpectTrace(*snapshot, trace, before, after);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

void Kill(pid_t& child) {
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child gave up with " << WEXITSTATUS(status);
  child = 0;
}

TEST(StoreKills, NothingIsMissingNorBackWhicheverProcessIsKilled) {
  const char* const asked = std::getenv("TRACESTORE_KILL_ROUNDS");
  const int rounds = asked != nullptr ? std::atoi(asked) : 18;
  const TemporaryDirectory directory;
  const std::string path = directory.path();
  ASSERT_NE(OpenOrFail(path), nullptr);
  void* const memory = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  Progress& progress = *new (memory) Progress;
  std::mt19937_64 random(5);
  std::array<int, 4> kills_while{};
  int deleters = 0;
  pid_t writer = 0;
  pid_t deleter = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const std::uint64_t first = progress.appended > 100 ? progress.appended - 100 : 1;
    if (writer == 0 && (writer = fork()) == 0) WriteForever(path, progress, round % 4 == 3);
    if (deleter == 0 && (deleter = fork()) == 0) DeleteForever(path, progress);
    usleep(static_cast<useconds_t>(random() % 60'000));
    if (round % 3 != 1) {
      Kill(writer);
      ++kills_while.at(static_cast<std::size_t>(progress.doing.load()));
    }
    if (round % 3 != 0) {
      Kill(deleter);
      ++deleters;
    }
    if (HasFailure()) break;
    ExpectAll(path, progress, first);
    if (round % 10 == 9) ExpectAll(path, progress, 1 + random() % 13, 13);
    if (HasFailure()) break;
  }
  if (writer != 0) Kill(writer);
  if (deleter != 0) Kill(deleter);
  ExpectAll(path, progress, 1);
  {
    // Removes what the kills left; a log of which no record is whole stands until the next seal.
    const auto last = OpenOrFail(path);
    ASSERT_NE(last, nullptr);
    ASSERT_TRUE(last->AppendBatch(SpansOf(progress.appended + 1, 1, kSpans)).has_value());
    ASSERT_TRUE(last->Seal().has_value());
  }
  const auto report = Verify(path);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_TRUE(report->sound()) << report->findings[0].file << ": " << report->findings[0].problem;
  for (const Finding& finding : report->findings)
    ADD_FAILURE() << finding.file << " at " << finding.offset << ": " << finding.problem;
  EXPECT_EQ(report->left_over, 0U);
  EXPECT_GT(progress.appended, 0U);
  EXPECT_GT(progress.deleted, 0U);
  std::printf("writer killed while opening %d, appending %d, sealing %d, merging %d; deleter %d; "
              "traces %llu, deleted up to %llu, late spans up to %llu\n",
              kills_while[0], kills_while[1], kills_while[2], kills_while[3], deleters,
              static_cast<unsigned long long>(progress.appended),
              static_cast<unsigned long long>(progress.deleted),
              static_cast<unsigned long long>(progress.late));
  munmap(memory, sizeof(Progress));
}

}  // namespace
}  // namespace tracestore
