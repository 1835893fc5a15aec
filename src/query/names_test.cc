#include "query/names.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

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

using Counts = std::map<std::string, std::uint64_t>;

// All names by walking over every span: obviously right.
struct Recount {
  Counts services;
  std::map<std::tuple<std::string, std::string, int>, std::uint64_t> operations;
  Counts keys;
  std::map<std::string, Counts> values;

  explicit Recount(const SpanBatch& batch) {
    for (const SpanRecord& span : batch.spans) {
      if (span.firehose()) continue;
      const std::string service(ServiceOf(batch, span));
      if (!service.empty()) ++services[service];
      ++operations[{service, std::string(batch.text(span.name)), static_cast<int>(span.kind)}];
      Add(batch, span.attributes);
      Add(batch, batch.resources[span.resource].attributes);
      Add(batch, batch.scopes[span.scope].attributes);
      for (std::uint32_t i = 0; i < span.events.count; ++i)
        Add(batch, batch.events[span.events.begin + i].attributes);
      for (std::uint32_t i = 0; i < span.references.count; ++i)
        Add(batch, batch.references[span.references.begin + i].attributes);
    }
  }
  void Add(const SpanBatch& batch, model::Range range) {
    for (const model::Attribute& a : AttributesOf(batch, range)) {
      const std::string key(batch.text(a.key));
      ++keys[key];
      ++values[key][model::CanonicalText(batch, a)];
    }
  }
};

void ExpectCounts(const Counts& expected, const Result<std::vector<NamedCount>>& found) {
  ASSERT_TRUE(found.has_value()) << found.error().message();
  Counts counts;
  for (const NamedCount& c : *found) counts[c.name] += c.count;
  EXPECT_EQ(expected, counts);
  EXPECT_EQ(expected.size(), found->size()) << "a name stands twice";
}

void ExpectOperations(const Recount& recount, const store::SnapshotData& data,
                      const std::string& service) {
  std::map<std::pair<std::string, int>, std::uint64_t> expected;
  for (const auto& [operation, count] : recount.operations) {
    const auto& [owner, name, kind] = operation;
    if (service.empty() || owner == service) expected[{name, kind}] += count;
  }
  const auto found = Operations(data, service);
  ASSERT_TRUE(found.has_value()) << found.error().message();
  ASSERT_EQ(expected.size(), found->size()) << service;
  auto at = expected.begin();
  for (const OperationInfo& operation : *found) {
    EXPECT_EQ(at->first, std::pair(operation.name, static_cast<int>(operation.kind)));
    EXPECT_EQ(at->second, operation.spans);
    ++at;
  }
}

void ExpectValues(const Recount& recount, const store::SnapshotData& data) {
  // Worlds of random keys have thousands: some of them are enough.
  const std::size_t step = recount.values.size() / 30 + 1;
  std::size_t at = 0;
  for (const auto& [key, expected] : recount.values) {
    if (at++ % step != 0) continue;
    SCOPED_TRACE("key " + key);
    const auto found = Values(data, key, 0);
    ExpectCounts(expected, found);
    ASSERT_TRUE(found.has_value());
    for (std::size_t i = 1; i < found->size(); ++i) {
      const NamedCount& a = (*found)[i - 1];
      const NamedCount& b = (*found)[i];
      EXPECT_TRUE(a.count > b.count || (a.count == b.count && a.name < b.name));
    }
    const auto two = Values(data, key, 2);
    ASSERT_TRUE(two.has_value());
    ASSERT_EQ(std::min<std::size_t>(2, found->size()), two->size());
    for (std::size_t i = 0; i < two->size(); ++i) EXPECT_EQ((*found)[i].name, (*two)[i].name);
  }
  const auto none = Values(data, "no such key", 0);
  ASSERT_TRUE(none.has_value());
  EXPECT_TRUE(none->empty());
}

void ExpectNames(TestWorld& world) {
  const Recount recount(world.all());
  const store::SnapshotData& data = world.data();
  const auto services = Services(data);
  ExpectCounts(recount.services, services);
  EXPECT_TRUE(std::is_sorted(services->begin(), services->end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
  ExpectOperations(recount, data, "");
  std::size_t services_left = 20;
  for (const auto& [service, count] : recount.services) {
    if (services_left-- == 0) break;
    ExpectOperations(recount, data, service);
  }
  ExpectOperations(recount, data, "no such service");
  ExpectCounts(recount.keys, Keys(data));
  ExpectValues(recount, data);
}

TEST(Names, EqualARecountOfSmallWorlds) {
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TestWorld world;
    FillSmallWorld(seed, world);
    ExpectNames(world);
    if (HasFatalFailure()) return;
  }
}

TEST(Names, EqualARecountOfAnySpans) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    codec::ArbitraryOptions options;
    options.beyond_origin = true;
    options.invalid_utf8 = true;
    options.spans = seed % 4 == 0 ? 1500 : 100;
    TestWorld world;
    world.AddSegment(codec::ArbitraryBatch(seed, options));
    world.AddHead(codec::ArbitraryBatch(seed + 1000, options));
    ExpectNames(world);
    if (HasFatalFailure()) return;
  }
}

TEST(Names, OfNothingAreNone) {
  const store::SnapshotData data;
  EXPECT_TRUE(Services(data)->empty());
  EXPECT_TRUE(Operations(data, "")->empty());
  EXPECT_TRUE(Keys(data)->empty());
  EXPECT_TRUE(Values(data, "k", 10)->empty());
}

}  // namespace
}  // namespace tracestore::query
