// Deletes and the archive, case by case, and deletes by processes that are killed. Random ones:
// life_differential_test.cc.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include <tracestore/store.h>

#include "api/deletes_test_support.h"
#include "model/span_batch.h"

namespace tracestore {
namespace {

using api::testing::OpenOrFail;
using api::testing::Options;
using api::testing::TemporaryDirectory;

model::SpanBatch OneSpan(std::uint64_t trace, std::uint64_t span, const char* service = "s") {
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

TEST(Deletes, ASnapshotTakenBeforeKeepsItsAnswers) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 1)).has_value());
  ASSERT_TRUE(store->Seal().has_value());
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 2)).has_value());
  const auto before = store->TakeSnapshot();
  EXPECT_EQ(store->Delete({{7, 1}}).value(), 1U);
  ASSERT_TRUE(store->Seal().has_value());
  EXPECT_EQ(before->Get({7, 1})->size(), 2U);
  EXPECT_EQ(store->Get({7, 1}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store->Delete({{7, 1}}).value(), 0U);
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 3)).has_value());
  EXPECT_EQ(store->Get({7, 1})->size(), 1U);
  EXPECT_EQ(store->TakeSnapshot()->Stats(false)->deleted_spans, 1U);
}

TEST(Deletes, OfAServiceTakesWholeTraces) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 1, "cart")).has_value());
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 2, "shop")).has_value());
  ASSERT_TRUE(store->AppendBatch(OneSpan(2, 3, "shop")).has_value());
  EXPECT_EQ(store->DeleteWhere(Query().Service("cart")).value(), 1U);
  ASSERT_EQ(store->Services()->size(), 1U);
  EXPECT_EQ(store->Services()->at(0).name, "shop");
  EXPECT_EQ(store->Services()->at(0).count, 1U);
}

TEST(Deletes, OfAllLetGoOfFilesAtTheNextSeal) {
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 1)).has_value());
  ASSERT_TRUE(store->Seal().has_value());
  ASSERT_TRUE(store->DeleteAll().has_value());
  EXPECT_TRUE(store->Find(Query())->traces.empty());
  ASSERT_TRUE(store->AppendBatch(OneSpan(1, 2)).has_value());
  ASSERT_TRUE(store->Seal().has_value());
  EXPECT_EQ(store->Get({7, 1})->size(), 1U);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(directory.path() + "/segments")) {
    ++files;
  }
  EXPECT_EQ(files, 1U);
}

TEST(Archive, HoldsWholeTracesAndNoSpanTwice) {
  const TemporaryDirectory directory;
  auto writer = OpenOrFail(directory.path());
  ASSERT_TRUE(writer->AppendBatch(OneSpan(1, 1)).has_value());
  ASSERT_TRUE(writer->AppendBatch(OneSpan(1, 2)).has_value());
  ASSERT_TRUE(writer->AppendBatch(OneSpan(2, 1)).has_value());
  auto reader = OpenOrFail(directory.path(), OpenMode::kRead);
  auto made = reader->Archive({{7, 1}, {7, 1}, {7, 99}});
  ASSERT_TRUE(made.has_value()) << made.error().message();
  EXPECT_EQ(made->traces, 1U);
  EXPECT_EQ(made->spans, 2U);
  ASSERT_TRUE(writer->AppendBatch(OneSpan(1, 3)).has_value());
  made = writer->Archive({{7, 1}});
  ASSERT_TRUE(made.has_value()) << made.error().message();
  EXPECT_EQ(made->spans, 1U);
  EXPECT_EQ(made->spans_there_already, 2U);
  ASSERT_TRUE(writer->DeleteAll().has_value());
  auto archive = OpenOrFail(ArchiveDirectory(directory.path()));
  EXPECT_EQ(archive->Get({7, 1})->size(), 3U);
  EXPECT_EQ(archive->Get({7, 2}).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(writer->AppendBatch(OneSpan(2, 1)).has_value());
  const auto busy = writer->Archive({{7, 2}});
  ASSERT_FALSE(busy.has_value());
  EXPECT_EQ(busy.error().code(), ErrorCode::kBusy);
  EXPECT_NE(busy.error().message().find("archive is open for writing by PID"), std::string::npos)
      << busy.error().message();
}

// What the child does as its step `step`, of trace step / 4 + 1: append, delete, append again,
// and now and then seal.
bool DoStep(Store& writer, Store& reader, std::uint64_t step) {
  const std::uint64_t trace = step / 4 + 1;
  switch (step % 4) {
    case 0: return writer.AppendBatch(OneSpan(trace, 1)).has_value();
    case 1: {
      Store& by = trace % 2 == 0 ? writer : reader;
      return by.Delete({{7, trace}}).has_value();
    }
    case 2:
      return trace % 3 != 0 || writer.AppendBatch(OneSpan(trace, 2)).has_value();
    default: return trace % 5 != 0 || writer.Seal().has_value();
  }
}

[[noreturn]] void StepForever(const std::string& path, int pipe, std::uint64_t first) {
  auto writer = Store::Open(path, Options(OpenMode::kWrite));
  if (!writer.has_value()) _exit(3);
  auto reader = Store::Open(path, Options(OpenMode::kRead));
  if (!reader.has_value()) _exit(4);
  for (std::uint64_t step = first;; ++step) {
    if (!DoStep(**writer, **reader, step)) _exit(5);
    if (write(pipe, &step, sizeof step) != sizeof step) _exit(6);
  }
}

// Of a trace all of whose steps are done.
void ExpectTrace(const Snapshot& snapshot, std::uint64_t trace) {
  const auto spans = snapshot.Get({7, trace});
  if (trace % 3 != 0) {
    EXPECT_FALSE(spans.has_value()) << "trace " << trace << " is back";
    return;
  }
  ASSERT_TRUE(spans.has_value()) << "trace " << trace << ": " << spans.error().message();
  ASSERT_EQ(spans->size(), 1U) << "trace " << trace;
  EXPECT_EQ((*spans)[0].span_id().value, 2U);
}

TEST(DeletesKill, NothingDeletedIsBackAfterAKill) {
  const char* const asked = std::getenv("TRACESTORE_KILL_ROUNDS");
  const int rounds = asked != nullptr ? std::atoi(asked) : 20;
  const TemporaryDirectory directory;
  std::uint64_t next = 0;  // the first step that isn't known to be done
  std::set<std::uint64_t> broken_off;  // traces that a kill left in any state
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      StepForever(directory.path(), ends[1], next);
    }
    close(ends[1]);
    const std::uint64_t until = next + 6 + static_cast<std::uint64_t>(round * 37 % 90);
    std::uint64_t step = 0;
    while (next < until && read(ends[0], &step, sizeof step) == sizeof step) next = step + 1;
    kill(child, SIGKILL);
    while (read(ends[0], &step, sizeof step) == sizeof step) next = step + 1;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child gave up with " << WEXITSTATUS(status);
    const auto reader = OpenOrFail(directory.path(), OpenMode::kRead);
    ASSERT_NE(reader, nullptr);
    const auto snapshot = reader->TakeSnapshot();
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    for (std::uint64_t trace = 1; trace * 4 <= next; ++trace) {
      if (!broken_off.contains(trace)) ExpectTrace(*snapshot, trace);
    }
    broken_off.insert(next / 4 + 1);
    next = (next / 4 + 1) * 4;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace tracestore
