#include "ingest/forward/agent_tags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tracestore::ingest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::optional<std::string> Variable(const std::string& name) {
  if (name == "HOST") return "node-7";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

TEST(AgentTags, ReadsPairsAndVariables) {
  const auto parse = [](std::string_view text) { return *ParseAgentTags(text, Variable); };
  EXPECT_THAT(parse(""), IsEmpty());
  EXPECT_THAT(parse("a=1, b = two words ,a=3"),
              ElementsAre(Pair("a", "3"), Pair("b", "two words")));
  EXPECT_THAT(parse("x=a=b"), ElementsAre(Pair("x", "a=b")));
  EXPECT_THAT(
      parse("host=${HOST},other=${NONE:here},e=${EMPTY:x},gone=${NONE},none=${NONE:}"),
      ElementsAre(Pair("host", "node-7"), Pair("other", "here"), Pair("e", "x"), Pair("none", "")));
  EXPECT_THAT(parse("half=${HOST"), ElementsAre(Pair("half", "${HOST")));
}

TEST(AgentTags, RefusesWhatIsNoPair) {
  EXPECT_EQ(ParseAgentTags("a=1,novalue", Variable).error().message(),
            "invalid Jaeger tag pair \"novalue\", expected key=value");
  EXPECT_EQ(ParseAgentTags("a=1,", Variable).error().message(),
            "invalid Jaeger tag pair \"\", expected key=value");
  EXPECT_EQ(ParseAgentTags("=1", Variable).error().message(),
            "invalid Jaeger tag pair \"=1\", expected key=value");
}

class Kept final : public SpanSink {
 public:
  Status Accept(model::SpanBatch&& given, const SpanContext& /*context*/) override {
    batch = std::move(given);
    return {};
  }
  std::vector<std::pair<std::string, std::string>> TagsOf(std::size_t resource) const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& each : model::AttributesOf(batch, batch.resources[resource].attributes))
      out.emplace_back(batch.text(each.key), batch.text(static_cast<model::StringId>(each.bits)));
    return out;
  }
  model::SpanBatch batch;
};

TEST(AgentTags, AreAddedToEveryResource) {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "a");
  batch.AddString(batch.strings.Intern("zone"), "z1");
  batch.resources.resize(3);
  batch.resources[0].attributes = {0, 2};
  batch.AddString(batch.strings.Intern("zone"), "other");
  batch.resources[1].attributes = {2, 1};
  Kept kept;
  const auto sink = MakeAgentTagsSink({{"zone", "z1"}, {"host", "h"}}, kept);
  ASSERT_TRUE(sink->Accept(std::move(batch), {}).has_value());
  EXPECT_THAT(kept.TagsOf(0),
              ElementsAre(Pair("service.name", "a"), Pair("zone", "z1"), Pair("host", "h")));
  EXPECT_THAT(kept.TagsOf(1),
              ElementsAre(Pair("zone", "other"), Pair("zone", "z1"), Pair("host", "h")));
  EXPECT_THAT(kept.TagsOf(2), ElementsAre(Pair("zone", "z1"), Pair("host", "h")));
}

}  // namespace
}  // namespace tracestore::ingest
