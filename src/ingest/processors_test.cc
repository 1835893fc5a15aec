#include "ingest/processors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "model/text.h"
#include "model/value_blob.h"

namespace tracestore::ingest {
namespace {

using model::SpanBatch;
using testing::ElementsAre;
using testing::HasSubstr;

ProcessorConfig Of(std::initializer_list<std::pair<const char*, const char*>> fields) {
  ProcessorConfig config;
  for (const auto& [field, value] : fields)
    EXPECT_TRUE(SetProcessorField(config, field, value).has_value());
  return config;
}

// Two spans of one resource {service.name: shop, host: h1}: "GET /a" with user=ann, card=4111 1111;
// "GET /b" (firehose) with user=bob.
SpanBatch Sample() {
  SpanBatch batch;
  const auto add = [&](std::string_view key, std::string_view value) {
    batch.AddString(batch.strings.Intern(key), value);
  };
  add("service.name", "shop");
  add("host", "h1");
  batch.resources.emplace_back().attributes = {0, 2};
  batch.scopes.emplace_back();
  model::SpanRecord span;
  span.trace_id = {1, 2};
  span.span_id = {3};
  span.name = batch.strings.Intern("GET /a");
  span.attributes = {2, 2};
  add("user", "ann");
  add("card", "4111 1111");
  batch.spans.push_back(span);
  span.span_id = {4};
  span.name = batch.strings.Intern("GET /b");
  span.flags = model::kFlagFirehose;
  span.attributes = {4, 1};
  add("user", "bob");
  batch.spans.push_back(span);
  return batch;
}

std::vector<std::string> Shown(const SpanBatch& batch, model::Range range) {
  std::vector<std::string> out;
  for (const auto& attribute : AttributesOf(batch, range))
    out.push_back(std::string(batch.text(attribute.key)) + "=" +
                  model::CanonicalText(batch, attribute));
  return out;
}
std::vector<std::string> SpanShown(const SpanBatch& batch, std::size_t row) {
  return Shown(batch, batch.spans[row].attributes);
}
std::vector<std::string> ResourceShown(const SpanBatch& batch, std::size_t row) {
  return Shown(batch, batch.resources[batch.spans[row].resource].attributes);
}

SpanBatch After(const ProcessorConfig& config, ProcessorEffect* effect = nullptr) {
  SpanBatch batch = Sample();
  const auto processors = Processors::Compile({config});
  EXPECT_TRUE(processors.has_value()) << processors.error().message();
  const auto effects = processors->Apply(batch);
  if (effect != nullptr) *effect = effects[0];
  return batch;
}

TEST(Processors, AddAndSet) {
  ProcessorEffect effect;
  SpanBatch batch = After(Of({{"action", "add"}, {"key", "user"}, {"value", "x"}}), &effect);
  EXPECT_EQ(effect.changed, 0u);  // both have one
  batch = After(Of({{"action", "set"}, {"key", "user"}, {"value", "7"}, {"type", "int"}}), &effect);
  EXPECT_THAT(SpanShown(batch, 0), ElementsAre("user=7", "card=4111 1111"));
  EXPECT_EQ(effect.changed, 2u);
  batch = After(Of({{"action", "add"}, {"key", "env"}, {"value", "prod"}, {"level", "resource"}}));
  EXPECT_THAT(ResourceShown(batch, 1), ElementsAre("service.name=shop", "host=h1", "env=prod"));
}

TEST(Processors, EditOnlySpansThatMatch) {
  ProcessorEffect effect;
  SpanBatch batch =
      After(Of({{"action", "drop"}, {"key", "user"}, {"where", ".user = bob"}}), &effect);
  EXPECT_THAT(SpanShown(batch, 0), ElementsAre("user=ann", "card=4111 1111"));
  EXPECT_THAT(SpanShown(batch, 1), ElementsAre());
  EXPECT_EQ(effect.changed, 1u);
  EXPECT_TRUE(batch.spans[1].firehose());
  // A resource that is shared with a span that doesn't match is copied.
  batch = After(Of({{"action", "rename"},
                    {"key", "host"},
                    {"to", "host.name"},
                    {"level", "resource"},
                    {"where", "operation = \"GET /a\""}}));
  EXPECT_THAT(ResourceShown(batch, 0), ElementsAre("service.name=shop", "host.name=h1"));
  EXPECT_THAT(ResourceShown(batch, 1), ElementsAre("service.name=shop", "host=h1"));
}

TEST(Processors, HashLeavesNoTrace) {
  const SpanBatch batch = After(Of({{"action", "hash"}, {"key", "user"}, {"salt", "s"}}));
  EXPECT_EQ(SpanShown(batch, 0)[0], "user=" + base::Sha256Hex("sann"));
  EXPECT_FALSE(batch.strings.Find("ann").has_value());
}

TEST(Processors, RedactEverywhereOrInOneKey) {
  SpanBatch batch = After(Of({{"action", "redact"}, {"pattern", "[0-9]{4}"}}));
  EXPECT_THAT(SpanShown(batch, 0), ElementsAre("user=ann", "card=*** ***"));
  EXPECT_FALSE(batch.strings.Find("4111 1111").has_value());
  batch = After(Of({{"action", "redact"}, {"pattern", "(GET) /."}, {"replacement", "\\1 x"}}));
  EXPECT_EQ(batch.text(batch.spans[0].name), "GET x");
  batch = After(Of({{"action", "redact"}, {"key", "user"}, {"pattern", "."}}));
  EXPECT_THAT(SpanShown(batch, 0), ElementsAre("user=*********", "card=4111 1111"));
}

TEST(Processors, RedactInsideOfArrays) {
  SpanBatch batch = Sample();
  std::string blob;
  model::ValueBlobWriter writer(blob);
  writer.String("card 4111");
  writer.Int(4111);
  batch.AddBlob(batch.strings.Intern("list"), ValueType::kArray, blob);
  batch.spans[1].attributes.count = 2;
  const auto processors =
      Processors::Compile({Of({{"action", "redact"}, {"pattern", "[0-9]+"}})}).value();
  processors.Apply(batch);
  EXPECT_THAT(SpanShown(batch, 1), ElementsAre("user=bob", R"(list=["card ***",4111])"));
}

TEST(Processors, RedactReachesEveryTextThatClientsFill) {
  SpanBatch batch = Sample();
  model::SpanRecord& span = batch.spans[1];
  const model::StringId card = batch.strings.Intern("card 4111");
  batch.events.emplace_back().name = card;  // a Zipkin annotation's value
  batch.references.emplace_back().trace_state = card;
  span.events = {0, 1};
  span.references = {0, 1};
  span.status_message = card;
  span.trace_state = card;
  batch.AddBlob(batch.strings.Intern("bytes"), ValueType::kBytes, "\xFF card 4111\xFE");
  span.attributes.count = 2;
  const auto redact = Of({{"action", "redact"}, {"pattern", "[0-9]+"}});
  const auto effects = Processors::Compile({redact}).value().Apply(batch);
  EXPECT_EQ(effects[0].changed, 2u);  // the other span's attribute
  const model::SpanRecord& after = batch.spans[1];
  EXPECT_EQ(batch.text(batch.events[after.events.begin].name), "card ***");
  EXPECT_EQ(batch.text(batch.references[after.references.begin].trace_state), "card ***");
  EXPECT_EQ(batch.text(after.status_message), "card ***");
  EXPECT_EQ(batch.text(after.trace_state), "card ***");
  const auto& bytes = batch.attributes[after.attributes.begin + 1];
  EXPECT_EQ(bytes.type(), ValueType::kBytes);
  EXPECT_EQ(batch.text(static_cast<model::StringId>(bytes.bits)), "\xFF card ***\xFE");
  for (const char* text : {"card 4111", "\xFF card 4111\xFE"})
    EXPECT_FALSE(batch.strings.Find(text).has_value());
}

TEST(Processors, RedactOfAKeyLeavesOtherTexts) {
  SpanBatch batch = Sample();
  batch.events.emplace_back().name = batch.strings.Intern("bob");
  batch.spans[1].events = {0, 1};
  const auto redact = Of({{"action", "redact"}, {"key", "user"}, {"pattern", "bob"}});
  Processors::Compile({redact}).value().Apply(batch);
  EXPECT_THAT(SpanShown(batch, 1), ElementsAre("user=***"));
  EXPECT_EQ(batch.text(batch.events[batch.spans[1].events.begin].name), "bob");
}

TEST(Processors, DropAndKeepSpans) {
  ProcessorEffect effect;
  SpanBatch batch = After(Of({{"action", "drop-spans"}, {"where", ".user = bob"}}), &effect);
  EXPECT_EQ(batch.size(), 1u);
  EXPECT_EQ(effect.dropped, 1u);
  batch = After(Of({{"action", "keep-spans"}, {"where", ".user = bob"}}), &effect);
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch.spans[0].span_id, SpanId{4});
  EXPECT_FALSE(batch.strings.Find("ann").has_value());
}

std::string ErrorOf(const ProcessorConfig& config) {
  const auto compiled = Processors::Compile({config});
  return compiled.has_value() ? "" : compiled.error().message();
}

TEST(Processors, SayWhatIsWrong) {
  const std::string actions = " (add, set, rename, drop, hash, redact, drop-spans, keep-spans)";
  EXPECT_EQ(ErrorOf({}), "processors[0]: an action is missing" + actions);
  EXPECT_EQ(ErrorOf(Of({{"action", "eat"}})), "processors[0]: unknown action 'eat'" + actions);
  EXPECT_EQ(ErrorOf(Of({{"action", "drop"}})), "processors[0]: drop needs a key");
  EXPECT_EQ(ErrorOf(Of({{"action", "rename"}, {"key", "a"}})), "processors[0]: rename needs a to");
  EXPECT_EQ(ErrorOf(Of({{"action", "drop"}, {"key", "a"}, {"salt", "s"}})),
            "processors[0]: drop has no salt");
  EXPECT_EQ(ErrorOf(Of({{"action", "drop"}, {"key", "a"}, {"level", "x"}})),
            "processors[0]: unknown level 'x' (span, resource)");
  EXPECT_EQ(ErrorOf(Of({{"action", "add"}, {"key", "a"}, {"type", "int"}, {"value", "1x"}})),
            "processors[0]: '1x' is no int");
  EXPECT_THAT(ErrorOf(Of({{"action", "redact"}, {"pattern", "("}})),
              HasSubstr("processors[0]: bad regular expression '(': "));
  EXPECT_THAT(ErrorOf(Of({{"action", "drop-spans"}, {"where", "any(.a = 1)"}})),
              HasSubstr("processors[0]: where: any(…) cannot stand inside another any(…)"));
  EXPECT_THAT(ErrorOf(Of({{"action", "drop-spans"}, {"where", "trace.spans > 1"}})),
              HasSubstr("processors[0]: where: trace.spans"));
  const ProcessorConfig config = Of({{"action", "drop"}, {"key", "a"}, {"name", "n"}});
  EXPECT_EQ(Processors::Compile({config, config}).error().message(),
            "processors[1]: the name 'n' is taken");
  ProcessorConfig other;
  EXPECT_EQ(
      SetProcessorField(other, "acton", "x").error().message(),
      "unknown field 'acton' (action, key, level, name, pattern, replacement, salt, to, type, "
      "value, where)");
}

}  // namespace
}  // namespace tracestore::ingest
