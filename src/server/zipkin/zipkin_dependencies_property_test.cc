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
    const auto snapshot = store->TakeSnapshot();
    ASSERT_TRUE(snapshot.has_value()) << snapshot.error().message();
    for (int i = 0; i < 5; ++i) {
      ZipkinWindow window;
      window.begin_ms = i == 0 ? 0 : kBeginUs / 1000 + world.Below(kStretchUs / 1000);
      window.end_ms = window.begin_ms + (i == 0 ? 2 * (kBeginUs / 1000) : world.Below(8));
      const Links given = Given(*snapshot, window);
      EXPECT_EQ(given, Expected(*snapshot, window));
      links += given.size();
    }
  }
  EXPECT_GT(links, 500U);  // the windows are not all empty
}

}  // namespace
}  // namespace tracestore::server
