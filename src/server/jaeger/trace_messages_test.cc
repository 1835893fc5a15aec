#include "server/jaeger/trace_messages.h"

#include <gtest/gtest.h>
#include <tracestore/store.h>

#include <map>

#include "server/jaeger/query_grpc_test_support.h"

namespace tracestore::server {
namespace {

// Messages of `bytes_of(row)` bytes a row; what they had, as "first count".
struct Messages {
  explicit Messages(std::size_t spans, std::function<std::size_t(std::size_t)> bytes_of) {
    AppendResult report;
    const auto snapshot = SnapshotOfFiles({LargeTrace(spans, 1)}, report);
    EXPECT_TRUE(snapshot.has_value());
    const TraceId id = snapshot->Find(Query())->traces.at(0).trace_id;
    TraceMessagesOptions options;
    options.read = [&](TraceId wanted) -> Result<SpanList> {
      if (wanted == TraceId()) return SpanList();
      return snapshot->Get(wanted);
    };
    options.encode = [&](const ShownTrace& trace, std::size_t first, std::size_t count,
                         std::string& out) {
      EXPECT_LE(first + count, trace.rows.size());
      last_first = first;
      last_count = count;
      for (std::size_t i = first; i < first + count; ++i) out.append(bytes_of(i), 'x');
    };
    TraceMessages messages({TraceId(), id, TraceId(), id}, std::move(options));
    for (std::string message;; message.clear()) {
      const auto more = messages.Next(message);
      EXPECT_TRUE(more.has_value());
      if (!more.has_value() || !*more) break;
      sizes.push_back(message.size());
      parts.emplace_back(last_first, last_count);
    }
  }
  // Every row of both traces is in one message, in order.
  void ExpectWhole(std::size_t spans) const {
    std::size_t next = 0;
    std::size_t traces = 0;
    for (const auto& [first, count] : parts) {
      EXPECT_EQ(first, next);
      next += count;
      if (next == spans) {
        next = 0;
        ++traces;
      }
    }
    EXPECT_EQ(traces, 2u);
    EXPECT_EQ(next, 0u);
  }

  std::size_t last_first = 0;
  std::size_t last_count = 0;
  std::vector<std::size_t> sizes;
  std::vector<std::pair<std::size_t, std::size_t>> parts;
};

TEST(TraceMessages, SmallTracesAreOneMessageEach) {
  const Messages messages(20, [](std::size_t) { return 100; });
  messages.ExpectWhole(20);
  EXPECT_EQ(messages.sizes, (std::vector<std::size_t>{2'000, 2'000}));
}

TEST(TraceMessages, ComesToTheWantedSize) {
  const Messages messages(5'000, [](std::size_t) { return 2'000; });
  messages.ExpectWhole(5'000);
  for (const std::size_t size : messages.sizes) EXPECT_LE(size, kWantedMessageBytes + 2'000);
  EXPECT_LE(messages.sizes.size(), 2u * 13);  // 10 MB, and the first ones are smaller
}

TEST(TraceMessages, HoldsTheBoundWhereSpansGrow) {
  const auto bytes_of = [](std::size_t row) { return row < 900 ? 100u : 100'000u; };
  const Messages messages(1'000, bytes_of);
  messages.ExpectWhole(1'000);
  for (const std::size_t size : messages.sizes) EXPECT_LE(size, kMostMessageBytes);
}

TEST(TraceMessages, ASpanBeyondTheBoundStandsAlone) {
  const auto bytes_of = [](std::size_t row) { return row == 70 ? kMostMessageBytes + 1 : 10; };
  const Messages messages(200, bytes_of);
  messages.ExpectWhole(200);
  for (std::size_t i = 0; i < messages.sizes.size(); ++i) {
    if (messages.sizes[i] <= kMostMessageBytes) continue;
    EXPECT_EQ(messages.parts[i], (std::pair<std::size_t, std::size_t>{70, 1}));
  }
}

TEST(TraceMessages, GivesTheReadersErrorOn) {
  TraceMessagesOptions options;
  options.read = [](TraceId) -> Result<SpanList> {
    return Error(ErrorCode::kCorruption, "damaged");
  };
  TraceMessages messages({TraceId()}, std::move(options));
  std::string message;
  const auto more = messages.Next(message);
  ASSERT_FALSE(more.has_value());
  EXPECT_EQ(more.error().message(), "damaged");
}

}  // namespace
}  // namespace tracestore::server
