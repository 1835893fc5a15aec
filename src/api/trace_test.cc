#include <tracestore/trace.h>
#include <tracestore/values.h>

#include <gtest/gtest.h>

#include "codec/testing/arbitrary_batch.h"
#include "model/span_batch.h"
#include "model/text.h"
#include "model/value_blob.h"

namespace tracestore {
namespace {

struct Made {
  std::uint64_t id, parent, start, duration;
};

SpanList ListOf(const std::vector<Made>& spans, TraceId trace = {0, 7}) {
  auto batch = std::make_shared<model::SpanBatch>();
  batch->resources.emplace_back();
  batch->scopes.emplace_back();
  for (const Made& made : spans) {
    model::SpanRecord& span = batch->spans.emplace_back();
    span.trace_id = trace;
    span.span_id = {made.id};
    span.parent_id = {made.parent};
    span.start_ns = made.start;
    span.duration_ns = made.duration;
    span.presence = model::kHasStart | model::kHasDuration;
    span.name = batch->strings.Intern("op" + std::to_string(made.id));
  }
  return SpanList(std::move(batch));
}

TEST(Trace, IsATreeWithTimes) {
  // 1 [100, 200) has 2 [110, 140) and 3 [130, 190); 9 isn't there.
  const auto made = Trace::Assemble(
      ListOf({{3, 1, 130, 60}, {1, 0, 100, 100}, {2, 1, 110, 30}, {4, 9, 150, 5}}));
  ASSERT_TRUE(made.has_value()) << made.error().message();
  const Trace& trace = *made;
  EXPECT_EQ(trace.span_count(), 4U);
  EXPECT_EQ(trace.size(), 5U);
  EXPECT_EQ(trace.summary().orphan_count, 1U);
  const Trace::Node root = trace.root();
  EXPECT_EQ(trace.span(root).name(), "op1");
  EXPECT_EQ(trace.children(root).size(), 2U);
  EXPECT_EQ(trace.self_ns(root), 20U);
  EXPECT_EQ(trace.roots().size(), 2U);
  const auto orphan = trace.Find({4});
  ASSERT_EQ(orphan.size(), 1U);
  const Trace::Parent parent = trace.parent(orphan[0]);
  EXPECT_TRUE(trace.missing(parent.node));
  EXPECT_EQ(trace.span_id(parent.node), SpanId{9});
  EXPECT_EQ(parent.edge, Trace::Edge::kChildOf);
  EXPECT_EQ(trace.depth(orphan[0]), 1U);
  EXPECT_EQ(trace.preorder().size(), 5U);
  EXPECT_EQ(trace.subtree(root).size(), 3U);

  std::uint64_t waited = 0;
  for (const Trace::PathPart& part : trace.CriticalPath(root))
    waited += part.end_ns - part.begin_ns;
  EXPECT_EQ(waited, 100U);
  EXPECT_TRUE(trace.CriticalPath(parent.node).empty());
  EXPECT_TRUE(trace.CriticalPath(Trace::kNone).empty());
}

TEST(Trace, IsDrawn) {
  const auto made = Trace::Assemble(
      ListOf({{3, 1, 130, 60}, {1, 0, 100, 100}, {2, 1, 110, 30}, {4, 9, 150, 5}}));
  ASSERT_TRUE(made.has_value()) << made.error().message();
  DrawOptions options;
  options.ascii = true;
  options.width = 80;
  const DrawnTree drawn = DrawTree(*made, options);
  EXPECT_EQ(drawn.left_out, 0U);
  EXPECT_NE(drawn.text.find("4 spans, 1 service, 1 span without the parent named"),
            std::string::npos)
      << drawn.text;
  EXPECT_NE(drawn.text.find("`- op3"), std::string::npos) << drawn.text;
  EXPECT_NE(drawn.text.find("(span 0000000000000009"), std::string::npos) << drawn.text;
  options.max_rows = 1;
  EXPECT_EQ(DrawTree(*made, options).left_out, 4U);  // the missing parent's row, too
  options.top = made->Find({3}).front();
  const std::string below = DrawTree(*made, options).text;
  EXPECT_NE(below.find("op3"), std::string::npos);
  EXPECT_EQ(below.find("op2"), std::string::npos);
}

TEST(Trace, CountsEqualSpansOnceAndWarns) {
  const auto trace = Trace::Assemble(
      ListOf({{1, 0, 100, 100}, {2, 1, 110, 30}, {2, 1, 110, 30}, {2, 1, 111, 30}}));
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->span_count(), 3U);
  const auto same = trace->Find({2});
  ASSERT_EQ(same.size(), 2U);
  EXPECT_EQ(trace->copies(same[0]), 2U);
  EXPECT_EQ(trace->copies(same[1]), 1U);
  EXPECT_FALSE(trace->warnings().empty());
}

// A child whose clock is behind: moved only where it is asked for, as far as it is allowed.
TEST(Trace, MovesSkewedClocksOnlyWhenAsked) {
  const auto spans = [] {
    auto list =
        std::make_shared<model::SpanBatch>(*ListOf({{1, 0, 1000, 100}, {2, 1, 500, 50}}).batch());
    for (const char* host : {"a", "b"}) {
      model::ResourceRecord& resource = list->resources.emplace_back();
      resource.attributes.begin = static_cast<std::uint32_t>(list->attributes.size());
      list->AddString(list->strings.Intern("host.name"), host);
      resource.attributes.count = 1;
    }
    list->spans[0].resource = 1;
    list->spans[1].resource = 2;
    return SpanList(std::move(list));
  }();
  const auto asked = Trace::Assemble(spans, {10'000});
  const auto kept = Trace::Assemble(spans);
  ASSERT_TRUE(asked.has_value() && kept.has_value());
  EXPECT_EQ(asked->interval(asked->Find({2})[0]).begin_ns, 1025U);
  EXPECT_EQ(kept->interval(kept->Find({2})[0]).begin_ns, 500U);
  EXPECT_FALSE(kept->warnings().empty());
}

TEST(Trace, NeedsTheSpansOfOne) {
  const auto none = Trace::Assemble(SpanList());
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), ErrorCode::kInvalidArgument);
  auto two = std::make_shared<model::SpanBatch>(*ListOf({{1, 0, 1, 1}, {2, 0, 1, 1}}).batch());
  two->spans[1].trace_id = {0, 8};
  EXPECT_FALSE(Trace::Assemble(SpanList(std::move(two))).has_value());
}

// JSON of what ValueParts gives, written as the canonical text is.
void AppendScalar(const ValueParts::Part& part, std::string& out) {
  const auto quoted = [&](std::string text) { out += '"' + text + '"'; };
  switch (part.type) {
    case ValueType::kString: model::AppendJsonString(part.text, out); return;
    case ValueType::kBool: out += part.integer != 0 ? "true" : "false"; return;
    case ValueType::kInt: out += std::to_string(part.integer); return;
    case ValueType::kDouble: {
      std::string number;
      model::AppendDouble(part.number, number);
      if (number.find_first_of("nN") == std::string::npos) out += number;
      else quoted(number);
      return;
    }
    case ValueType::kBytes: {
      std::string text;
      model::AppendBase64(part.text, text);
      quoted(text);
      return;
    }
    default: out += "null";
  }
}

std::string JsonOf(const AttributeView& attribute) {
  using Kind = ValueParts::Kind;
  std::string out = attribute.type() == ValueType::kMap ? "{" : "[";
  std::string ends = attribute.type() == ValueType::kMap ? "}" : "]";
  bool first = true;
  ValueParts parts(attribute);
  while (true) {
    const ValueParts::Part part = parts.Next();
    if (part.kind == Kind::kDone || part.kind == Kind::kEnd) {
      out += ends.back();
      ends.pop_back();
      first = false;
      if (part.kind == Kind::kDone) return out;
      continue;
    }
    if (!first) out += ',';
    first = false;
    switch (part.kind) {
      case Kind::kKey:
        model::AppendJsonString(part.text, out);
        out += ':';
        first = true;
        break;
      case Kind::kBeginArray: out += '['; ends += ']'; first = true; break;
      case Kind::kBeginMap: out += '{'; ends += '}'; first = true; break;
      default: AppendScalar(part, out);
    }
  }
}

TEST(ValueParts, AreWhatTheCanonicalTextSays) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SpanList spans(
        std::make_shared<const model::SpanBatch>(codec::ArbitraryBatch(seed)));
    for (std::size_t i = 0; i < spans.size(); ++i) {
      for (const AttributeView attribute : spans[i].attributes()) {
        if (attribute.type() != ValueType::kArray && attribute.type() != ValueType::kMap) {
          EXPECT_EQ(ValueParts(attribute).Next().kind, ValueParts::Kind::kDone);
          continue;
        }
        EXPECT_EQ(JsonOf(attribute), attribute.text());
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 20U);
}

}  // namespace
}  // namespace tracestore
