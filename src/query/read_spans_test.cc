#include "query/read_spans.h"

#include <gtest/gtest.h>

#include "assembly/duplicates.h"
#include "query/fetch.h"
#include "query/query_test_support.h"
#include "query/search.h"

namespace tracestore::query {
namespace {

// Ids, start, name, what is said of one attribute key, events: what rows are compared by.
using Rows = std::multiset<std::tuple<TraceId, std::uint64_t, std::uint64_t, std::string,
                                      std::string, std::size_t>>;

void AddRow(const SpanView& span, const std::string& key, bool events, Rows& rows) {
  const auto attribute = span.attributes().Find(key);
  rows.emplace(span.trace_id(), span.span_id().value, span.start_ns(), std::string(span.name()),
               attribute ? attribute->text() : "none", events ? span.event_count() : 0);
}

Rows RowsOf(const SpanList& spans, const std::string& key, bool events) {
  Rows rows;
  for (std::size_t i = 0; i < spans.size(); ++i) AddRow(spans[i], key, events, rows);
  return rows;
}

// What one trace after another, read wholly, gives.
Rows Expected(const store::SnapshotData& data, const Query& query, const std::string& key,
              bool events) {
  Rows rows;
  const auto found = FindTraces(data, query);
  EXPECT_TRUE(found.has_value()) << found.error().message();
  for (const FoundTrace& trace : found->traces) {
    const auto spans = FetchTrace(data, trace.trace_id);
    const SpanList list(*spans);
    for (const std::uint32_t row : assembly::FindDistinct(**spans).rows)
      AddRow(list[row], key, events, rows);
  }
  return rows;
}

Rows AllPages(const store::SnapshotData& data, Query query, const SpanParts& parts,
              const std::string& key, std::size_t& pages) {
  Rows rows;
  query.limit = 5;
  do {
    const auto page = ReadSpans(data, query, parts);
    EXPECT_TRUE(page.has_value()) << page.error().message();
    if (!page.has_value()) return rows;
    rows.merge(RowsOf(page->spans, key, parts.events));
    query.cursor = page->next_cursor;
    ++pages;
  } while (!query.cursor.empty());
  return rows;
}

// A key of the world's spans.
std::string SomeKey(const model::SpanBatch& batch) {
  for (const model::SpanRecord& span : batch.spans) {
    if (span.attributes.count > 0)
      return std::string(batch.text(batch.attributes[span.attributes.begin].key));
  }
  return "none";
}

// Random worlds: parts of traces in several segments and the head, repeats, firehose spans.
TEST(ReadSpans, IsWhatTheTracesSay) {
  std::size_t spans = 0;
  std::size_t pages = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    testing::TestWorld world;
    testing::FillSmallWorld(seed, world);
    const std::string key = SomeKey(world.all());
    Query query;
    query.limit = 0;
    for (const bool events : {true, false}) {
      SpanParts parts;
      parts.events = events;
      for (const bool one_key : {false, true}) {
        if (one_key) parts.keys = {key};
        const Rows expected = Expected(world.data(), query, key, events);
        EXPECT_EQ(AllPages(world.data(), query, parts, key, pages), expected);
        spans += expected.size();
      }
    }
  }
  EXPECT_GT(spans, 1000U);
  EXPECT_GT(pages, 100U);
}

TEST(ReadSpans, GivesOnlyMatchingOnesWhereAskedTo) {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    testing::TestWorld world;
    testing::FillSmallWorld(seed, world);
    Query query;
    query.MinDuration(std::chrono::nanoseconds(1));
    query.limit = 0;
    const auto expected = FindSpans(world.data(), query);
    ASSERT_TRUE(expected.has_value()) << expected.error().message();
    SpanParts parts;
    parts.matching = true;
    std::size_t pages = 0;
    EXPECT_EQ(AllPages(world.data(), query, parts, "none", pages),
              RowsOf(SpanList(*expected), "none", true));
    found += (*expected)->size();
  }
  EXPECT_GT(found, 100U);
}

// Pages end by their spans: each trace comes once, whole, and the page with it.
TEST(ReadSpans, EndsPagesBySpans) {
  std::size_t ended = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    testing::TestWorld world;
    testing::FillSmallWorld(seed, world);
    Query query;
    query.limit = 0;
    const std::size_t traces = FindTraces(world.data(), query)->traces.size();
    for (const bool matching : {false, true}) {  // firehose spans match nothing
      SpanParts parts;
      parts.matching = matching;
      const Rows expected = RowsOf(ReadSpans(world.data(), query, parts)->spans, "none", true);
      parts.max_spans = 7;
      parts.keep_pages = false;
      Rows rows;
      std::size_t read = 0;
      do {
        const auto page = ReadSpans(world.data(), query, parts);
        ASSERT_TRUE(page.has_value()) << page.error().message();
        ASSERT_GT(page->traces, 0U);
        const Rows of_page = RowsOf(page->spans, "none", true);
        std::set<TraceId> ids;
        for (const auto& row : of_page) ids.insert(std::get<0>(row));
        if (!matching) {
          EXPECT_EQ(ids.size(), page->traces);
          // The trace that reached it is the last one.
          EXPECT_TRUE(page->next_cursor.empty() || page->spans.size() >= parts.max_spans);
        }
        rows.insert(of_page.begin(), of_page.end());
        read += page->traces;
        query.cursor = page->next_cursor;
        ++ended;
      } while (!query.cursor.empty());
      EXPECT_EQ(rows, expected);
      EXPECT_EQ(read, traces);
    }
  }
  EXPECT_GT(ended, 100U);
}

TEST(ReadSpans, LeavesOutWhatIsNotAskedFor) {
  testing::TestWorld world;
  testing::FillSmallWorld(3, world);
  SpanParts parts;
  parts.attributes = parts.events = false;
  Query query;
  query.limit = 0;
  const auto some = ReadSpans(world.data(), query, parts);
  const auto all = ReadSpans(world.data(), query, {});
  ASSERT_TRUE(some.has_value() && all.has_value());
  EXPECT_EQ(some->spans.size(), all->spans.size());
  EXPECT_LT(some->spans.batch()->attributes.size(), all->spans.batch()->attributes.size());
}

TEST(ReadSpans, StopsWhenAskedTo) {
  testing::TestWorld world;
  testing::FillSmallWorld(2, world);
  store::SnapshotData data = world.data();
  int polled = 0;
  data.stop.poll = [&] { return ++polled > 2; };
  const auto page = ReadSpans(data, Query(), {});
  ASSERT_FALSE(page.has_value());
  EXPECT_EQ(page.error().code(), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace tracestore::query
