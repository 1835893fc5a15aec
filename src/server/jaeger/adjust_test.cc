#include "server/jaeger/adjust.h"

#include <gtest/gtest.h>

namespace tracestore::server {
namespace {

model::SpanRecord Span(std::uint64_t id, std::uint64_t parent, SpanKind kind) {
  model::SpanRecord span;
  span.trace_id = {0, 9};
  span.span_id = {id};
  span.parent_id = {parent};
  span.kind = kind;
  return span;
}

model::SpanBatch Batch(std::vector<model::SpanRecord> spans) {
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  batch.spans = std::move(spans);
  return batch;
}

TEST(AdjustForJaeger, ServersOfSharedSpansGetIdsOfTheirOwn) {
  // A client and its server share 5; 1 is taken.
  const auto adjusted = AdjustForJaeger(Batch({Span(1, 0, SpanKind::kInternal),
                                               Span(5, 1, SpanKind::kClient),
                                               Span(5, 1, SpanKind::kServer),
                                               Span(7, 5, SpanKind::kInternal)}));
  ASSERT_TRUE(adjusted.has_value());
  const auto& spans = adjusted->spans;
  EXPECT_EQ(spans[1].span_id.value, 5U);
  EXPECT_EQ(spans[1].parent_id.value, 1U);
  EXPECT_EQ(spans[2].span_id.value, 2U);
  EXPECT_EQ(spans[2].parent_id.value, 5U);
  EXPECT_EQ(spans[3].parent_id.value, 2U);
}

TEST(AdjustForJaeger, NumbersThatAreAddressesBecomeText) {
  model::SpanBatch batch = Batch({Span(1, 0, SpanKind::kInternal)});
  batch.AddInt(batch.strings.Intern("peer.ipv4"), 0x0A010203);
  batch.AddDouble(batch.strings.Intern("ip"), 2130706433.0);
  batch.AddDouble(batch.strings.Intern("ip"), -1.0);
  batch.AddInt(batch.strings.Intern("port"), 80);
  batch.AddString(batch.strings.Intern("ip"), "::1");
  batch.spans[0].attributes = {0, 5};
  const auto adjusted = AdjustForJaeger(batch);
  ASSERT_TRUE(adjusted.has_value());
  const auto text = [&](std::size_t i) {
    return adjusted->text(static_cast<model::StringId>(adjusted->attributes[i].bits));
  };
  EXPECT_EQ(text(0), "10.1.2.3");
  EXPECT_EQ(text(1), "127.0.0.1");
  EXPECT_EQ(adjusted->attributes[2].type(), ValueType::kDouble);
  EXPECT_EQ(adjusted->attributes[3].type(), ValueType::kInt);
  EXPECT_EQ(text(4), "::1");
}

TEST(AdjustForJaeger, LeavesOtherTracesAlone) {
  EXPECT_FALSE(AdjustForJaeger(Batch({Span(1, 0, SpanKind::kServer),
                                      Span(2, 1, SpanKind::kClient)})).has_value());
}

}  // namespace
}  // namespace tracestore::server
