#include <tracestore/store.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "api/deletes_test_support.h"
#include "codec/testing/arbitrary_batch.h"
#include "model/span_batch.h"

namespace tracestore {
namespace {

using api::testing::TemporaryDirectory;

model::SpanBatch OneSpan(std::uint64_t trace, std::uint64_t span, const char* service) {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), service);
  batch.resources.emplace_back().attributes = {0, 1};
  batch.scopes.emplace_back();
  model::SpanRecord& record = batch.spans.emplace_back();
  record.trace_id = {7, trace};
  record.span_id = {span};
  record.name = batch.strings.Intern("work");
  record.start_ns = 1'000'000 + span;
  record.duration_ns = 5;
  record.presence = model::kHasStart | model::kHasDuration;
  record.attributes.begin = 1;
  return batch;
}

StoreOptions Reading() {
  StoreOptions options;
  options.mode = OpenMode::kRead;
  return options;
}

std::unique_ptr<Store> OpenOrFail(const std::string& path, StoreOptions options = {}) {
  auto store = Store::Open(path, std::move(options));
  EXPECT_TRUE(store.has_value()) << store.error().message();
  return store.has_value() ? std::move(*store) : nullptr;
}

// The codes of what each call of a snapshot that reads says.
std::vector<std::optional<ErrorCode>> AskEverything(const Snapshot& snapshot) {
  std::vector<std::optional<ErrorCode>> codes;
  const auto note = [&](const auto& result) {
    if (result.has_value()) return codes.push_back(std::nullopt);
    codes.push_back(result.error().code());
  };
  note(snapshot.Find(Query()));
  note(snapshot.FindSummaries(Query()));
  note(snapshot.FindSpans(Query()));
  note(snapshot.ReadSpans(Query()));
  note(snapshot.Get({7, 1}));
  note(snapshot.GetSubtree({7, 1}, {1}));
  note(snapshot.Summarize({7, 2}));
  note(snapshot.Services());
  note(snapshot.Operations(""));
  note(snapshot.Keys());
  note(snapshot.Values("service.name", 0));
  note(snapshot.Dependencies({}));
  note(snapshot.Metrics({}));
  note(snapshot.Stats(false));
  note(snapshot.ForEachBatch([](const SpanList&) { return true; }));
  return codes;
}

TEST(Store, CallsOfASnapshotStopWhenAskedTo) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  // Trace 2 lies in two segments, so that its summary takes rows.
  for (const std::uint64_t span : {1, 2}) {
    ASSERT_TRUE(store->AppendBatch(OneSpan(span, span, "s")).has_value());
    ASSERT_TRUE(store->AppendBatch(OneSpan(2, 10 + span, "t")).has_value());
    ASSERT_TRUE(store->Seal().has_value());
  }
  const auto snapshot = store->TakeSnapshot();
  std::atomic<bool> cancel{false};
  StopWhen stop;
  stop.cancel = &cancel;
  const Snapshot bounded = snapshot->StoppingWhen(stop);
  const std::vector<std::optional<ErrorCode>> fine(15);
  EXPECT_EQ(AskEverything(bounded), fine);
  cancel = true;
  const std::vector<std::optional<ErrorCode>> stopped(15, ErrorCode::kCancelled);
  EXPECT_EQ(AskEverything(bounded), stopped);
  EXPECT_EQ(bounded.Services().error().message(), "the query was cancelled");
  EXPECT_EQ(AskEverything(*snapshot), fine);
  StopWhen late;
  late.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  EXPECT_EQ(AskEverything(snapshot->StoppingWhen(late)), stopped);
  StopWhen asked;
  asked.poll = [] { return true; };
  EXPECT_EQ(AskEverything(snapshot->StoppingWhen(asked)), stopped);
}

TEST(Store, AppendsFilesOfAnyFormat) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  const auto kept = store->AppendFile(
      R"([{"traceId":"000000000000000a","id":"000000000000000b","name":"get"}])");
  ASSERT_TRUE(kept.has_value()) << kept.error().message();
  EXPECT_EQ(kept->accepted, 1U);
  EXPECT_TRUE(store->Get({0, 10}).has_value());
  EXPECT_EQ(store->AppendFile("no format").error().code(), ErrorCode::kInvalidArgument);
}

TEST(Store, FilesAreReadUntilToldToStop) {
  const std::vector<std::string> files(
      3, R"([{"traceId":"000000000000000a","id":"000000000000000b","name":"get"}])");
  AppendResult report;
  StopWhen stop;
  int asked = 0;
  stop.poll = [&] { return ++asked > 2; };  // small files are asked for once each
  const auto stopped = SnapshotOfFiles(files, report, stop);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(stopped.error().message(), "the reading was cancelled");
  EXPECT_EQ(report.accepted, 0U);
  asked = -10;
  EXPECT_TRUE(SnapshotOfFiles(files, report, stop).has_value());
  EXPECT_EQ(report.accepted, 3U);
}

TEST(Store, FindsWhatWasAppendedAtOnceAndAfterReopening) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  for (std::uint64_t i = 1; i <= 10; ++i)
    ASSERT_TRUE(store->AppendBatch(OneSpan(i, i, i % 2 ? "odd" : "even")).has_value());
  const auto found = store->Find(Query().Service("odd"));
  ASSERT_TRUE(found.has_value()) << found.error().message();
  EXPECT_EQ(found->traces.size(), 5U);
  ASSERT_TRUE(store->Close().has_value());
  EXPECT_EQ(store->Find(Query()).error().message(), "the store is closed");

  store = OpenOrFail(directory.path());
  EXPECT_EQ(store->Find(Query().Service("odd"))->traces.size(), 5U);
  const auto spans = store->Get({7, 4});
  ASSERT_TRUE(spans.has_value()) << spans.error().message();
  ASSERT_EQ(spans->size(), 1U);
  EXPECT_EQ((*spans)[0].service(), "even");
  EXPECT_EQ((*spans)[0].span_id().value, 4U);
  EXPECT_EQ(store->Get({7, 99}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store->Get({7, 99}).error().message(),
            "there is no trace 00000000000000070000000000000063");
}

TEST(Store, ATraceOverManySegmentsIsOneTrace) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  for (std::uint64_t i = 1; i <= 6; ++i) {
    ASSERT_TRUE(store->AppendBatch(OneSpan(1, i, "s")).has_value());
    if (i != 6) {
      ASSERT_TRUE(store->Seal().has_value());
    }
    if (i == 3) {
      store.reset();
      store = OpenOrFail(directory.path());
    }
  }
  EXPECT_EQ(store->Get({7, 1})->size(), 6U);
  const auto page = store->FindSummaries(Query().Service("s"));
  ASSERT_TRUE(page.has_value()) << page.error().message();
  ASSERT_EQ(page->summaries.size(), 1U);
  EXPECT_EQ(page->summaries[0].span_count, 6U);
  EXPECT_EQ(page->summaries[0].start_ns, 1'000'001U);
}

TEST(Store, TheSameSpanTwiceIsKeptTwiceAndCountedOnce) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 1, "s")).has_value());
  ASSERT_TRUE(store->Seal().has_value());
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 1, "s")).has_value());
  EXPECT_EQ(store->Get({7, 1})->size(), 2U);
  EXPECT_EQ(store->FindSummaries(Query())->summaries.at(0).span_count, 1U);
}

TEST(Store, AReaderSeesWhatAnotherHandleAppends) {
  const TemporaryDirectory directory;
  auto writer = OpenOrFail(directory.path());
  ASSERT_TRUE(writer->AppendBatch(OneSpan(1, 1, "s")).has_value());
  auto reader = OpenOrFail(directory.path(), Reading());
  EXPECT_EQ(reader->Get({7, 1})->size(), 1U);
  ASSERT_TRUE(writer->AppendBatch(OneSpan(2, 1, "s")).has_value());
  EXPECT_EQ(reader->Get({7, 2})->size(), 1U);
  const auto before = reader->TakeSnapshot();
  ASSERT_TRUE(writer->Seal().has_value());
  ASSERT_TRUE(writer->AppendBatch(OneSpan(3, 1, "s")).has_value());
  EXPECT_EQ(reader->Find(Query())->traces.size(), 3U);
  EXPECT_EQ(before->Find(Query())->traces.size(), 2U);
  EXPECT_EQ(reader->AppendBatch(OneSpan(4, 1, "s")).error().message(),
            "the store was opened for reading only");
}

TEST(Store, SaysWhyItDoesNotOpen) {
  const TemporaryDirectory directory;
  EXPECT_EQ(Store::Open(directory.path(), Reading()).error().message(),
            "there is no store at " + directory.path());
  auto writer = OpenOrFail(directory.path());
  const auto second = Store::Open(directory.path());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kBusy);
  EXPECT_NE(second.error().message().find("is open for writing by PID " +
                                          std::to_string(getpid())),
            std::string::npos)
      << second.error().message();
}

TEST(Store, RefusesOptionsOutOfTheirRange) {
  using namespace std::chrono_literals;
  const TemporaryDirectory directory;
  const auto said = [&](const std::function<void(StoreOptions&)>& change) {
    StoreOptions options;
    change(options);
    const auto opened = Store::Open(directory.path(), options);
    if (opened.has_value()) return std::string("opened");
    EXPECT_EQ(opened.error().code(), ErrorCode::kInvalidArgument);
    return opened.error().message();
  };
  const struct {
    std::function<void(StoreOptions&)> low;
    std::function<void(StoreOptions&)> high;
    const char* sentence;
  } kRanges[] = {
      {[](auto& o) { o.sync_interval = 9ms; }, [](auto& o) { o.sync_interval = 1h + 1ms; },
       "sync_interval must be from 10 ms to 1 h"},
      {[](auto& o) { o.head_max_spans = 999; }, [](auto& o) { o.head_max_spans = 4'000'001; },
       "head_max_spans must be from 1,000 to 4,000,000"},
      {[](auto& o) { o.head_max_bytes = 1; }, [](auto& o) { o.head_max_bytes = 5ULL << 30; },
       "head_max_bytes must be from 1 MiB to 4 GiB"},
      {[](auto& o) { o.head_max_age = 0s; }, [](auto& o) { o.head_max_age = 30 * 24h + 1s; },
       "head_max_age must be from 1 s to 30 days"},
      {[](auto& o) { o.backlog_max_bytes = 1; }, [](auto& o) { o.backlog_max_bytes = 65ULL << 30; },
       "backlog_max_bytes must be from 1 MiB to 64 GiB"},
      {[](auto& o) { o.append_timeout = -1ms; }, [](auto& o) { o.append_timeout = 24h + 1ms; },
       "append_timeout must be from 0 to 24 h"},
      {[](auto& o) { o.compaction_duty_percent = 0; },
       [](auto& o) { o.compaction_duty_percent = 101; },
       "compaction_duty_percent must be from 1 to 100"},
      {[](auto& o) { o.compaction_max_spans = 9'999; },
       [](auto& o) { o.compaction_max_spans = 4'000'001; },
       "compaction_max_spans must be from 10,000 to 4,000,000"},
      {[](auto& o) { o.partition_width = 59s; }, [](auto& o) { o.partition_width = 367 * 24h; },
       "partition_width must be from 60 s to 366 days"},
      {[](auto& o) { o.retention_age = 59s; }, [](auto& o) { o.retention_age = 36'501 * 24h; },
       "retention_age must be 0 or from 60 s to 100 years"},
  };
  for (const auto& range : kRanges) {
    EXPECT_EQ(said(range.low), std::string("store options: ") + range.sentence);
    EXPECT_EQ(said(range.high), std::string("store options: ") + range.sentence);
  }
}

// Appends until it is killed, and tells through the pipe what was acknowledged.
[[noreturn]] void AppendForever(const std::string& path, int pipe, std::uint64_t first) {
  StoreOptions options;
  options.head_max_spans = 1'000;
  options.sync = SyncPolicy::kOff;
  auto store = Store::Open(path, options);
  if (!store.has_value()) _exit(3);
  for (std::uint64_t i = first;; ++i) {
    model::SpanBatch batch = OneSpan(i, 1, "s");
    for (std::uint64_t k = 2; k < 40; ++k) {
      model::BatchAppender appender(batch);
      const model::SpanBatch more = OneSpan(i, k, "s");
      appender.SetSource(more);
      appender.Append(0);
    }
    if (!(*store)->AppendBatch(std::move(batch)).has_value()) _exit(4);
    if (write(pipe, &i, sizeof i) != sizeof i) _exit(5);
  }
}

TEST(StoreKill, NoAcknowledgedSpanIsMissingAfterAKill) {
  const TemporaryDirectory directory;
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      AppendForever(directory.path(), ends[1], acknowledged + 1);
    }
    close(ends[1]);
    // Killed after a varying number of appends, at whatever moment that is for the child.
    const std::uint64_t until = acknowledged + 1 + static_cast<std::uint64_t>(round * 7 % 60);
    std::uint64_t number = 0;
    while (acknowledged < until && read(ends[0], &number, sizeof number) == sizeof number)
      acknowledged = number;
    kill(child, SIGKILL);
    // What it still acknowledged before it died counts, too.
    while (read(ends[0], &number, sizeof number) == sizeof number) acknowledged = number;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child gave up with " << WEXITSTATUS(status);
    auto reader = OpenOrFail(directory.path(), Reading());
    ASSERT_NE(reader, nullptr);
    const auto snapshot = reader->TakeSnapshot();
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    for (std::uint64_t i = 1; i <= acknowledged; ++i) {
      const auto spans = snapshot->Get({7, i});
      ASSERT_TRUE(spans.has_value()) << "trace " << i << ": " << spans.error().message();
      ASSERT_GE(spans->size(), 39U) << "trace " << i;
    }
  }
}

TEST(Store, UseAfterForkIsAnError) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 1, "s")).has_value());
  const pid_t child = fork();
  if (child == 0) {
    const auto appended = store->AppendBatch(OneSpan(2, 1, "s"));
    const bool right = !appended.has_value() &&
                       appended.error().message() ==
                           "this store was opened before fork(); open it again in the child process";
    _exit(right ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(store->Find(Query())->traces.size(), 1U);
}

TEST(Store, NamesAndCountsComeWithoutAScan) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  for (std::uint64_t i = 1; i <= 4; ++i)
    ASSERT_TRUE(store->AppendBatch(OneSpan(i, i, i % 2 ? "b" : "a")).has_value());
  ASSERT_TRUE(store->Seal().has_value());
  ASSERT_TRUE(store->AppendBatch(OneSpan(9, 9, "a")).has_value());
  const auto services = store->Services();
  ASSERT_TRUE(services.has_value()) << services.error().message();
  ASSERT_EQ(services->size(), 2U);
  EXPECT_EQ((*services)[0].name, "a");
  EXPECT_EQ((*services)[0].count, 3U);
  EXPECT_EQ(store->Operations("a")->at(0).name, "work");
}

}  // namespace
}  // namespace tracestore
