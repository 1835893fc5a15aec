// Deletes, compaction, retention and the archive, held against a model: random appends, deletes by id
// and by query from the writing handle and another, seals, merges, restarts; processes killed in
// between.
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
#include "predicate/testing/naive_search.h"
#include "predicate/testing/random.h"
#include "predicate/testing/small_world.h"
#include "query/dependencies.h"
#include "query/names.h"
#include "query/span_metrics.h"
#include "store/engine/snapshot.h"

namespace tracestore {
namespace {

using api::testing::Model;
using api::testing::OpenOrFail;
using api::testing::Options;
using api::testing::TemporaryDirectory;
using predicate::testing::NaiveSearch;
using predicate::testing::Random;
using predicate::testing::RandomQuery;

void ExpectCounts(const std::vector<NamedCount>& expected, const std::vector<NamedCount>& found) {
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(expected[i].name, found[i].name);
    EXPECT_EQ(expected[i].count, found[i].count) << expected[i].name;
  }
}

void ExpectSameAggregates(const store::SnapshotData& expected, const Snapshot& snapshot) {
  const store::SnapshotData& found = *snapshot.data();
  ExpectCounts(query::Services(expected).value(), query::Services(found).value());
  const auto keys = query::Keys(expected).value();
  ExpectCounts(keys, query::Keys(found).value());
  for (const NamedCount& key : keys) {
    ExpectCounts(query::Values(expected, key.name, 0).value(),
                 query::Values(found, key.name, 0).value());
  }
  const auto operations = query::Operations(expected, "").value();
  const auto found_operations = query::Operations(found, "").value();
  ASSERT_EQ(operations.size(), found_operations.size());
  for (std::size_t i = 0; i < operations.size(); ++i) {
    EXPECT_EQ(operations[i].name, found_operations[i].name);
    EXPECT_EQ(operations[i].spans, found_operations[i].spans);
  }
  const auto links = query::Dependencies(expected, {}).value();
  const auto found_links = query::Dependencies(found, {}).value();
  ASSERT_EQ(links.size(), found_links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    EXPECT_EQ(links[i].parent + " " + links[i].child,
              found_links[i].parent + " " + found_links[i].child);
    EXPECT_EQ(links[i].calls, found_links[i].calls);
    EXPECT_EQ(links[i].errors, found_links[i].errors);
  }
  const auto metrics = query::SpanMetrics(expected, {}).value();
  const auto found_metrics = query::SpanMetrics(found, {}).value();
  ASSERT_EQ(metrics.size(), found_metrics.size());
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    EXPECT_EQ(metrics[i].service + " " + metrics[i].operation,
              found_metrics[i].service + " " + found_metrics[i].operation);
    EXPECT_EQ(metrics[i].calls, found_metrics[i].calls);
    EXPECT_EQ(metrics[i].errors, found_metrics[i].errors);
    EXPECT_EQ(metrics[i].latency, found_metrics[i].latency);
  }
}

void ExpectSame(const Model& model, const Snapshot& snapshot, Random& random) {
  std::set<TraceId> ids = model.Ids();
  std::size_t spans = 0;
  ids.insert(model.ever_gone().begin(), model.ever_gone().end());
  for (const TraceId id : ids) {
    const std::size_t expected = model.CountOf(id);
    spans += expected;
    const auto got = snapshot.Get(id);
    EXPECT_EQ(got.has_value() ? got->size() : 0, expected) << id.ToHex();
    EXPECT_EQ(snapshot.Has(id).value(), expected > 0);
    const auto low = snapshot.TracesWithLowId(id.low).value();
    EXPECT_EQ(std::find(low.begin(), low.end(), id) != low.end(), expected > 0);
  }
  EXPECT_EQ(snapshot.Stats(false)->spans, spans);
  const auto batches = model.batches();
  for (int i = 0; i < 8 && !batches.empty(); ++i) {
    Query query = RandomQuery(random.Next(), *batches[random.Below(batches.size())]);
    query.limit = 0;
    SCOPED_TRACE(predicate::testing::Describe(query));
    const auto expected = NaiveSearch(batches, query);
    const auto found = snapshot.Find(query);
    ASSERT_TRUE(found.has_value()) << found.error().message();
    ASSERT_EQ(found->traces.size(), expected.size());
    for (std::size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(found->traces[k].trace_id, expected[k].trace_id);
      ASSERT_EQ(found->traces[k].order_key, expected[k].order_key);
      const auto summary = snapshot.Summarize(expected[k].trace_id);
      ASSERT_TRUE(summary.has_value()) << summary.error().message();
      EXPECT_EQ(summary->span_count, expected[k].span_count);
    }
  }
}

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    world_options_.id_seed = random_.Next();
    world_options_.most_traces = 20;
    Reopen();
  }
  void Step() {
    const std::uint32_t what = random_.Below(100);
    if (what < 32) return Append();
    if (what < 42) return DeleteSomeIds();
    if (what < 50) return DeleteByQuery();
    if (what < 52) return DeleteAll();
    if (what < 66) {
      const auto sealed = writer_->Seal();
      ASSERT_TRUE(sealed.has_value()) << sealed.error().message();
      model_.Seal(day_);
      return;
    }
    if (what < 78) return Compact();
    if (what < 82) return ExpireByAge();
    if (what < 84) return ExpireByBytes();
    if (what < 88) {
      ++day_;
      return;
    }
    if (what < 93) return Reopen();
    Compare();
  }
  void Compare() {
    const Model& model = model_;
    for (const Store* store : {writer_.get(), reader_.get()}) {
      SCOPED_TRACE(store == writer_.get() ? "the writer" : "the reader");
      const auto snapshot = store->TakeSnapshot();
      ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
      ExpectSame(model, *snapshot, random_);
      if (random_.Percent(30)) ExpectSameAggregates(model.data(), *snapshot);
    }
  }

 private:
  void Append() {
    world_options_.spans = random_.Percent(30) ? 1 : 5 + random_.Below(80);
    model::SpanBatch batch =
        predicate::testing::SmallWorldBatch(random_.Next(), world_options_);
    model_.Append(batch);
    ASSERT_TRUE(writer_->AppendBatch(std::move(batch)).has_value());
  }
  Store& Either() { return random_.Percent(50) ? *writer_ : *reader_; }
  void DeleteSomeIds() {
    const std::set<TraceId> all = model_.Ids();
    std::set<TraceId> some;
    for (const TraceId id : all) {
      if (random_.Percent(15)) some.insert(id);
    }
    std::vector<TraceId> ids(some.begin(), some.end());
    if (!ids.empty()) ids.push_back(ids.front());  // named twice
    ids.push_back({random_.Next(), 1});            // not there
    const auto deleted = Either().Delete(ids);
    ASSERT_TRUE(deleted.has_value()) << deleted.error().message();
    EXPECT_EQ(*deleted, some.size());
    model_.Delete(some);
  }
  void DeleteByQuery() {
    const auto batches = model_.batches();
    if (batches.empty()) return;
    const Query query = RandomQuery(random_.Next(), *batches[random_.Below(batches.size())]);
    std::set<TraceId> ids;
    for (const auto& match : NaiveSearch(batches, query)) ids.insert(match.trace_id);
    const auto deleted = Either().DeleteWhere(query);
    ASSERT_TRUE(deleted.has_value()) << deleted.error().message();
    EXPECT_EQ(*deleted, ids.size());
    model_.Delete(ids);
  }
  void DeleteAll() {
    const auto deleted = Either().DeleteAll();
    ASSERT_TRUE(deleted.has_value()) << deleted.error().message();
    model_.DeleteAll();
  }
  CompactResult CompactWith(const CompactOptions& options) {
    const auto done = writer_->Compact(options);
    EXPECT_TRUE(done.has_value()) << done.error().message();
    if (options.full) model_.Seal(day_);
    return done.value_or(CompactResult{});
  }
  void Compact() {
    CompactOptions options;
    options.full = random_.Percent(60);
    CompactWith(options);
    if (!options.full) return;
    const auto stats = writer_->TakeSnapshot()->Stats(false);
    ASSERT_TRUE(stats.has_value());
    EXPECT_EQ(stats->deleted_spans, 0U);
    EXPECT_EQ(CompactWith(options).merges, 0U);  // nothing is left to do
  }
  void ExpireByAge() {
    const int kept = static_cast<int>(random_.Below(3));  // days before today
    CompactOptions options;
    options.retention_age = std::chrono::hours(24 * kept + 12);
    CompactWith(options);
    model_.ExpireBefore(day_ - kept);
  }
  void ExpireByBytes() {
    CompactOptions options;
    options.full = true;  // one segment a day: what is deleted is gone
    CompactWith(options);
    options.retention_bytes = 1;
    CompactWith(options);
    model_.ExpireBefore(model_.LastDay());
  }
  void Reopen() {
    writer_.reset();
    model_.Seal(day_);
    StoreOptions write = Options(OpenMode::kWrite);
    // What spans claim to be later than this is absurd.
    write.clock = [this] {
      return world_options_.base_ns + (30 + static_cast<std::uint64_t>(day_)) * kDayNs;
    };
    auto opened = Store::Open(directory_.path(), write);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    writer_ = std::move(*opened);
    if (reader_ == nullptr || random_.Percent(30))
      reader_ = OpenOrFail(directory_.path(), OpenMode::kRead);
    ASSERT_NE(writer_, nullptr);
    ASSERT_NE(reader_, nullptr);
  }

  static constexpr std::uint64_t kDayNs = 86'400'000'000'000ULL;
  Random random_;
  int day_ = 0;
  const TemporaryDirectory directory_;
  predicate::testing::SmallWorldOptions world_options_;
  Model model_;
  std::unique_ptr<Store> writer_;
  std::unique_ptr<Store> reader_;
};

TEST(DeletesDifferential, WhatIsDeletedStaysSoAndWhatIsAppendedAfterStays) {
  const char* const asked = std::getenv("TRACESTORE_DIFFERENTIAL_SEEDS");
  const std::uint64_t seeds = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 12;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    for (int step = 0; step < 50; ++step) {
      world.Step();
      if (HasFailure()) FAIL() << "at step " << step;
    }
    world.Compare();
    if (HasFailure()) FAIL() << "at the end";
  }
}

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
  const TemporaryDirectory directory;
  std::uint64_t next = 0;  // the first step that isn't known to be done
  std::set<std::uint64_t> broken_off;  // traces that a kill left in any state
  for (int round = 0; round < 20; ++round) {
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
