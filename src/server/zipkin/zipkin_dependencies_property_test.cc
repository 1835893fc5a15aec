// Links counted from what the rule looks at are those that it gives of whole traces as Zipkin's API
// shows them: random traces of both worlds, in segments, in the head and in both.
#include "server/zipkin/zipkin_dependencies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/deletes_test_support.h"
#include "codec/zipkin/zipkin_text.h"
#include "server/zipkin/zipkin_link_reader.h"
#include "server/zipkin/zipkin_world_test_support.h"

namespace tracestore::server {
namespace {

using testing::kBeginUs;
using testing::kStretchUs;
using testing::World;

using Ends = std::pair<std::string, std::string>;
using Links = std::map<Ends, std::pair<std::uint64_t, std::uint64_t>>;

// Whether a span of the trace started in the window.
bool StartsIn(const SpanList& spans, const ZipkinWindow& window) {
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const std::uint64_t ms = spans[i].start_ns() / 1'000'000;
    if (spans[i].has_start() && ms >= window.begin_ms && ms <= window.end_ms) return true;
  }
  return false;
}

Links Expected(const Snapshot& snapshot, const ZipkinWindow& window) {
  Links links;
  std::set<std::uint64_t> done;
  Query all;
  all.limit = 0;
  const auto traces = snapshot.Find(all);
  EXPECT_TRUE(traces.has_value());
  for (const FoundTrace& trace : traces->traces) {
    const auto spans = snapshot.Get(trace.trace_id);
    EXPECT_TRUE(spans.has_value());
    if (!StartsIn(*spans, window) || !done.insert(trace.trace_id.low).second) continue;
    const auto found = ZipkinLinksOfAll(snapshot, trace.trace_id);
    EXPECT_TRUE(found.has_value());
    for (const assembly::ServiceLink& link : *found) {
      auto& [calls, errors] = links[{codec::ZipkinLowerCase(link.parent),
                                     codec::ZipkinLowerCase(link.child)}];
      calls += link.calls;
      errors += link.errors;
    }
  }
  return links;
}

Links Given(const Snapshot& snapshot, const ZipkinWindow& window) {
  Links links;
  const auto found = ZipkinDependencies(snapshot, window);
  EXPECT_TRUE(found.has_value()) << found.error().message();
  for (const DependencyLink& link : *found)
    links[{link.parent, link.child}] = {link.calls, link.errors};
  return links;
}

void Append(Store& store, const std::string& file) {
  const auto appended = store.AppendFile(file);
  ASSERT_TRUE(appended.has_value()) << appended.error().message();
  ASSERT_EQ(appended->rejected, 0U) << appended->first_error;
}

// In five windows. The number of links that there are.
std::size_t ExpectRight(Store& store, World& world) {
  std::size_t links = 0;
  const auto snapshot = store.TakeSnapshot();
  EXPECT_TRUE(snapshot.has_value()) << snapshot.error().message();
  if (!snapshot.has_value()) return 0;
  for (int i = 0; i < 5; ++i) {
    ZipkinWindow window;
    window.begin_ms = i == 0 ? 0 : kBeginUs / 1000 + world.Below(kStretchUs / 1000);
    window.end_ms = window.begin_ms + (i == 0 ? 2 * (kBeginUs / 1000) : world.Below(8));
    const Links given = Given(*snapshot, window);
    EXPECT_EQ(given, Expected(*snapshot, window));
    links += given.size();
  }
  return links;
}

void DeleteOne(Store& store, World& world) {
  const auto snapshot = store.TakeSnapshot();
  ASSERT_TRUE(snapshot.has_value());
  Query all;
  all.limit = 0;
  const auto found = snapshot->Find(all);
  ASSERT_TRUE(found.has_value());
  if (found->traces.empty()) return;
  const TraceId id = found->traces[world.Below(found->traces.size())].trace_id;
  ASSERT_TRUE(store.Delete({id}).has_value());
}

TEST(ZipkinDependenciesProperty, CountsWhatWholeTracesTell) {
  std::size_t links = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    // Few ids: parents are there, and now and then spans of a trace share one.
    World world(seed, 4 + seed % 12);
    const api::testing::TemporaryDirectory directory;
    const auto store = api::testing::OpenOrFail(directory.path());
    ASSERT_NE(store, nullptr);
    for (int part = 0; part < 3; ++part) {
      Append(*store, world.Otlp());
      // Traces of both worlds whose ids share their low halves.
      if (world.Half()) Append(*store, world.Otlp(8));
      Append(*store, world.Zipkin());
      if (part < 2 && world.Half()) {
        ASSERT_TRUE(store->Seal().has_value());
      }
    }
    links += ExpectRight(*store, world);
  }
  EXPECT_GT(links, 500U);  // the windows are not all empty
}

// What was counted of a segment stays; what then comes to its traces, and what deletes hide of
// them, counts all the same.
TEST(ZipkinDependenciesProperty, CountsWhatBecomesOfCountedSegments) {
  std::size_t links = 0;
  for (std::uint64_t seed = 101; seed <= 125; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed, 4 + seed % 12);
    const api::testing::TemporaryDirectory directory;
    const auto store = api::testing::OpenOrFail(directory.path());
    ASSERT_NE(store, nullptr);
    for (int step = 0; step < 8; ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      switch (world.Below(4)) {
        case 0: Append(*store, world.Otlp(world.Half() ? 8 : 20)); break;
        case 1: Append(*store, world.Zipkin()); break;
        case 2: ASSERT_TRUE(store->Seal().has_value()); break;
        default: DeleteOne(*store, world);
      }
      links += ExpectRight(*store, world);
    }
    CompactOptions whole;
    whole.full = true;
    ASSERT_TRUE(store->Compact(whole).has_value());
    links += ExpectRight(*store, world);
  }
  EXPECT_GT(links, 500U);
}

// Spans so far apart that a window lies between them, and shows neither.
TEST(ZipkinDependenciesProperty, LooksIntoTracesThatTheWindowDoesNotBegin) {
  const api::testing::TemporaryDirectory directory;
  const auto store = api::testing::OpenOrFail(directory.path());
  ASSERT_NE(store, nullptr);
  const auto span = [](const char* id, const char* parent, const char* kind, int at_ms,
                       const char* service) {
    return std::string(R"({"traceId":"1","id":")") + id + R"(","parentId":")" + parent +
           R"(","kind":")" + kind + R"(","timestamp":)" +
           std::to_string(kBeginUs + 1000ULL * static_cast<unsigned>(at_ms)) +
           R"(,"localEndpoint":{"serviceName":")" + service + "\"}}";
  };
  Append(*store, "[" + span("1", "0", "SERVER", 0, "front") + "," +
                     span("2", "1", "CLIENT", 1, "front") + "," +
                     span("3", "2", "SERVER", 50, "back") + "," +
                     span("4", "3", "CLIENT", 90, "back") + "," +
                     span("5", "4", "SERVER", 91, "db") + "]");
  ASSERT_TRUE(store->Seal().has_value());
  const auto snapshot = store->TakeSnapshot();
  ASSERT_TRUE(snapshot.has_value());
  const auto between = [&](unsigned first_ms, unsigned last_ms) {
    return Given(*snapshot, {kBeginUs / 1000 + first_ms, kBeginUs / 1000 + last_ms});
  };
  const Links both = {{{"front", "back"}, {1, 0}}, {{"back", "db"}, {1, 0}}};
  EXPECT_EQ(both, between(0, 200));
  EXPECT_EQ(both, between(50, 50));
  EXPECT_EQ(Links(), between(51, 89));
  EXPECT_EQ(Links(), between(2, 49));
  EXPECT_EQ(both, between(2, 50));
  EXPECT_EQ(Links(), between(92, 300));
}

}  // namespace
}  // namespace tracestore::server
