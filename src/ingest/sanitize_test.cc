#include "ingest/sanitize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ingest/sanitize_text.h"
#include "model/text.h"
#include "model/value_blob.h"

namespace tracestore::ingest {
namespace {

using model::SpanBatch;
using model::SpanRecord;
using testing::ElementsAre;

SpanBatch OneSpan(std::string_view name = "GET /") {
  SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  SpanRecord span;
  span.trace_id = {1, 2};
  span.span_id = {3};
  span.name = batch.strings.Intern(name);
  span.attributes.begin = static_cast<std::uint32_t>(batch.attributes.size());
  batch.spans.push_back(span);
  return batch;
}

void AddString(SpanBatch& batch, std::string_view key, std::string_view value) {
  batch.AddString(batch.strings.Intern(key), value);
  ++batch.spans.back().attributes.count;
}

// "key=value" in canonical text, of the only span.
std::vector<std::string> Shown(const SpanBatch& batch) {
  std::vector<std::string> out;
  for (const auto& attribute : AttributesOf(batch, batch.spans[0].attributes))
    out.push_back(std::string(batch.text(attribute.key)) + "=" +
                  model::CanonicalText(batch, attribute));
  return out;
}

SanitizeOptions Small() {
  SanitizeOptions options;
  options.max_attributes = 3;
  options.max_events = 2;
  options.max_links = 2;
  options.max_value_bytes = 8;
  return options;
}

SanitizeOptions Three() {
  SanitizeOptions options;
  options.max_attributes = 3;
  return options;
}

TEST(Sanitize, LeavesGoodSpansAlone) {
  SpanBatch batch = OneSpan();
  AddString(batch, "a", "1");
  const SpanBatch before = batch;
  const SanitizeResult result = Sanitize({}, batch);
  EXPECT_THAT(result.cut, testing::Each(0u));
  EXPECT_TRUE(SpansEqual(batch, batch.spans[0], before, before.spans[0]));
}

TEST(Sanitize, CutsAttributesAndCountsThem) {
  SpanBatch batch = OneSpan();
  for (int i = 0; i < 5; ++i) AddString(batch, "k" + std::to_string(i), "v");
  const SanitizeResult result = Sanitize(Small(), batch);
  EXPECT_THAT(Shown(batch), ElementsAre("k0=v", "k1=v", "k2=v", "tracestore.cut=attributes"));
  EXPECT_EQ(batch.spans[0].dropped_attributes, 2u);
  EXPECT_THAT(result.cut, ElementsAre(1, 0, 0, 0, 0, 0));
}

TEST(Sanitize, ACutSparesTheServiceOfAResource) {
  SpanBatch batch = OneSpan();
  for (int i = 0; i < 5; ++i) batch.AddString(batch.strings.Intern("k" + std::to_string(i)), "v");
  batch.AddString(batch.strings.Intern("service.name"), "shop");
  batch.resources[0].attributes = {0, 6};
  batch.spans[0].attributes = {6, 0};
  Sanitize(Three(), batch);
  const auto& resource = batch.resources[batch.spans[0].resource];
  EXPECT_EQ(ServiceOf(batch, resource), "shop");
  EXPECT_EQ(resource.attributes.count, 4u);  // k0, k1, service.name and the mark
  EXPECT_EQ(resource.dropped_attributes, 3u);
}

TEST(Sanitize, ACutSparesWhatSurfacesNeedOfASpan) {
  SpanBatch batch = OneSpan();
  for (int i = 0; i < 5; ++i) AddString(batch, "k" + std::to_string(i), "v");
  AddString(batch, "span.kind", "client");
  AddString(batch, "k5", "v");
  batch.AddString(batch.strings.Intern("net.peer.ip"), "10.0.0.1", true);  // Zipkin's field
  ++batch.spans[0].attributes.count;
  Sanitize(Three(), batch);
  EXPECT_THAT(Shown(batch), ElementsAre("k0=v", "span.kind=client", "net.peer.ip=10.0.0.1",
                                        "tracestore.cut=attributes"));
  EXPECT_EQ(batch.spans[0].dropped_attributes, 5u);
}

TEST(Sanitize, NeededAttributesAreBoundedLikeOthers) {
  SpanBatch batch = OneSpan();
  AddString(batch, "k", "v");
  for (int i = 0; i < 5; ++i) AddString(batch, "error", std::to_string(i));
  Sanitize(Small(), batch);
  EXPECT_THAT(Shown(batch),
              ElementsAre("error=0", "error=1", "error=2", "tracestore.cut=attributes"));
}

TEST(Sanitize, CutsLongTextsBetweenCharacters) {
  SpanBatch batch = OneSpan("operation");
  AddString(batch, "k", "1234567\xC3\xA9z");
  const SanitizeResult result = Sanitize(Small(), batch);
  EXPECT_EQ(batch.text(batch.spans[0].name), "operatio");
  EXPECT_THAT(Shown(batch), ElementsAre("k=1234567", "tracestore.cut=values"));
  EXPECT_EQ(result.cut[3], 1u);
}

// Lists of names go out in one message.
TEST(Sanitize, CutsNamesBeforeValues) {
  const std::string text(5000, 'n');
  SpanBatch batch = OneSpan(text);
  AddString(batch, "value", text);
  AddString(batch, text, "v");
  AddString(batch, "peer.service", text);
  const std::string cut(4096, 'n');
  EXPECT_EQ(Sanitize({}, batch).cut[3], 1u);
  EXPECT_EQ(batch.text(batch.spans[0].name), cut);
  EXPECT_THAT(Shown(batch), ElementsAre("value=" + text, cut + "=v", "peer.service=" + cut,
                                        "tracestore.cut=values"));
}

TEST(Sanitize, CutsServicesAsNames) {
  SpanBatch batch = OneSpan();
  auto& resource = batch.resources[0].attributes;
  resource.begin = static_cast<std::uint32_t>(batch.attributes.size());
  batch.AddString(batch.strings.Intern("service.name"), std::string(4097, 's'));
  resource.count = 1;
  EXPECT_EQ(Sanitize({}, batch).cut[3], 1u);
  EXPECT_EQ(model::ServiceOf(batch, batch.resources[0]), std::string(4096, 's'));
}

TEST(Sanitize, LeavesLongValuesBesideShortNames) {
  SpanBatch batch = OneSpan();
  AddString(batch, "exception.stacktrace", std::string(5000, 'x'));
  EXPECT_EQ(Sanitize({}, batch).cut[3], 0u);
  EXPECT_EQ(batch.spans[0].attributes.count, 1u);
}

TEST(Sanitize, MendsWhatIsNoUtf8) {
  SpanBatch batch = OneSpan("a\xFFz");
  AddString(batch, "k\xC3", "\xFE\xFF");
  const SanitizeResult result = Sanitize({}, batch);
  EXPECT_EQ(batch.text(batch.spans[0].name), "a\xEF\xBF\xBDz");
  // The bytes of a value stay, as bytes: "/v8=" in base64.
  EXPECT_THAT(Shown(batch), ElementsAre("k\xEF\xBF\xBD=/v8=", "tracestore.cut=utf8"));
  EXPECT_EQ(AttributesOf(batch, batch.spans[0].attributes).begin()->type(), ValueType::kBytes);
  EXPECT_EQ(result.cut[5], 1u);
}

TEST(Sanitize, CountsTextsThatTheDecoderMended) {
  const auto one = [] {
    SpanBatch batch = OneSpan("a\xEF\xBF\xBDz");
    AddString(batch, "k", "v");
    return batch;
  };
  SpanBatch batch = one();
  EXPECT_EQ(Sanitize({}, batch).cut[5], 0u);  // the sender's own U+FFFD
  EXPECT_EQ(Sanitize({}, batch, true).cut[5], 1u);
  EXPECT_THAT(Shown(batch), ElementsAre("k=v", "tracestore.cut=utf8"));
  EXPECT_EQ(batch.text(batch.spans[0].name), "a\xEF\xBF\xBDz");
  // A value stays a text; spans without such texts are not counted.
  batch = OneSpan();
  AddString(batch, "k", "\xEF\xBF\xBD");
  batch.spans.push_back(OneSpan().spans[0]);
  EXPECT_EQ(Sanitize({}, batch, true).cut[5], 1u);
  EXPECT_THAT(Shown(batch), ElementsAre("k=\xEF\xBF\xBD", "tracestore.cut=utf8"));
}

TEST(Sanitize, KeepsAServiceAText) {
  SpanBatch batch = OneSpan();
  batch.AddString(batch.strings.Intern("service.name"), "shop\xFF");
  batch.resources[0].attributes = {0, 1};
  batch.spans[0].attributes = {1, 0};
  const SanitizeResult result = Sanitize({}, batch);
  EXPECT_EQ(ServiceOf(batch, batch.spans[0]), "shop\xEF\xBF\xBD");
  const auto marked = AttributesOf(batch, batch.resources[batch.spans[0].resource].attributes);
  EXPECT_EQ(batch.text((marked.end() - 1)->key), kCutKey);
  EXPECT_EQ(result.cut[5], 1u);
}

TEST(Sanitize, CutsEventsAndLinks) {
  SpanBatch batch = OneSpan();
  for (int i = 0; i < 3; ++i) {
    batch.events.emplace_back().time_ns = static_cast<std::uint64_t>(i);
    batch.references.emplace_back().span_id = {9};
  }
  batch.spans[0].events = {0, 3};
  batch.spans[0].references = {0, 3};
  batch.spans[0].parent_position = 3;
  Sanitize(Small(), batch);
  EXPECT_EQ(batch.spans[0].events.count, 2u);
  EXPECT_EQ(batch.spans[0].dropped_events, 1u);
  EXPECT_EQ(batch.spans[0].references.count, 2u);
  EXPECT_EQ(batch.spans[0].dropped_links, 1u);
  EXPECT_LE(batch.spans[0].parent_position, 2u);
  EXPECT_THAT(Shown(batch), ElementsAre("tracestore.cut=events links"));
}

TEST(Sanitize, CutsASpanThatIsTooLargeAsAWhole) {
  SpanBatch batch = OneSpan();
  for (int i = 0; i < 10; ++i) AddString(batch, "k" + std::to_string(i), std::string(90, 'v'));
  SanitizeOptions options;
  options.max_span_bytes = 500;  // an attribute counts 108
  const SanitizeResult result = Sanitize(options, batch);
  EXPECT_EQ(batch.spans[0].attributes.count, 5u);  // four and the mark
  EXPECT_EQ(batch.spans[0].dropped_attributes, 6u);
  EXPECT_EQ(result.cut[4], 1u);
}

TEST(Sanitize, ACutForSizeSparesThemToo) {
  SpanBatch batch = OneSpan();
  for (int i = 0; i < 10; ++i) AddString(batch, "k" + std::to_string(i), std::string(90, 'v'));
  AddString(batch, "peer.service", "pay");
  SanitizeOptions options;
  options.max_span_bytes = 500;
  Sanitize(options, batch);
  EXPECT_EQ(Shown(batch)[batch.spans[0].attributes.count - 2], "peer.service=pay");
  EXPECT_EQ(batch.spans[0].attributes.count, 6u);  // four of ten, the peer and the mark
}

TEST(Sanitize, RefusesZeroIds) {
  SpanBatch batch = OneSpan();
  batch.spans.resize(3, batch.spans[0]);
  batch.spans[0].trace_id = {};
  batch.spans[1].span_id = {};
  batch.spans[1].parent_id = {4};
  const SanitizeResult result = Sanitize({}, batch);
  EXPECT_EQ(result.refused_roots, 1u);
  EXPECT_EQ(result.zero_trace_ids, 1u);
  EXPECT_EQ(result.zero_span_ids, 1u);
  EXPECT_EQ(batch.size(), 1u);
}

TEST(Sanitize, KeepsANegativeDurationAsItIs) {
  SpanBatch batch = OneSpan();
  batch.spans[0].duration_ns = static_cast<std::uint64_t>(-5);
  batch.spans[0].presence = model::kHasStart | model::kHasDuration;
  Sanitize({}, batch);
  EXPECT_EQ(batch.spans[0].duration_ns, static_cast<std::uint64_t>(-5));
}

// Any blob cut at any length is a right blob, no longer than asked, and a beginning of the whole.
TEST(Sanitize, CutsArraysAndMapsToRightBlobs) {
  std::string blob;
  model::ValueBlobWriter writer(blob);
  writer.Key("list");
  writer.BeginArray();
  writer.Int(1);
  writer.BeginMap();
  writer.Key("deep");
  writer.String("text");
  writer.End();
  writer.Bool(true);
  writer.End();
  writer.Key("last");
  writer.Double(0.5);
  const std::string whole = model::ValueBlobToJson(blob, ValueType::kMap);
  for (std::size_t most = 0; most <= blob.size() + 1; ++most) {
    const std::string cut = CutValueBlob(blob, ValueType::kMap, most);
    EXPECT_LE(cut.size(), most);
    EXPECT_TRUE(model::ValidateValueBlob(cut, ValueType::kMap).has_value()) << most;
    if (most >= blob.size()) {
      EXPECT_EQ(model::ValueBlobToJson(cut, ValueType::kMap), whole);
    }
  }
}

class CountingSink final : public SpanSink {
 public:
  Status Accept(SpanBatch&& batch, const SpanContext& /*context*/) override {
    kept += batch.size();
    return {};
  }
  std::size_t kept = 0;
};

TEST(SanitizeSink, SaysWhatItRefusedAndCut) {
  CountingSink next;
  std::vector<std::string> events;
  const auto sink = MakeSanitizeSink(Small(), next, [&](const StageEvent& event) {
    events.push_back(std::string(event.rule) + " " + StageActionName(event.action) + " " +
                     std::to_string(event.spans));
  });
  const auto batch_of_two = [] {
    SpanBatch batch = OneSpan("a long name");
    batch.spans.push_back(batch.spans[0]);
    batch.spans[1].trace_id = {};
    return batch;
  };
  model::DecodeReport report;
  report.accepted = 2;
  SpanContext context{{transport::kUdp, format::kJaegerThrift, ""}, &report};
  EXPECT_TRUE(sink->Accept(batch_of_two(), context).has_value());
  EXPECT_EQ(next.kept, 1u);
  EXPECT_EQ(report.accepted, 1u);
  EXPECT_EQ(report.rejected, 1u);
  EXPECT_THAT(events, ElementsAre("zero-trace-id refused 1", "values changed 1"));
  events.clear();
  report.mended_texts = 1;
  EXPECT_TRUE(sink->Accept(OneSpan("\xEF\xBF\xBD"), context).has_value());
  EXPECT_THAT(events, ElementsAre("utf8 changed 1"));
  context.source.bad_spans = BadSpans::kRefuseMessage;
  EXPECT_FALSE(sink->Accept(batch_of_two(), context).has_value());
  EXPECT_EQ(next.kept, 2u);
}

}  // namespace
}  // namespace tracestore::ingest
