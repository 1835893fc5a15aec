#include "query/subtree.h"

#include <gtest/gtest.h>

#include "assembly/summary.h"
#include "query/fetch.h"
#include "query/query_test_support.h"

namespace tracestore::query {
namespace {

// Ids and starts with their counts: what rows of two batches are compared by.
using Rows = std::multiset<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::string>>;

Rows RowsOf(const model::SpanBatch& batch, const std::vector<std::uint32_t>& rows) {
  Rows out;
  for (const std::uint32_t row : rows) {
    const model::SpanRecord& span = batch.spans[row];
    out.emplace(span.span_id.value, span.parent_id.value, span.start_ns,
                std::string(batch.text(span.name)));
  }
  return out;
}

Rows AllRowsOf(const model::SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  for (std::uint32_t i = 0; i < rows.size(); ++i) rows[i] = i;
  return RowsOf(batch, rows);
}

// Every span of every trace of random worlds: parts in segments and head, cycles, repeats.
TEST(Subtree, IsWhatTheWholeTraceSays) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    testing::TestWorld world;
    testing::FillSmallWorld(seed, world);
    std::set<TraceId> ids;
    for (const auto& span : world.all().spans) ids.insert(span.trace_id);
    for (const TraceId id : ids) {
      const auto whole = FetchTrace(world.data(), id);
      ASSERT_TRUE(whole.has_value()) << whole.error().message();
      for (std::uint32_t row = 0; row < (*whole)->size(); row += 11) {
        const SpanId top = (*whole)->spans[row].span_id;
        const auto subtree = FetchSubtree(world.data(), id, top);
        ASSERT_TRUE(subtree.has_value()) << subtree.error().message();
        ASSERT_EQ(AllRowsOf(**subtree), RowsOf(**whole, assembly::SubtreeRows(**whole, top)))
            << id.ToHex() << " " << top.ToHex();
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 200U);
}

// A chain whose order of arrival is against the tree's, over more parts than there are passes.
TEST(Subtree, OfAChainThatComesBackwards) {
  testing::TestWorld world;
  constexpr std::uint64_t kParts = 20;
  const TraceId id{1, 2};
  for (std::uint64_t part = kParts; part > 0; --part) {
    model::SpanBatch batch;
    batch.resources.emplace_back();
    batch.scopes.emplace_back();
    for (std::uint64_t i = 0; i < 10; ++i) {
      model::SpanRecord span;
      span.trace_id = id;
      span.span_id = {(part - 1) * 10 + i + 1};
      span.parent_id = {(part - 1) * 10 + i};
      span.start_ns = 1'000'000 + span.span_id.value;
      span.presence = model::kHasStart | model::kHasDuration;
      batch.spans.push_back(span);
    }
    world.AddSegment(batch);
  }
  const auto subtree = FetchSubtree(world.data(), id, SpanId{51});
  ASSERT_TRUE(subtree.has_value()) << subtree.error().message();
  EXPECT_EQ((*subtree)->size(), kParts * 10 - 50);
  const auto none = FetchSubtree(world.data(), id, SpanId{kParts * 10 + 1});
  ASSERT_TRUE(none.has_value()) << none.error().message();
  EXPECT_TRUE((*none)->empty());
}

}  // namespace
}  // namespace tracestore::query
