// Compaction on a real catalog: killed at random moments, and beside appends, deletes and readers.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <random>
#include <set>
#include <thread>
#include <vector>

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

// Spans of traces [first, last), one each.
model::SpanBatch SpansOfTraces(std::uint64_t first, std::uint64_t last, std::uint64_t span) {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "s");
  batch.resources.emplace_back().attributes = {0, 1};
  batch.scopes.emplace_back();
  for (std::uint64_t trace = first; trace < last; ++trace) {
    model::SpanRecord& record = batch.spans.emplace_back();
    record.trace_id = {7, trace};
    record.span_id = {span};
    record.name = batch.strings.Intern("work");
    record.start_ns = 1'000'000 + trace;
    record.duration_ns = 5;
    record.presence = model::kHasStart | model::kHasDuration;
    record.attributes.begin = 1;
  }
  return batch;
}

constexpr std::uint64_t kTracesInRound = 24;
constexpr std::uint64_t kSegmentsInRound = 4;

// Rounds of appends in several segments, each trace in all of them, with every third trace deleted
// in the middle and every sixth appended again; then a full compaction. Tells each round that is
// done but for the compaction, so that kills fall into that one.
[[noreturn]] void MergeForever(const std::string& path, int pipe, std::uint64_t first_round) {
  auto writer = Store::Open(path, Options(OpenMode::kWrite));
  if (!writer.has_value()) _exit(3);
  for (std::uint64_t round = first_round;; ++round) {
    const std::uint64_t first = round * kTracesInRound;
    for (std::uint64_t i = 0; i < kSegmentsInRound; ++i) {
      if (!(*writer)->AppendBatch(SpansOfTraces(first, first + kTracesInRound, i + 1)).has_value())
        _exit(4);
      if (!(*writer)->Seal().has_value()) _exit(5);
    }
    for (std::uint64_t trace = first; trace < first + kTracesInRound; trace += 3) {
      if (!(*writer)->Delete({{7, trace}}).has_value()) _exit(6);
      if (trace % 2 == 0 &&
          !(*writer)->AppendBatch(SpansOfTraces(trace, trace + 1, 99)).has_value()) {
        _exit(7);
      }
    }
    if (write(pipe, &round, sizeof round) != sizeof round) _exit(8);
    CompactOptions options;
    options.full = true;
    if (!(*writer)->Compact(options).has_value()) _exit(9);
  }
}

void ExpectRounds(const Snapshot& snapshot, std::uint64_t first_trace, std::uint64_t end_trace) {
  for (std::uint64_t trace = first_trace; trace < end_trace; ++trace) {
    const auto spans = snapshot.Get({7, trace});
    const std::size_t expected = trace % 3 != 0 ? kSegmentsInRound : trace % 2 == 0 ? 1 : 0;
    ASSERT_EQ(spans.has_value() ? spans->size() : 0, expected) << "trace " << trace;
    if (expected == 1) {
      EXPECT_EQ((*spans)[0].span_id().value, 99U);
    }
  }
}

TEST(CompactionKill, NothingIsMissingNorBackAfterAKill) {
  const char* const asked = std::getenv("TRACESTORE_KILL_ROUNDS");
  const int kills = asked != nullptr ? std::atoi(asked) : 12;
  const TemporaryDirectory directory;
  std::mt19937_64 random(11);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> whole;  // ranges of traces of done rounds
  std::uint64_t next = 0;
  for (int number = 0; number < kills; ++number) {
    SCOPED_TRACE("kill " + std::to_string(number));
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      MergeForever(directory.path(), ends[1], next);
    }
    close(ends[1]);
    std::uint64_t round = 0;
    const std::uint64_t first = next;
    for (int i = 0; i < 1 + number % 2 && read(ends[0], &round, sizeof round) == sizeof round; ++i)
      next = round + 1;
    // Somewhere in the merge, or in what follows.
    usleep(static_cast<useconds_t>(random() % 12'000));
    kill(child, SIGKILL);
    while (read(ends[0], &round, sizeof round) == sizeof round) next = round + 1;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child gave up with " << WEXITSTATUS(status);
    whole.emplace_back(first * kTracesInRound, next * kTracesInRound);
    ++next;  // the one that was broken off may be in any state
    const auto reader = OpenOrFail(directory.path(), OpenMode::kRead);
    ASSERT_NE(reader, nullptr);
    const auto snapshot = reader->TakeSnapshot();
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    for (const auto& [begin, end] : whole) ExpectRounds(*snapshot, begin, end);
    if (HasFailure()) return;
  }
  ASSERT_NE(OpenOrFail(directory.path()), nullptr);  // removes what the kills left
  const auto report = Verify(directory.path());
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_TRUE(report->sound()) << report->findings[0].file << ": " << report->findings[0].problem;
  EXPECT_EQ(report->left_over, 0U);
}

// Traces of four spans, appended one after the other to many small segments that are sealed and
// merged meanwhile: no snapshot, of this handle or a reader's, lacks an acknowledged span or has
// one twice; what was deleted stays away.
TEST(CompactionThreads, EverySnapshotHasEverySpanOnce) {
  constexpr std::uint64_t kTraces = 1'500;
  const TemporaryDirectory directory;
  StoreOptions options = Options(OpenMode::kWrite);
  options.background_sealing = true;
  options.head_max_spans = 1'000;
  options.compaction_duty_percent = 100;
  std::atomic<std::uint64_t> merges{0};
  options.metric = [&](std::string_view name, double value) {
    if (name == "compactions") merges += static_cast<std::uint64_t>(value);
  };
  auto opened = Store::Open(directory.path(), options);
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  Store& writer = **opened;
  auto reader = OpenOrFail(directory.path(), OpenMode::kRead);
  ASSERT_NE(reader, nullptr);
  std::atomic<std::uint64_t> acknowledged{0};  // traces [0, n) are whole
  std::atomic<std::uint64_t> deleted{0};       // of those every tenth below this is gone
  std::atomic<bool> done{false};
  const auto look = [&](const Store& store, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!done && !::testing::Test::HasFailure()) {
      const std::uint64_t whole = acknowledged;
      const std::uint64_t gone = deleted;
      const auto snapshot = store.TakeSnapshot();
      ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
      for (int i = 0; i < 20 && whole > 0; ++i) {
        const std::uint64_t trace = random() % whole;
        if (trace % 10 == 0 && trace >= gone) continue;  // may go just now
        const auto spans = snapshot->Get({7, trace});
        const std::size_t expected = trace % 10 == 0 ? 0 : 4;
        ASSERT_EQ(spans.has_value() ? spans->size() : 0, expected) << "trace " << trace;
      }
    }
  };
  {
    std::jthread own([&] { look(writer, 1); });
    std::jthread other([&] { look(*reader, 2); });
    std::jthread deletes([&] {
      while (!done && !::testing::Test::HasFailure()) {
        const std::uint64_t next = deleted;
        if (next + 1 > acknowledged) {
          std::this_thread::yield();
          continue;
        }
        if (next % 10 == 0) {
          EXPECT_TRUE(reader->Delete({{7, next}}).has_value());
        }
        deleted = next + 1;
      }
    });
    for (std::uint64_t first = 0; first < kTraces; first += 25) {
      for (std::uint64_t span = 1; span <= 4; ++span) {
        const auto appended = writer.AppendBatch(SpansOfTraces(first, first + 25, span));
        ASSERT_TRUE(appended.has_value()) << appended.error().message();
        if (first % 100 == 0) {
          EXPECT_TRUE(writer.Seal().has_value());
        }
      }
      acknowledged = first + 25;
    }
    CompactOptions all;
    all.full = true;
    EXPECT_TRUE(writer.Compact(all).has_value());
    done = true;
  }
  EXPECT_GT(merges, 0U);
  ASSERT_TRUE(writer.Close().has_value());
  const auto report = Verify(directory.path());
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_TRUE(report->sound()) << report->findings[0].file << ": " << report->findings[0].problem;
}

TEST(CompactionBackground, MergesWithoutBeingAsked) {
  const TemporaryDirectory directory;
  StoreOptions options = Options(OpenMode::kWrite);
  options.background_sealing = true;
  std::atomic<std::uint64_t> merged{0};
  options.metric = [&](std::string_view name, double value) {
    if (name != "compacted_segments") return;
    merged += static_cast<std::uint64_t>(value);
    merged.notify_all();
  };
  auto store = Store::Open(directory.path(), options);
  ASSERT_TRUE(store.has_value()) << store.error().message();
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE((*store)->AppendBatch(SpansOfTraces(0, 10, i)).has_value());
    ASSERT_TRUE((*store)->Seal().has_value());
  }
  merged.wait(0);
  ASSERT_TRUE((*store)->Close().has_value());
  EXPECT_EQ(merged, 4U);
  auto reader = OpenOrFail(directory.path(), OpenMode::kRead);
  EXPECT_EQ(reader->Get({7, 3})->size(), 4U);
  EXPECT_EQ(reader->TakeSnapshot()->Stats(false)->segments, 1U);
}

}  // namespace
}  // namespace tracestore
