// The life of a store, held against a model: random appends, deletes by id and by query from the
// writing handle and another, seals, merges, retention, copies to the archive, restarts, and
// processes that are killed in the middle of any of it.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include <tracestore/store.h>

#include "api/answers_test_support.h"
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
using api::testing::Told;
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

// What a process does that is killed.
struct Seal {};
struct Merge {
  CompactOptions options;
};
using Operation = std::variant<model::SpanBatch, std::set<TraceId>, Seal, Merge>;

bool Do(Store& store, const Operation& operation) {
  if (const auto* batch = std::get_if<model::SpanBatch>(&operation))
    return store.AppendBatch(model::SpanBatch(*batch)).has_value();
  if (const auto* ids = std::get_if<std::set<TraceId>>(&operation))
    return store.Delete({ids->begin(), ids->end()}).has_value();
  if (std::holds_alternative<Seal>(operation)) return store.Seal().has_value();
  return store.Compact(std::get<Merge>(operation).options).has_value();
}

void Do(Model& model, const Operation& operation) {
  if (const auto* batch = std::get_if<model::SpanBatch>(&operation)) model.Append(*batch);
  if (const auto* ids = std::get_if<std::set<TraceId>>(&operation)) model.Delete(*ids);
}

// Tells each operation that is done by a byte.
[[noreturn]] void DoAll(const std::string& path, const StoreOptions& options, int pipe,
                        const std::vector<Operation>& operations) {
  auto store = Store::Open(path, options);
  if (!store.has_value()) _exit(3);
  for (const Operation& operation : operations) {
    if (!Do(**store, operation)) _exit(4);
    if (write(pipe, "d", 1) != 1) _exit(5);
  }
  for (;;) pause();
}

// Whether the spans of each trace are as many as in the model.
bool HasJust(const Model& model, const Snapshot& snapshot) {
  std::size_t spans = 0;
  for (const TraceId id : model.Ids()) {
    const auto got = snapshot.Get(id);
    if (!got.has_value() || got->size() != model.CountOf(id)) return false;
    spans += got->size();
  }
  return snapshot.Stats(false)->spans == spans;
}

// The spans of a trace, every field told.
std::multiset<std::string> SpansOf(const SpanList& spans) {
  std::multiset<std::string> told;
  const std::string all = Told(spans);
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find(' ', at);
    told.insert(all.substr(at, end - at));
    at = end + 1;
  }
  return told;
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
    if (what < 91) return Reopen();
    if (what < 94) return Archive();
    if (what < 97) return KillInBetween();
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
    if (!archived_.empty()) CompareArchive();
  }
  int kills() const { return kills_; }
  std::size_t archived() const { return archived_.size(); }

 private:
  model::SpanBatch SomeBatch() {
    world_options_.spans = random_.Percent(30) ? 1 : 5 + random_.Below(80);
    return predicate::testing::SmallWorldBatch(random_.Next(), world_options_);
  }
  std::set<TraceId> SomeIds(std::uint32_t percent) {
    std::set<TraceId> some;
    for (const TraceId id : model_.Ids()) {
      if (random_.Percent(percent)) some.insert(id);
    }
    return some;
  }
  void Append() {
    model::SpanBatch batch = SomeBatch();
    model_.Append(batch);
    ASSERT_TRUE(writer_->AppendBatch(std::move(batch)).has_value());
  }
  Store& Either() { return random_.Percent(50) ? *writer_ : *reader_; }
  void DeleteSomeIds() {
    const std::set<TraceId> some = SomeIds(15);
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
  // What is archived stays, whatever becomes of it in the store, and is not copied again.
  void Archive() {
    const std::set<TraceId> some = SomeIds(20);
    const auto made = Either().Archive({some.begin(), some.end()});
    ASSERT_TRUE(made.has_value()) << made.error().message();
    EXPECT_EQ(made->traces, some.size());
    for (const TraceId id : some) {
      auto& there = archived_[id];
      const auto before = there;
      for (const std::string& span : SpansOf(writer_->Get(id).value())) {
        if (!before.contains(span)) there.insert(span);
      }
    }
  }
  void CompareArchive() {
    const auto archive = OpenOrFail(ArchiveDirectory(directory_.path()), OpenMode::kRead);
    ASSERT_NE(archive, nullptr);
    std::size_t spans = 0;
    for (const auto& [id, expected] : archived_) {
      const auto got = archive->Get(id);
      ASSERT_TRUE(got.has_value()) << got.error().message();
      EXPECT_EQ(got->size(), expected.size()) << id.ToHex();
      EXPECT_TRUE(SpansOf(*got) == expected) << id.ToHex();
      spans += expected.size();
    }
    EXPECT_EQ(archive->TakeSnapshot()->Stats(false)->spans, spans);
  }

  Operation SomeOperation() {
    const std::uint32_t what = random_.Below(10);
    if (what < 5) return SomeBatch();
    if (what < 7) return SomeIds(15);
    if (what < 8) return Seal{};
    Merge merge;
    merge.options.full = random_.Percent(50);
    return merge;
  }
  // Another process does some operations and is killed in one of them: those that it had told of
  // hold, the one after them wholly or not at all, no other.
  void KillInBetween() {
    writer_.reset();
    reader_.reset();
    std::vector<Operation> operations;
    for (std::uint32_t i = 2 + random_.Below(6); i > 0; --i) operations.push_back(SomeOperation());
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      DoAll(directory_.path(), WriterOptions(), ends[1], operations);
    }
    close(ends[1]);
    std::size_t done = 0;
    char told = 0;
    const std::size_t wait_for = random_.Below(static_cast<std::uint32_t>(operations.size()));
    while (done < wait_for && read(ends[0], &told, 1) == 1) ++done;
    usleep(random_.Below(4'000));  // so that it comes anywhere in the next one
    kill(child, SIGKILL);
    while (read(ends[0], &told, 1) == 1) ++done;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child gave up with " << WEXITSTATUS(status);
    for (std::size_t i = 0; i < done; ++i) Do(model_, operations[i]);
    Reopen();
    if (::testing::Test::HasFatalFailure()) return;
    const auto snapshot = writer_->TakeSnapshot();
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    if (done < operations.size() && !HasJust(model_, *snapshot)) Do(model_, operations[done]);
    EXPECT_TRUE(HasJust(model_, *snapshot)) << done << " operations were done before the kill";
    ASSERT_TRUE(writer_->Seal().has_value());
    model_.Seal(day_);
    ++kills_;
  }

  StoreOptions WriterOptions() const {
    StoreOptions write = Options(OpenMode::kWrite);
    // What spans claim to be later than this is absurd.
    write.clock = [this] {
      return world_options_.base_ns + (30 + static_cast<std::uint64_t>(day_)) * kDayNs;
    };
    return write;
  }
  void Reopen() {
    writer_.reset();
    model_.Seal(day_);
    auto opened = Store::Open(directory_.path(), WriterOptions());
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
  std::map<TraceId, std::multiset<std::string>> archived_;
  int kills_ = 0;
  std::unique_ptr<Store> writer_;
  std::unique_ptr<Store> reader_;
};

TEST(LifeDifferential, WhatIsDeletedStaysSoAndWhatIsAppendedAfterStays) {
  const char* const asked = std::getenv("TRACESTORE_DIFFERENTIAL_SEEDS");
  const std::uint64_t seeds = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 12;
  int kills = 0;
  std::size_t archived = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    for (int step = 0; step < 50; ++step) {
      world.Step();
      if (HasFailure()) FAIL() << "at step " << step;
    }
    world.Compare();
    if (HasFailure()) FAIL() << "at the end";
    kills += world.kills();
    archived += world.archived();
  }
  EXPECT_GT(kills, 0);
  EXPECT_GT(archived, 0U);
}

}  // namespace
}  // namespace tracestore
