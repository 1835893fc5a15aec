#include "server/jaeger/trace_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "codec/detect/any_format.h"
#include "model/span_batch.h"

namespace tracestore::server {
namespace {

struct Traces {
  std::uint32_t count;
  std::uint32_t spans;  // of each
};

// The first group is the newest.
Snapshot Of(const std::vector<Traces>& groups) {
  std::uint64_t start = 1'800'000'000'000'000'000, number = 0;
  std::string body = R"({"resourceSpans":[{"scopeSpans":[{"spans":[)";
  for (const Traces& group : groups) {
    for (std::uint32_t i = 0; i < group.count; ++i) {
      const std::string trace = TraceId{1, ++number}.ToHex();
      start -= 1'000'000;
      for (std::uint64_t span = 1; span <= group.spans; ++span) {
        body += R"({"traceId":")" + trace + R"(","spanId":")" + SpanId{span}.ToHex() +
                R"(","startTimeUnixNano":")" + std::to_string(start) + "\"},";
      }
    }
  }
  body.back() = ']';
  AppendResult result;
  auto snapshot = SnapshotOfFiles({body + "}]}]}"}, result);
  EXPECT_TRUE(snapshot.has_value());
  return std::move(snapshot).value();
}

struct Seen {
  std::size_t traces = 0;
  std::size_t spans = 0;
  std::size_t most = 0;  // spans in memory at once
};

Seen ScanAll(const Snapshot& snapshot) {
  Seen seen;
  TraceScan scan(snapshot, Query(), SpanParts());
  while (!scan.done()) {
    const auto spans = scan.Next();
    if (!spans.has_value()) {
      ADD_FAILURE() << spans.error().message();
      break;
    }
    seen.traces += codec::GroupByTrace(*spans->batch()).size();
    seen.spans += spans->size();
    seen.most = std::max(seen.most, spans->size());
  }
  return seen;
}

TEST(TraceScan, GivesEveryTraceWhole) {
  const Seen seen = ScanAll(Of({{.count = 1'200, .spans = 1}, {.count = 30, .spans = 40}}));
  EXPECT_EQ(seen.traces, 1'230U);
  EXPECT_EQ(seen.spans, 2'400U);
}

// However small the traces before them were.
TEST(TraceScan, LargeTracesAreNotReadMoreAtATimeThanFit) {
  const Seen seen = ScanAll(Of({{.count = 600, .spans = 1}, {.count = 20, .spans = 3'000}}));
  EXPECT_EQ(seen.spans, 60'600U);
  EXPECT_LE(seen.most, TraceScan::kPageSpans + 3'000);
}

TEST(TraceScan, EndsAtItsBoundOfTraces) {
  const Seen seen = ScanAll(Of({{.count = TraceScan::kMostTraces + 700, .spans = 1}}));
  EXPECT_EQ(seen.traces, TraceScan::kMostTraces);
}

}  // namespace
}  // namespace tracestore::server
