#include "query/tags.h"

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "codec/testing/arbitrary_batch.h"
#include "model/text.h"
#include "query/query_test_support.h"

namespace tracestore::query {
namespace {

using model::SpanBatch;
using model::SpanRecord;
using testing::FillSmallWorld;
using testing::TestWorld;

using ByLevel = std::map<LevelSet, std::set<TypedValue>>;

constexpr LevelSet kEach[] = {kOnSpan, kOnResource, kOnScope, kOnEvent, kOnLink};

// Keys and values by walking over every span: obviously right.
struct Recount {
  std::array<std::set<std::string, std::less<>>, kLevels> keys;
  std::map<std::string, ByLevel> values;
  OwnerNames owners;

  void AddBatch(const SpanBatch& batch) {
    for (const SpanRecord& span : batch.spans) {
      if (span.firehose()) continue;
      const model::ScopeRecord& scope = batch.scopes[span.scope];
      owners.scopes.emplace(batch.text(scope.name));
      owners.scope_versions.emplace(batch.text(scope.version));
      if (span.parent_id.empty()) {
        owners.root_services.emplace(ServiceOf(batch, span));
        owners.root_operations.emplace(batch.text(span.name));
      }
      Add(batch, 0, span.attributes);
      Add(batch, 1, batch.resources[span.resource].attributes);
      Add(batch, 2, batch.scopes[span.scope].attributes);
      for (std::uint32_t i = 0; i < span.events.count; ++i)
        Add(batch, 3, batch.events[span.events.begin + i].attributes);
      for (std::uint32_t i = 0; i < span.references.count; ++i)
        Add(batch, 4, batch.references[span.references.begin + i].attributes);
    }
  }
  void Add(const SpanBatch& batch, std::size_t level, model::Range range) {
    for (const model::Attribute& a : AttributesOf(batch, range)) {
      const std::string key(batch.text(a.key));
      keys[level].insert(key);
      const bool told = a.type() >= ValueType::kString && a.type() <= ValueType::kDouble;
      if (told) values[key][kEach[level]].insert({a.type(), model::CanonicalText(batch, a)});
    }
  }
};

using Names = std::set<std::string, std::less<>>;

Names WithoutEmpty(Names names) {
  names.erase("");
  return names;
}

void ExpectOwners(const OwnerNames& expected, const OwnerNames& found) {
  EXPECT_EQ(found.scopes, WithoutEmpty(expected.scopes));
  EXPECT_EQ(found.scope_versions, WithoutEmpty(expected.scope_versions));
  // Of a trace with several spans without parent, a segment tells the earliest.
  EXPECT_TRUE(expected.root_services.empty() || !found.root_services.empty() ||
              WithoutEmpty(expected.root_services).empty());
  EXPECT_TRUE(expected.root_operations.empty() || !found.root_operations.empty() ||
              WithoutEmpty(expected.root_operations).empty());
}

void ExpectTags(TestWorld& world) {
  Recount recount;
  recount.AddBatch(world.all());
  const store::SnapshotData& data = world.data();
  for (int again = 0; again < 2; ++again) {  // read, then kept
    const auto keys = KeysByLevel(data);
    ASSERT_TRUE(keys.has_value()) << keys.error().message();
    for (std::size_t level = 0; level < kLevels; ++level)
      EXPECT_EQ(keys->keys[level], recount.keys[level]) << "level " << level;
  }
  ExpectOwners(recount.owners, NamesOfOwners(data).value());
  // Worlds of random keys have thousands: some of them are enough.
  const std::size_t step = recount.values.size() / 10 + 1;
  std::size_t at = 0;
  for (auto& [key, by_level] : recount.values) {
    if (at++ % step != 0) continue;
    SCOPED_TRACE("key " + key);
    for (const LevelSet levels : {kOnSpan, kOnResource, kOnScope, kOnEvent, kOnLink, kOnAny,
                                  static_cast<LevelSet>(kOnSpan | kOnResource)}) {
      std::set<TypedValue> expected;
      for (const LevelSet level : kEach) {
        if ((levels & level) != 0) expected.insert(by_level[level].begin(), by_level[level].end());
      }
      const auto found = TypedValues(data, key, levels, {}, {1'000'000, 1U << 30});
      ASSERT_TRUE(found.has_value()) << found.error().message();
      EXPECT_EQ(std::set<TypedValue>(found->begin(), found->end()), expected) << int{levels};
      EXPECT_EQ(found->size(), expected.size());
      const auto two = TypedValues(data, key, levels, {}, {2, 1U << 30});
      ASSERT_TRUE(two.has_value());
      EXPECT_EQ(two->size(), std::min<std::size_t>(2, expected.size()));
      for (const TypedValue& value : *two) EXPECT_TRUE(expected.contains(value));
    }
  }
  EXPECT_TRUE(TypedValues(data, "no such key", kOnAny)->empty());
}

TEST(Tags, EqualAWalkOverSmallWorlds) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TestWorld world;
    FillSmallWorld(seed, world);
    ExpectTags(world);
    if (HasFatalFailure()) return;
  }
}

TEST(Tags, EqualAWalkOverAnySpans) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    codec::ArbitraryOptions options;
    options.beyond_origin = true;
    options.invalid_utf8 = true;
    options.spans = seed == 0 ? 1100 : 100;
    TestWorld world;
    world.AddSegment(codec::ArbitraryBatch(seed, options));
    options.spans = 40;
    world.AddHead(codec::ArbitraryBatch(seed + 1000, options));
    ExpectTags(world);
    if (HasFatalFailure()) return;
  }
}

// One span that starts at `start` and has one attribute.
SpanBatch OneSpan(std::uint64_t start, const std::string& key, const std::string& value) {
  SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  SpanRecord span;
  span.trace_id = {1, start};
  span.span_id = {start};
  span.start_ns = start;
  span.presence = model::kHasStart;
  batch.AddString(batch.strings.Intern(key), value);
  span.attributes = {0, 1};
  batch.spans.push_back(span);
  return batch;
}

TEST(Tags, ARangeLeavesOutSegmentsAndSpansOfTheHead) {
  TestWorld world;
  world.AddSegment(OneSpan(100, "old", "a"));
  world.AddSegment(OneSpan(500, "new", "b"));
  world.AddHead(OneSpan(100, "old.head", "c"));
  world.AddHead(OneSpan(500, "new.head", "d"));
  const auto names = KeysByLevel(world.data(), {400, 501})->keys[0];
  EXPECT_EQ(names, (std::set<std::string, std::less<>>{"new", "new.head"}));
  EXPECT_TRUE(TypedValues(world.data(), "old", kOnSpan, {400, 501})->empty());
  EXPECT_TRUE(TypedValues(world.data(), "old.head", kOnSpan, {400, 501})->empty());
  EXPECT_EQ(TypedValues(world.data(), "new", kOnSpan, {400, 501})->size(), 1U);
  EXPECT_EQ(TypedValues(world.data(), "new.head", kOnSpan, {400, 501})->size(), 1U);
}

TEST(Tags, RootsAreThoseOfTraces) {
  TestWorld world;
  SpanBatch batch = OneSpan(100, "service.name", "front");
  batch.resources[0].attributes = {0, 1};
  batch.spans[0].name = batch.strings.Intern("GET /");
  SpanRecord child = batch.spans[0];
  child.parent_id = child.span_id;
  child.span_id = {7};
  child.name = batch.strings.Intern("query");
  batch.AddString(batch.strings.Intern("service.name"), "front");
  child.attributes = {1, 1};
  batch.spans.push_back(child);
  world.AddSegment(batch);
  EXPECT_EQ(NamesOfOwners(world.data())->root_services, Names{"front"});
  EXPECT_EQ(NamesOfOwners(world.data())->root_operations, Names{"GET /"});
  EXPECT_TRUE(NamesOfOwners(world.data(), {500, 600})->root_operations.empty());
  world.AddHead(std::move(batch));
  EXPECT_EQ(NamesOfOwners(world.data(), {50, 101})->root_operations, Names{"GET /"});
}

// More operations than a segment's tables take: the rows of the rarest are coded whole, and are the
// only ones of their resource and scope.
TEST(Tags, OfRowsThatAreInNoTable) {
  constexpr std::uint64_t kNames = store::kMaxOps + 500;
  SpanBatch batch;
  const auto key = batch.strings.Intern("service.name");
  batch.AddString(key, "many");
  batch.AddString(key, "rare");
  for (std::uint32_t i = 0; i < 2; ++i) {
    batch.resources.emplace_back().attributes = {i, 1};
    batch.scopes.emplace_back().name = batch.strings.Intern(i == 0 ? "of many" : "of rare");
  }
  for (std::uint64_t i = 0; i < 2 * kNames + 700; ++i) {
    const bool rare = i >= 2 * kNames;
    SpanRecord& span = batch.spans.emplace_back();
    span.trace_id = {1, i / 20 + 1};
    span.span_id = {i + 1};
    span.start_ns = i;
    span.presence = model::kHasStart;
    span.resource = span.scope = rare ? 1 : 0;
    span.name = batch.strings.Intern("name " + std::to_string(rare ? i : i % kNames));
  }
  TestWorld world;
  world.AddSegment(batch);
  ExpectTags(world);
}

TEST(Tags, StopAtTheBytesOfTexts) {
  TestWorld world;
  for (int i = 0; i < 10; ++i)
    world.AddHead(OneSpan(static_cast<std::uint64_t>(i) + 1, "key",
                          std::string(10, static_cast<char>('a' + i))));
  EXPECT_EQ(TypedValues(world.data(), "key", kOnSpan, {}, {100, 35})->size(), 4U);
}

}  // namespace
}  // namespace tracestore::query
