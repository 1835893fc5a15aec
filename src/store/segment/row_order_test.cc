#include "store/segment/row_order.h"

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "codec/testing/arbitrary_batch.h"
#include "model/trace_extent.h"

namespace tracestore::store {
namespace {

using model::SpanBatch;
using model::SpanRecord;

// The order as docs/format/segment.md, "Order of rows", states it, row by row.
TEST(RowOrder, IsThatOfTheFormatPage) {
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    codec::ArbitraryOptions options;
    options.spans = 1 + static_cast<std::uint32_t>(seed * 53 % 900);
    options.traces = 1 + static_cast<std::uint32_t>(seed * 7 % 300);
    options.beyond_origin = true;
    options.weird_times = seed % 2 == 0;
    options.weird_graph = seed % 3 != 0;
    const SpanBatch batch = codec::ArbitraryBatch(seed, options);
    const RowOrder order = OrderRows(batch);
    ASSERT_EQ(batch.size(), order.rows.size());
    ASSERT_EQ(batch.size(), order.parents.size());
    std::vector<bool> met(batch.size(), false);
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < order.traces.size(); ++i) {
      const TraceRows& trace = order.traces[i];
      EXPECT_EQ(next, trace.first_row);
      next += trace.rows;
      model::TraceExtent extent;
      // The last child of each parent so far, roots by kNoRow.
      std::map<std::uint32_t, std::uint32_t> last;
      for (std::uint32_t row = trace.first_row; row < next; ++row) {
        const SpanRecord& span = batch.spans[order.rows[row]];
        ASSERT_EQ(trace.id, span.trace_id);
        EXPECT_FALSE(met[order.rows[row]]);
        met[order.rows[row]] = true;
        extent.Add(span);
        const std::uint32_t parent = order.parents[row];
        // cut cycles stand among the roots, in an order of their own
        if (parent == kNoRow) continue;
        ASSERT_LT(parent, row);
        ASSERT_GE(parent, trace.first_row);
        EXPECT_EQ(span.parent_id, batch.spans[order.rows[parent]].span_id);
        const auto [at, first] = last.try_emplace(parent, row);
        const auto key = [&](std::uint32_t of) {
          const SpanRecord& s = batch.spans[order.rows[of]];
          return std::tuple(s.start_ns, s.span_id, order.rows[of]);
        };
        EXPECT_TRUE(first || key(at->second) < key(row));
        at->second = row;
      }
      EXPECT_EQ(extent.start_ns, trace.start_ns);
      EXPECT_EQ(extent.end_ns, trace.end_ns);
      if (i == 0) continue;
      const TraceRows& before = order.traces[i - 1];
      EXPECT_LT(std::tuple(before.start_ns, before.id), std::tuple(trace.start_ns, trace.id));
    }
    EXPECT_EQ(batch.size(), next);
  }
}

}  // namespace
}  // namespace tracestore::store
