#include "model/span_batch.h"

#include <gtest/gtest.h>

namespace tracestore::model {
namespace {

// One span with every field set, its texts carrying `tag`.
SpanBatch FullSpan(const std::string& tag) {
  SpanBatch batch;
  StringTable& s = batch.strings;
  ResourceRecord resource;
  resource.attributes.begin = 0;
  batch.AddString(s.Intern("service.name"), "shop-" + tag);
  resource.attributes.count = 1;
  resource.schema_url = s.Intern("url");
  batch.resources.push_back(resource);
  ScopeRecord scope;
  scope.name = s.Intern("lib");
  scope.attributes = {1, 1};
  batch.AddInt(s.Intern("scope.attr"), 7);
  batch.scopes.push_back(scope);
  SpanRecord span;
  span.trace_id = {1, 2};
  span.span_id = {3};
  span.parent_id = {4};
  span.start_ns = 5;
  span.duration_ns = 6;
  span.presence = kHasStart | kHasDuration;
  span.name = s.Intern("op-" + tag);
  span.attributes = {2, 2};
  batch.AddDouble(s.Intern("d"), 1.5);
  batch.AddBlob(s.Intern("b"), ValueType::kBytes, "bytes");
  EventRecord event;
  event.time_ns = 9;
  event.name = s.Intern("event");
  event.attributes = {4, 1};
  batch.AddString(s.Intern("e"), tag);
  batch.events.push_back(event);
  span.events = {0, 1};
  ReferenceRecord link;
  link.trace_id = {7, 8};
  link.span_id = {9};
  link.trace_state = s.Intern("a=b");
  batch.references.push_back(link);
  span.references = {0, 1};
  batch.spans.push_back(span);
  return batch;
}

TEST(SpanBatch, AppenderCopiesEveryFieldAndSharesEqualResources) {
  const SpanBatch a = FullSpan("a");
  const SpanBatch b = FullSpan("b");
  SpanBatch to;
  BatchAppender appender(to);
  for (const SpanBatch* from : {&a, &b, &a}) {
    appender.SetSource(*from);
    appender.Append(0);
  }
  ASSERT_EQ(to.size(), 3U);
  EXPECT_EQ(to.resources.size(), 2U);
  EXPECT_EQ(to.scopes.size(), 1U);
  EXPECT_TRUE(SpansEqual(a, a.spans[0], to, to.spans[0]));
  EXPECT_TRUE(SpansEqual(b, b.spans[0], to, to.spans[1]));
  EXPECT_TRUE(SpansEqual(to, to.spans[0], to, to.spans[2]));
  EXPECT_FALSE(SpansEqual(to, to.spans[0], to, to.spans[1]));
  EXPECT_EQ(ServiceOf(to, to.spans[1]), "shop-b");
}

TEST(SpanBatch, EqualityNoticesEachField) {
  const SpanBatch base = FullSpan("a");
  const auto differs = [&](auto change) {
    SpanBatch other = FullSpan("a");
    change(other);
    return !SpansEqual(base, base.spans[0], other, other.spans[0]);
  };
  EXPECT_FALSE(differs([](SpanBatch&) {}));
  EXPECT_TRUE(differs([](SpanBatch& b) { b.spans[0].presence = kHasStart; }));
  EXPECT_TRUE(differs([](SpanBatch& b) { b.spans[0].trace_state = b.strings.Intern("x"); }));
  EXPECT_TRUE(differs([](SpanBatch& b) { b.spans[0].parent_position = 1; }));
  EXPECT_TRUE(differs([](SpanBatch& b) { b.attributes[2].type_byte |= kSyntheticBit; }));
  EXPECT_TRUE(differs([](SpanBatch& b) { b.events[0].time_ns = 1; }));
  EXPECT_TRUE(differs([](SpanBatch& b) { b.references[0].flags = 1; }));
  EXPECT_TRUE(differs([](SpanBatch& b) { b.resources[0].origin = Origin::kJaeger; }));
  EXPECT_TRUE(differs([](SpanBatch& b) { b.scopes[0].dropped_attributes = 1; }));
}

TEST(SpanBatch, RollbackDropsABadSpansParts) {
  SpanBatch batch = FullSpan("a");
  const auto mark = batch.mark();
  batch.AddInt(0, 1);
  batch.events.emplace_back();
  batch.spans.emplace_back();
  batch.Rollback(mark);
  EXPECT_EQ(batch.size(), 1U);
  EXPECT_EQ(batch.attributes.size(), 5U);
  EXPECT_EQ(batch.events.size(), 1U);
}

TEST(StringTable, FindsWhatItHasThroughGrowth) {
  StringTable table;
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(table.Intern(std::to_string(i)), i + 1U);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(table.Find(std::to_string(i)), i + 1U);
  EXPECT_FALSE(table.Find("absent").has_value());
  EXPECT_EQ(table.Intern(""), 0U);
}

}  // namespace
}  // namespace tracestore::model
