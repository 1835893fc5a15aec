// CompiledQuery, its hints and bounds and TraceEvaluator against the naive search, on random
// worlds.
#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "predicate/batch_binding.h"
#include "predicate/compiled_query.h"
#include "predicate/testing/naive_search.h"
#include "predicate/testing/small_world.h"
#include "predicate/trace_evaluator.h"

namespace tracestore::predicate {
namespace {

using model::SpanBatch;
using testing::Describe;
using testing::NaiveSearch;

// The rows of `world` dealt out at random over `count` batches.
std::vector<SpanBatch> Deal(const SpanBatch& world, std::size_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> rows(world.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::mt19937_64 random(seed);
  std::shuffle(rows.begin(), rows.end(), random);
  std::vector<SpanBatch> parts(count);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = i + 1 == count ? rows.size() : begin + rows.size() / count;
    model::BatchAppender appender(parts[i]);
    appender.SetSource(world);
    for (; begin < end; ++begin) appender.Append(rows[begin]);
  }
  return parts;
}

struct Place {
  std::size_t part;
  std::uint32_t row;
};

std::map<TraceId, std::vector<Place>> DistinctPlaces(const std::vector<SpanBatch>& parts) {
  std::map<TraceId, std::vector<Place>> traces;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    for (std::uint32_t row = 0; row < parts[part].size(); ++row) {
      const auto& span = parts[part].spans[row];
      auto& places = traces[span.trace_id];
      const bool again = std::any_of(places.begin(), places.end(), [&](const Place& other) {
        return model::SpansEqual(parts[part], span, parts[other.part],
                                 parts[other.part].spans[other.row]);
      });
      if (!again) places.push_back({part, row});
    }
  }
  return traces;
}

std::vector<OrderKey> Search(const std::vector<SpanBatch>& parts, const CompiledQuery& query) {
  std::vector<BatchBinding> bindings;
  for (const SpanBatch& part : parts) bindings.emplace_back(query, part);
  TraceEvaluator evaluator(query);
  std::vector<OrderKey> found;
  for (const auto& [id, places] : DistinctPlaces(parts)) {
    evaluator.Reset();
    bool matched_early = false;
    for (const Place& place : places) {
      evaluator.Add(bindings[place.part], place.row);
      if (query.monotone() && evaluator.Matches()) matched_early = true;
    }
    if (evaluator.Matches()) found.push_back({evaluator.order_key(), id});
    EXPECT_TRUE(!query.monotone() || matched_early == evaluator.Matches());
    if (!evaluator.Matches()) continue;
    for (const std::uint32_t leaf : query.required_leaves()) EXPECT_TRUE(evaluator.LeafMet(leaf));
    const Bounds& start = query.TraceStartBounds();
    EXPECT_TRUE(start.Contains(evaluator.extent().start_ns));
    EXPECT_TRUE(query.TraceDurationBounds().Contains(evaluator.extent().duration_ns()));
  }
  std::sort(found.begin(), found.end(),
            [](const OrderKey& a, const OrderKey& b) { return a.Before(b); });
  return found;
}

// Whether a hint holds of a span, by the naive model.
bool Holds(const Hint& hint, const SpanBatch& batch, const model::SpanRecord& span) {
  const auto test = [&](Condition c) {
    return testing::NaiveSpanMatches(batch, span, Expression::Of(std::move(c)), {});
  };
  const auto field = [&](Field f, std::string value) {
    Condition c;
    c.field = f;
    c.value = std::move(value);
    return test(c);
  };
  switch (hint.kind) {
    case Hint::Kind::kService: return field(Field::kService, hint.a);
    case Hint::Kind::kOperation: return field(Field::kOperation, hint.a);
    case Hint::Kind::kServiceOperation:
      return field(Field::kService, hint.a) && field(Field::kOperation, hint.b);
    case Hint::Kind::kAttributeEqual:
    case Hint::Kind::kAttributeExists: {
      Condition c;
      c.level = hint.level;
      c.key = hint.a;
      c.value = hint.b;
      c.op = hint.kind == Hint::Kind::kAttributeEqual ? CompareOp::kEqual : CompareOp::kExists;
      return test(c);
    }
    case Hint::Kind::kKind: return span.kind == hint.span_kind;
    case Hint::Kind::kStatus: return span.status == hint.status;
    case Hint::Kind::kEventName: return field(Field::kEventName, hint.a);
    case Hint::Kind::kScopeName: return field(Field::kScopeName, hint.a);
    case Hint::Kind::kLinkTraceId: return field(Field::kLinkTraceId, hint.trace_id.ToHex());
    case Hint::Kind::kTraceId: return span.trace_id == hint.trace_id;
    case Hint::Kind::kSpanId: return span.span_id == hint.span_id;
    case Hint::Kind::kParentId: return span.parent_id == hint.span_id;
  }
  return false;
}

void CheckLeafSoundness(const SpanBatch& batch, const CompiledQuery& query) {
  BatchBinding binding(query, batch);
  for (std::size_t leaf = 0; leaf < query.leaf_count(); ++leaf) {
    for (std::uint32_t row = 0; row < batch.size(); ++row) {
      if (!binding.MatchesLeaf(leaf, row)) continue;
      const auto& span = batch.spans[row];
      for (const auto& alternatives : query.hints(leaf)) {
        EXPECT_TRUE(std::any_of(alternatives.begin(), alternatives.end(), [&](const Hint& hint) {
          return Holds(hint, batch, span);
        })) << "leaf " << leaf << " row " << row;
      }
      const Bounds& start = query.StartBounds(leaf);
      EXPECT_TRUE(start.all() || (span.has_start() && start.Contains(span.start_ns)));
      const Bounds& duration = query.DurationBounds(leaf);
      EXPECT_TRUE(duration.all() || (span.has_duration() && duration.Contains(span.duration_ns)));
    }
  }
}

// Where a query says that parts decide alone, they do.
void CheckParts(const std::vector<SpanBatch>& parts, const CompiledQuery& query,
                const std::vector<OrderKey>& whole) {
  if (query.NeedsWholeTrace()) return;
  std::vector<TraceId> by_parts;
  for (const SpanBatch& part : parts) {
    std::vector<SpanBatch> alone{part};
    for (const OrderKey& key : Search(alone, query)) by_parts.push_back(key.trace_id);
  }
  std::sort(by_parts.begin(), by_parts.end());
  by_parts.erase(std::unique(by_parts.begin(), by_parts.end()), by_parts.end());
  std::vector<TraceId> expected;
  for (const OrderKey& key : whole) expected.push_back(key.trace_id);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(by_parts, expected);
}

TEST(Search, EqualsTheNaiveSearchOnRandomWorldsAndQueries) {
  constexpr std::uint64_t kWorlds = 60;
  constexpr std::uint64_t kQueries = 60;
  std::size_t with_results = 0;
  for (std::uint64_t seed = 0; seed < kWorlds; ++seed) {
    testing::SmallWorldOptions options;
    options.spans = static_cast<std::uint32_t>(seed * 3);
    const SpanBatch world = testing::SmallWorldBatch(seed, options);
    const std::vector<SpanBatch> parts = Deal(world, seed % 4 + 1, seed);
    const SpanBatch* whole = &world;
    for (std::uint64_t number = 0; number < kQueries; ++number) {
      const Query query = testing::RandomQuery(seed * 1000 + number, world);
      SCOPED_TRACE("world " + std::to_string(seed) + " query " + std::to_string(number) + ": " +
                   Describe(query));
      const auto compiled = CompiledQuery::Compile(query);
      ASSERT_TRUE(compiled.has_value()) << compiled.error().message();
      const std::vector<OrderKey> found = Search(parts, *compiled);
      std::vector<OrderKey> expected;
      for (const auto& result : NaiveSearch({&whole, 1}, query))
        expected.push_back({result.order_key, result.trace_id});
      ASSERT_EQ(found, expected);
      with_results += !found.empty();
      CheckLeafSoundness(world, *compiled);
      CheckParts(parts, *compiled, found);
      if (::testing::Test::HasFailure()) return;
    }
  }
  // Queries that find nothing prove little.
  EXPECT_GT(with_results, kWorlds * kQueries / 3);
}

TEST(Search, ReadsNothingThatNeedsLeavesOut) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const SpanBatch world = testing::SmallWorldBatch(seed);
    const Query query = testing::RandomQuery(seed, world);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + Describe(query));
    const auto compiled = CompiledQuery::Compile(query);
    ASSERT_TRUE(compiled.has_value());
    const Needs& needs = compiled->needs();
    SpanBatch bare = world;
    for (auto& span : bare.spans) {
      if (!needs.span_attributes) span.attributes = {};
      if (!needs.operation) span.name = 0;
      if (!needs.status_message) span.status_message = 0;
      if (!needs.kind) span.kind = SpanKind::kUnspecified;
      if (!needs.status) span.status = StatusCode::kUnset;
      if (!needs.span_id) span.span_id = {};
      if (!needs.parent_id) span.parent_id = {};
      if (!needs.event_name && !needs.event_attributes && !needs.events) span.events = {};
      if (!needs.links && !needs.link_attributes && !needs.link_trace_state) span.references = {};
      if (!needs.trace_state) span.trace_state = 0;
      if (!needs.duration) span.duration_ns = 0;
    }
    for (auto& resource : bare.resources) {
      if (!needs.resource_attributes) resource.attributes = {};
      if (!needs.resource_schema_url) resource.schema_url = 0;
    }
    for (auto& scope : bare.scopes) {
      if (!needs.scope_attributes) scope.attributes = {};
      if (!needs.scope_name) scope.name = 0;
      if (!needs.scope_version) scope.version = 0;
      if (!needs.scope_schema_url) scope.schema_url = 0;
    }
    for (auto& event : bare.events) {
      if (!needs.event_attributes) event.attributes = {};
      if (!needs.event_name) event.name = 0;
    }
    for (auto& attribute : bare.attributes) {
      const std::string key(bare.text(attribute.key));
      if (!std::binary_search(needs.attribute_keys.begin(), needs.attribute_keys.end(), key))
        attribute = {};
    }
    BatchBinding full(*compiled, world);
    BatchBinding part(*compiled, bare);
    for (std::size_t leaf = 0; leaf < compiled->leaf_count(); ++leaf) {
      for (std::uint32_t row = 0; row < world.size(); ++row)
        ASSERT_EQ(full.MatchesLeaf(leaf, row), part.MatchesLeaf(leaf, row)) << leaf << " " << row;
    }
  }
}

}  // namespace
}  // namespace tracestore::predicate
