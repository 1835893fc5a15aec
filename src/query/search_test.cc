// The store's search held against a naive one: random spans, random queries, traces that lie in
// several pages, segments and the head, restarts in between.
#include "query/search.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "fs/memory_file_system.h"
#include "predicate/testing/naive_search.h"
#include "predicate/testing/random.h"
#include "predicate/testing/small_world.h"
#include "query/candidates.h"
#include "query/fetch.h"
#include "store/catalog/memory_catalog.h"
#include "store/engine/engine.h"
#include "store/segment/segment_test_support.h"
#include "store/segment/segment_writer.h"

namespace tracestore::query {
namespace {

using predicate::testing::NaiveResult;
using predicate::testing::NaiveSearch;
using predicate::testing::Random;
using predicate::testing::RandomQuery;
using predicate::testing::SmallWorldBatch;
using predicate::testing::SmallWorldOptions;

// Queries of one run; the issue of every search is compared with the naive one's.
constexpr std::uint64_t kWorlds = 200;
constexpr std::uint64_t kQueriesPerWorld = 50;

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) { Open(); }

  void FillWith(model::SpanBatch batch) {
    ASSERT_TRUE(engine_->Append(std::move(batch)).has_value());
    ASSERT_TRUE(engine_->Seal().has_value());
  }
  // `named`: all spans are of resources that name a service.
  void Fill(bool named = false) {
    SmallWorldOptions options;
    options.id_seed = random_.Next();
    options.most_traces = 20;
    const std::uint32_t batches = 2 + random_.Below(6);
    for (std::uint32_t i = 0; i < batches; ++i) {
      options.spans = 10 + random_.Below(120);
      batches_.push_back(SmallWorldBatch(random_.Next(), options));
      for (model::SpanRecord& span : batches_.back().spans) {
        if (named) span.resource = 0;
      }
      model::SpanBatch copy = batches_.back();
      ASSERT_TRUE(engine_->Append(std::move(copy)).has_value());
      if (random_.Percent(50)) {
        const auto sealed = engine_->Seal();
        ASSERT_TRUE(sealed.has_value()) << sealed.error().message();
      }
      if (random_.Percent(20)) Open();
    }
  }

  std::shared_ptr<const store::SnapshotData> Snapshot() {
    auto snapshot = engine_->TakeSnapshot();
    EXPECT_TRUE(snapshot.has_value()) << snapshot.error().message();
    return *snapshot;
  }
  std::vector<const model::SpanBatch*> batches() const {
    std::vector<const model::SpanBatch*> all;
    for (const auto& batch : batches_) all.push_back(&batch);
    return all;
  }
  const model::SpanBatch& sample() { return batches_[random_.Below(batches_.size())]; }
  Random& random() { return random_; }

 private:
  void Open() {
    engine_.reset();
    StoreOptions options;
    options.background_sealing = false;
    options.sync = SyncPolicy::kOff;
    auto engine = store::Engine::Open(files_, "store",
                                      std::make_unique<store::MemoryCatalog>(disk_), options);
    ASSERT_TRUE(engine.has_value()) << engine.error().message();
    engine_ = std::move(*engine);
  }

  Random random_;
  fs::MemoryFileSystem files_;
  std::shared_ptr<store::MemoryCatalogDisk> disk_ = std::make_shared<store::MemoryCatalogDisk>();
  std::unique_ptr<store::Engine> engine_;
  std::vector<model::SpanBatch> batches_;
};

// The traces of a snapshot, and how many of them lie in several segments, or in one and the head.
struct Straddling {
  std::size_t traces = 0;
  std::size_t in_several = 0;
};

Straddling StraddlingOf(const store::SnapshotData& data,
                        const std::vector<const model::SpanBatch*>& batches) {
  std::set<TraceId> all, in_head;
  for (const model::SpanBatch* batch : batches) {
    for (const auto& span : batch->spans) all.insert(span.trace_id);
  }
  for (const auto& part : data.head) {
    for (const auto& span : part->batch().spans) in_head.insert(span.trace_id);
  }
  Straddling counts{all.size(), 0};
  for (const TraceId id : all) {
    const auto places = FindPlaces(data, id);
    EXPECT_TRUE(places.has_value()) << places.error().message();
    if (places->size() + in_head.count(id) > 1) ++counts.in_several;
  }
  return counts;
}

void ExpectSummary(const TraceSummary& summary, const NaiveResult& naive) {
  EXPECT_EQ(summary.start_ns, naive.start_ns);
  EXPECT_EQ(summary.end_ns, naive.end_ns);
  EXPECT_EQ(summary.root_service, naive.root_service);
  EXPECT_EQ(summary.root_operation, naive.root_operation);
  EXPECT_EQ(summary.span_count, naive.span_count);
  EXPECT_EQ(summary.error_count, naive.error_count);
  EXPECT_EQ(summary.orphan_count, naive.orphan_count);
  ASSERT_EQ(summary.services.size(), naive.services.size());
  for (const auto& service : summary.services) {
    const auto found = naive.services.find(service.name);
    ASSERT_NE(found, naive.services.end());
    EXPECT_EQ(service.span_count, found->second.spans);
    EXPECT_EQ(service.error_count, found->second.errors);
  }
}

// All pages of a query, by its cursor.
void ExpectPages(const store::SnapshotData& data, Query query,
                 const std::vector<NaiveResult>& expected) {
  query.limit = 7;
  std::size_t at = 0;
  do {
    const auto page = FindTraces(data, query);
    ASSERT_TRUE(page.has_value()) << page.error().message();
    for (const FoundTrace& found : page->traces) {
      ASSERT_LT(at, expected.size());
      EXPECT_EQ(found.trace_id, expected[at].trace_id);
      EXPECT_EQ(found.order_key, expected[at].order_key);
      ++at;
    }
    query.cursor = page->next_cursor;
  } while (!query.cursor.empty());
  EXPECT_EQ(at, expected.size());
}

TEST(SearchDifferential, EqualsTheNaiveSearch) {
  std::uint64_t matches = 0;
  Straddling straddling;
  for (std::uint64_t seed = 0; seed < kWorlds; ++seed) {
    SCOPED_TRACE("world " + std::to_string(seed));
    World world(seed);
    world.Fill();
    const auto snapshot = world.Snapshot();
    const auto batches = world.batches();
    const Straddling here = StraddlingOf(*snapshot, batches);
    straddling.traces += here.traces;
    straddling.in_several += here.in_several;
    for (std::uint64_t i = 0; i < kQueriesPerWorld; ++i) {
      const std::uint64_t query_seed = seed * 1000 + i;
      SCOPED_TRACE("query " + std::to_string(query_seed));
      Query query = RandomQuery(query_seed, world.sample());
      SCOPED_TRACE(predicate::testing::Describe(query));
      const auto expected = NaiveSearch(batches, query);
      matches += expected.size();
      query.count_total = i % 5 == 0;
      const auto found = FindTraces(*snapshot, query);
      ASSERT_TRUE(found.has_value()) << found.error().message();
      const std::size_t wanted =
          query.limit == 0 ? expected.size() : std::min<std::size_t>(query.limit, expected.size());
      ASSERT_EQ(found->traces.size(), wanted);
      for (std::size_t k = 0; k < wanted; ++k) {
        ASSERT_EQ(found->traces[k].trace_id, expected[k].trace_id)
            << "result " << k << ", key " << found->traces[k].order_key << " for "
            << expected[k].order_key << ", order " << static_cast<int>(query.order);
        ASSERT_EQ(found->traces[k].order_key, expected[k].order_key);
      }
      EXPECT_EQ(found->next_cursor.empty(), wanted == expected.size());
      if (query.count_total) {
        EXPECT_EQ(found->total, expected.size());
      }
      if (i % 8 == 0) ExpectPages(*snapshot, query, expected);
      if (i % 8 == 1 && !expected.empty()) {
        const auto summary = SummaryOf(*snapshot, expected[0].trace_id);
        ASSERT_TRUE(summary.has_value()) << summary.error().message();
        ExpectSummary(*summary, expected[0]);
      }
    }
    if (HasFatalFailure()) return;
  }
  std::printf("%d queries of seeds 0 to %d; of %zu traces %zu in several segments or the head\n",
              static_cast<int>(kWorlds * kQueriesPerWorld),
              static_cast<int>(kWorlds * 1000 + kQueriesPerWorld - 1001), straddling.traces,
              straddling.in_several);
  // More than half straddle, and neither way to evaluate a trace is rare.
  EXPECT_GT(straddling.in_several, straddling.traces / 2);
  EXPECT_LT(straddling.in_several, straddling.traces * 9 / 10);
  EXPECT_GT(matches, kWorlds * kQueriesPerWorld);  // random queries that never match prove little
}

// One span of each of 50 traces, the longer the higher the number of the trace.
model::SpanBatch HalfOfEachTrace(bool late) {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "s");
  batch.resources.emplace_back().attributes = {0, 1};
  batch.scopes.emplace_back();
  for (std::uint64_t trace = 1; trace <= 50; ++trace) {
    model::SpanRecord& span = batch.spans.emplace_back();
    span.trace_id = {3, trace};
    span.span_id = {late ? 2U : 1U};
    span.name = batch.strings.Intern("work");
    span.start_ns = 1'000'000 + (late ? trace * 1'000 : 0);
    span.duration_ns = 10;
    span.presence = model::kHasStart | model::kHasDuration;
    span.attributes.begin = 1;
  }
  return batch;
}

TEST(Search, TracesInSeveralSegmentsAreJudgedByTheirTablesWhereThoseSayEnough) {
  World world(3);
  for (const bool late : {false, true}) world.FillWith(HalfOfEachTrace(late));
  const auto snapshot = world.Snapshot();
  ASSERT_EQ(2U, snapshot->segments.size());
  Query query;
  query.Service("s");
  query.order = Order::kLongest;
  query.limit = 5;
  const auto found = FindTraces(*snapshot, query);
  ASSERT_TRUE(found.has_value()) << found.error().message();
  ASSERT_EQ(5U, found->traces.size());
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ((TraceId{3, 50 - i}), found->traces[i].trace_id);
    EXPECT_EQ((50 - i) * 1'000 + 10, found->traces[i].order_key);
  }
  EXPECT_EQ(0U, snapshot->memory->pages()->size()) << "rows were read";
}

// Two spans of each of 20 traces: of every trace one has an attribute, the other has another.
model::SpanBatch AttributesApart() {
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  for (std::uint64_t i = 0; i < 40; ++i) {
    const auto begin = static_cast<std::uint32_t>(batch.attributes.size());
    batch.AddString(batch.strings.Intern(i % 2 == 0 ? "one" : "other"), "x");
    model::SpanRecord& span = batch.spans.emplace_back();
    span.trace_id = {3, 1 + i / 2};
    span.span_id = {1 + i};
    span.name = batch.strings.Intern("work");
    span.start_ns = 1'000'000 + i;
    span.presence = model::kHasStart;
    span.attributes = {begin, 1};
  }
  return batch;
}

// Both attributes of one span.
Query OneAndOther(Order order) {
  Query query;
  query.where = Expression::SomeSpan(
      Expression::And({Expression::Attribute("one", CompareOp::kEqual, "x"),
                       Expression::Attribute("other", CompareOp::kEqual, "x")}));
  query.order = order;
  query.limit = 20;
  return query;
}

// Tables of traces know of no attribute: where the other parts of a trace stand is not asked for
// until a row matches. Here who asks is told, by a table that can't be read.
TEST(Search, PartsOfATraceAreLookedForWhereTheyCanDecide) {
  const auto open = [](const std::string& bytes) {
    auto reader = store::SegmentReader::Open(
        std::make_unique<store::testing::BytesFile>(bytes), "test.seg");
    EXPECT_TRUE(reader.has_value()) << reader.error().message();
    return *reader;
  };
  const auto with = store::BuildSegment(AttributesApart());
  const auto without = store::BuildSegment(HalfOfEachTrace(true));
  ASSERT_TRUE(with.has_value() && without.has_value());
  store::testing::Parts parts = store::testing::PartsOf(without->bytes);
  for (auto& [kind, bytes] : parts) {
    if (kind == static_cast<std::uint8_t>(store::SectionKind::kTraces)) bytes = "damaged";
  }
  store::SnapshotData data;
  data.segments = {open(with->bytes), open(store::testing::MakeFile(parts))};
  auto straddlers = std::make_shared<store::StraddlerSet>();
  for (std::uint64_t trace = 1; trace <= 20; ++trace) straddlers->insert(trace);
  data.straddlers = straddlers;
  const auto found = FindTraces(data, OneAndOther(Order::kNewest));
  ASSERT_TRUE(found.has_value()) << found.error().message();
  EXPECT_TRUE(found->traces.empty());
  // The longest are told apart by all their parts.
  const auto longest = FindTraces(data, OneAndOther(Order::kLongest));
  ASSERT_FALSE(longest.has_value());
  EXPECT_EQ(longest.error().code(), ErrorCode::kCorruption);
}

// The list of spans without a service leads to them: what lists services asks each time.
TEST(Search, SpansWithoutAServiceAreLookedForOnTheirPagesAlone) {
  Query query;
  Condition unnamed;
  unnamed.field = Field::kService;
  query.where = Expression::SomeSpan(Expression::Of(unnamed));
  const auto compiled = predicate::CompiledQuery::Compile(query);
  ASSERT_TRUE(compiled.has_value());
  std::size_t without = 0, with = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    World world(seed);
    world.Fill(seed % 2 == 0);
    const auto snapshot = world.Snapshot();
    for (const auto& segment : snapshot->segments) {
      // docs/format/segment.md: the service is text 0 where there is none.
      const bool any =
          (*segment->postings())
              ->CountOf({static_cast<std::uint8_t>(store::TermKind::kService), 0, 0})
              .has_value();
      const auto pages = CandidatePages(*segment, *compiled, 0);
      ASSERT_TRUE(pages.has_value());
      EXPECT_EQ(pages->empty(), !any);
      ++(any ? with : without);
    }
  }
  EXPECT_GT(with, 0U);
  EXPECT_GT(without, 0U);
}

TEST(Search, StopsWhenAskedTo) {
  World world(1);
  world.Fill();
  const auto snapshot = world.Snapshot();
  std::atomic<bool> cancel{true};
  Query query;
  query.cancel = &cancel;
  auto found = FindTraces(*snapshot, query);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code(), ErrorCode::kCancelled);
  query.cancel = nullptr;
  query.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  found = FindTraces(*snapshot, query);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().message(), "the query's deadline has passed");
}

TEST(Search, RefusesACursorOfAnotherQuery) {
  World world(2);
  world.Fill();
  const auto snapshot = world.Snapshot();
  Query query;
  query.limit = 1;
  const auto page = FindTraces(*snapshot, query);
  ASSERT_TRUE(page.has_value());
  ASSERT_FALSE(page->next_cursor.empty());
  query.cursor = page->next_cursor;
  query.Service("another");
  EXPECT_EQ(FindTraces(*snapshot, query).error().message(),
            "the cursor belongs to another query");
  query.cursor = "nonsense";
  EXPECT_EQ(FindTraces(*snapshot, query).error().message(),
            "the cursor is not one that this store gave");
}

}  // namespace
}  // namespace tracestore::query
