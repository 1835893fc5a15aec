// Every answer of a store in which deletes hide much, held against one that never had the deleted
// spans: traces over several pages, segments and the head, deletes by id, query and service from
// the writing handle and another, compactions and restarts in between.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <tracestore/store.h>

#include "api/deletes_test_support.h"
#include "model/span_batch.h"
#include "predicate/testing/naive_search.h"
#include "predicate/testing/random.h"
#include "predicate/testing/small_world.h"
#include "query/tags.h"

namespace tracestore {
namespace {

using api::testing::Model;
using api::testing::OpenOrFail;
using api::testing::TemporaryDirectory;
using predicate::testing::NaiveSearch;
using predicate::testing::Random;
using predicate::testing::RandomQuery;

// More with TRACESTORE_WORLDS=n.
std::uint64_t Worlds() {
  const char* asked = std::getenv("TRACESTORE_WORLDS");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : 2;
}

// What tells one span of a world from another; equal ones count.
using Key = std::tuple<TraceId, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                       std::string>;
using Spans = std::multiset<Key>;

void AddTo(Spans& spans, const SpanList& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const SpanView span = list[i];
    spans.emplace(span.trace_id(), span.span_id().value, span.parent_id().value, span.start_ns(),
                  span.duration_ns(), std::string(span.name()));
  }
}
Spans AsSet(const Result<SpanList>& list) {
  Spans spans;
  if (list.has_value()) AddTo(spans, *list);
  return spans;
}

// Without printing thousands of spans where they differ.
void ExpectEqual(const Spans& found, const Spans& expected) {
  EXPECT_TRUE(found == expected) << found.size() << " spans for " << expected.size();
}

template <typename List>
std::map<std::string, std::uint64_t> Counts(const Result<List>& list) {
  EXPECT_TRUE(list.has_value()) << list.error().message();
  std::map<std::string, std::uint64_t> counts;
  if (!list.has_value()) return counts;
  for (const auto& entry : *list) counts[entry.name] = entry.count;
  return counts;
}

// All of two snapshots' answers. The expected one has its spans in the head alone, none hidden.
class Comparison {
 public:
  Comparison(const Model& model, const Snapshot& found, Random& random)
      : model_(model), found_(found), random_(random),
        expected_(std::make_shared<const store::SnapshotData>(model.data())) {}

  void All() {
    Traces();
    Names();
    Aggregates();
    Export();
    const auto batches = model_.batches();
    for (int i = 0; i < 10; ++i) {
      Query query = RandomQuery(random_.Next(), *batches[random_.Below(batches.size())]);
      SCOPED_TRACE(predicate::testing::Describe(query));
      Search(std::move(query));
    }
    for (int i = 0; i < 4; ++i)
      Search(Query().Tag("user", "user-" + std::to_string(random_.Below(60))));
  }

 private:
  void Traces() {
    std::set<TraceId> ids = model_.Ids();
    const std::size_t there = ids.size();
    ids.insert(model_.ever_gone().begin(), model_.ever_gone().end());
    std::size_t has = 0;
    for (const TraceId id : ids) {
      const auto expected = expected_.Get(id);
      SCOPED_TRACE(id.ToHex());
      ExpectEqual(AsSet(found_.Get(id)), AsSet(expected));
      EXPECT_EQ(found_.Has(id).value(), expected.has_value());
      EXPECT_EQ(found_.TracesWithLowId(id.low).value(), expected_.TracesWithLowId(id.low).value());
      const auto summary = found_.Summarize(id);
      ASSERT_EQ(summary.has_value(), expected.has_value());
      if (!expected.has_value()) continue;
      ++has;
      EXPECT_TRUE(*summary == expected_.Summarize(id).value());
      const SpanId top = (*expected)[random_.Below(expected->size())].span_id();
      ExpectEqual(AsSet(found_.GetSubtree(id, top)), AsSet(expected_.GetSubtree(id, top)));
    }
    EXPECT_EQ(has, there);
    if (model_.ever_gone().empty()) return;
    const TraceId deleted = *model_.ever_gone().begin();
    EXPECT_EQ(found_.GetSubtree(deleted, {1}).has_value(), false);
  }

  void Names() {
    EXPECT_EQ(Counts(found_.Services()), Counts(expected_.Services()));
    const auto keys = Counts(expected_.Keys());
    EXPECT_EQ(Counts(found_.Keys()), keys);
    for (const auto& [key, count] : keys)
      EXPECT_EQ(Counts(found_.Values(key, 0)), Counts(expected_.Values(key, 0))) << key;
    EXPECT_EQ(query::KeysByLevel(*found_.data())->keys,
              query::KeysByLevel(*expected_.data())->keys);
    for (const auto& [key, count] : keys) {
      const auto values = [&key = key](const Snapshot& snapshot) {
        return query::TypedValues(*snapshot.data(), key, query::kOnAny).value();
      };
      EXPECT_EQ(values(found_), values(expected_)) << key;
    }
    for (const char* service : {"", "frontend", "cart", "nobody"}) {
      const auto operations = [&](const Snapshot& snapshot) {
        std::map<std::pair<std::string, SpanKind>, std::uint64_t> counts;
        const auto list = snapshot.Operations(service).value();
        for (const OperationInfo& operation : list)
          counts[{operation.name, operation.kind}] = operation.spans;
        return counts;
      };
      EXPECT_EQ(operations(found_), operations(expected_)) << service;
    }
  }

  TimeRange SomeRange() {
    const predicate::testing::SmallWorldOptions world;
    TimeRange range;
    if (random_.Percent(40)) return range;
    range.begin_ns = world.base_ns + random_.Next() % world.span_of_time_ns;
    range.end_ns = range.begin_ns + random_.Next() % world.span_of_time_ns;
    return range;
  }

  void Aggregates() {
    const TimeRange range = SomeRange();
    const auto links = [&](const Snapshot& snapshot) {
      std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> calls;
      const auto list = snapshot.Dependencies(range).value();
      for (const DependencyLink& link : list)
        calls[link.parent + " to " + link.child] = {link.calls, link.errors};
      return calls;
    };
    EXPECT_EQ(links(found_), links(expected_));
    MetricsQuery query;
    query.range = range;
    query.step_ns = random_.Percent(50) ? 0 : 600'000'000'000;
    query.quantiles = {0.5, 0.99};
    const auto metrics = [&](const Snapshot& snapshot) {
      std::map<std::tuple<std::string, std::string, SpanKind, std::uint64_t>,
               std::tuple<std::uint64_t, std::uint64_t, std::uint64_t,
                          std::vector<std::uint64_t>>>
          series;
      const auto list = snapshot.Metrics(query).value();
      for (const OperationMetrics& one : list) {
        series[{one.service, one.operation, one.kind, one.step_begin_ns}] = {
            one.calls, one.errors, one.timed, one.latency_ns};
      }
      return series;
    };
    EXPECT_EQ(metrics(found_), metrics(expected_));
  }

  void Export() {
    Spans exported;
    std::set<TraceId> seen;  // a trace comes whole, in one batch
    const auto visited = found_.ForEachBatch([&](const SpanList& list) {
      std::set<TraceId> here;
      for (std::size_t i = 0; i < list.size(); ++i) here.insert(list[i].trace_id());
      for (const TraceId id : here) EXPECT_TRUE(seen.insert(id).second) << id.ToHex();
      AddTo(exported, list);
      return true;
    });
    EXPECT_TRUE(visited.has_value()) << visited.error().message();
    Spans expected;
    for (const TraceId id : model_.Ids()) AddTo(expected, expected_.Get(id).value());
    ExpectEqual(exported, expected);
    EXPECT_EQ(found_.Stats(false)->spans, expected.size());
  }

  void Search(Query query) {
    query.limit = 0;
    const auto expected = NaiveSearch(model_.batches(), query);
    ExpectEqual(AsSet(found_.FindSpans(query)), AsSet(expected_.FindSpans(query)));
    query.limit = random_.Percent(50) ? 5 : 200;
    query.count_total = random_.Percent(30);
    std::vector<TraceId> traces;
    do {
      const auto page = found_.FindSummaries(query);
      ASSERT_TRUE(page.has_value()) << page.error().message();
      if (query.count_total) {
        EXPECT_EQ(page->total, expected.size());
      }
      for (const TraceSummary& summary : page->summaries) {
        ASSERT_LT(traces.size(), expected.size());
        EXPECT_EQ(summary.span_count, expected[traces.size()].span_count);
        EXPECT_EQ(summary.error_count, expected[traces.size()].error_count);
        traces.push_back(summary.trace_id);
      }
      query.cursor = page->next_cursor;
    } while (!query.cursor.empty());
    ASSERT_EQ(traces.size(), expected.size());
    for (std::size_t i = 0; i < traces.size(); ++i) EXPECT_EQ(traces[i], expected[i].trace_id);
  }

  const Model& model_;
  const Snapshot& found_;
  Random& random_;
  const Snapshot expected_;
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    options_.id_seed = random_.Next();
    options_.most_traces = 10 + random_.Below(80);
    Reopen();
  }

  void Phase() {
    Append();
    if (random_.Percent(60)) Seal();
    Delete();
    if (random_.Percent(30)) Append();
    if (random_.Percent(30)) Seal();
    if (random_.Percent(25)) Compact();
    if (random_.Percent(30)) Reopen();
  }

  void Compare() {
    for (const Store* store : {writer_.get(), reader_.get()}) {
      SCOPED_TRACE(store == writer_.get() ? "the writer" : "the reader");
      const auto snapshot = store->TakeSnapshot();
      ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
      hidden_ += snapshot->Stats(false)->deleted_spans;
      Comparison(model_, *snapshot, random_).All();
    }
  }

  // Rows that segments still held when answers were compared.
  std::uint64_t hidden() const { return hidden_; }

 private:
  void Append() {
    // Of some traces more than a page of about 1,000 rows.
    options_.spans = random_.Percent(25) ? 2'500 : 20 + random_.Below(300);
    model::SpanBatch batch = predicate::testing::SmallWorldBatch(random_.Next(), options_);
    model_.Append(batch);
    ASSERT_TRUE(writer_->AppendBatch(std::move(batch)).has_value());
  }
  void Seal() { ASSERT_TRUE(writer_->Seal().has_value()); }
  void Compact() {
    CompactOptions options;
    options.full = random_.Percent(50);
    const auto compacted = writer_->Compact(options);
    ASSERT_TRUE(compacted.has_value()) << compacted.error().message();
  }
  Store& Either() { return random_.Percent(50) ? *writer_ : *reader_; }

  void Delete() {
    const std::uint32_t what = random_.Below(3);
    if (what == 0) return DeleteTraces();
    const auto batches = model_.batches();
    Query query = what == 1
                      ? Query().Service(random_.Pick({"redis", "Frontend"}))
                      : RandomQuery(random_.Next(), *batches[random_.Below(batches.size())]);
    std::set<TraceId> ids;
    for (const auto& match : NaiveSearch(batches, query)) ids.insert(match.trace_id);
    const auto deleted = Either().DeleteWhere(query);
    ASSERT_TRUE(deleted.has_value()) << deleted.error().message();
    EXPECT_EQ(*deleted, ids.size());
    model_.Delete(ids);
  }
  void DeleteTraces() {
    std::set<TraceId> some;
    for (const TraceId id : model_.Ids()) {
      if (random_.Percent(30)) some.insert(id);
    }
    const auto deleted = Either().Delete({some.begin(), some.end()});
    ASSERT_TRUE(deleted.has_value()) << deleted.error().message();
    EXPECT_EQ(*deleted, some.size());
    model_.Delete(some);
  }
  void Reopen() {
    writer_.reset();
    writer_ = OpenOrFail(directory_.path());
    if (reader_ == nullptr || random_.Percent(50))
      reader_ = OpenOrFail(directory_.path(), OpenMode::kRead);
    ASSERT_NE(writer_, nullptr);
    ASSERT_NE(reader_, nullptr);
  }

  Random random_;
  const TemporaryDirectory directory_;
  predicate::testing::SmallWorldOptions options_;
  Model model_;
  std::unique_ptr<Store> writer_;
  std::unique_ptr<Store> reader_;
  std::uint64_t hidden_ = 0;
};

TEST(HiddenAnswers, EqualThoseOfAStoreThatNeverHadTheDeletedSpans) {
  std::uint64_t hidden = 0;
  for (std::uint64_t seed = 0; seed < Worlds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    for (int phase = 0; phase < 4; ++phase) {
      SCOPED_TRACE("phase " + std::to_string(phase));
      world.Phase();
      world.Compare();
      if (HasFailure()) return;
    }
    hidden += world.hidden();
  }
  EXPECT_GT(hidden, 100 * Worlds());  // else hardly anything was proven
}

}  // namespace
}  // namespace tracestore
