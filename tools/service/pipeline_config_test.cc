#include "service/pipeline_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/config_file.h"
#include "service/resolve.h"

namespace tracestore::tools {
namespace {

using testing::HasSubstr;

// The processors of a configuration file.
Result<std::shared_ptr<const ingest::Processors>> FromFile(std::string_view text) {
  const auto given = ParseConfig(text, "a.yaml");
  if (!given.has_value()) return given.error();
  const auto resolved = Resolve(kCollector, {.file = *given});
  if (!resolved.has_value()) return resolved.error();
  return ProcessorsOf(resolved->config.pipeline);
}

std::string Refusal(std::string_view text) {
  const auto processors = FromFile(text);
  return processors.has_value() ? "(accepted)" : processors.error().message();
}

TEST(PipelineConfig, ProcessorsComeFromTheFile) {
  const auto processors = FromFile(
      "processors:\n"
      "  - action: drop\n"
      "    key: password\n"
      "  - {action: hash, key: user, salt: s, name: users}\n");
  ASSERT_TRUE(processors.has_value()) << processors.error().message();
  ASSERT_EQ((*processors)->size(), 2U);
  EXPECT_EQ((*processors)->name(0), "drop-1");
  EXPECT_EQ((*processors)->name(1), "users");
}

TEST(PipelineConfig, TagsTakeTheirValuesFromTheEnvironment) {
  PipelineSection config;
  config.tags = {"zone=${ZONE:a}", "rack=${RACK:7}", "none=${RACK}"};
  const auto tags = TagsOf(config, {{"ZONE", "b"}});
  ASSERT_TRUE(tags.has_value()) << tags.error().message();
  EXPECT_EQ(*tags, (ingest::AgentTags{{"zone", "b"}, {"rack", "7"}}));
  config.tags = {"zone"};
  EXPECT_EQ(TagsOf(config, {}).error().message(),
            "invalid Jaeger tag pair \"zone\", expected key=value");
}

TEST(PipelineConfig, Refusals) {
  EXPECT_EQ(Refusal("a: 1\n"), "a.yaml:1: unknown setting 'a'");
  EXPECT_EQ(Refusal("\nprocessors: {action: drop}\n"),
            "a.yaml:2: 'processors' takes a list of maps");
  EXPECT_EQ(Refusal("processors: [drop]\n"), "a.yaml:1: processors[0] is no map of fields");
  EXPECT_EQ(Refusal("processors: [{action: [drop]}]\n"),
            "a.yaml:1: processors[0]: a field is a text");
  std::string many = "processors:\n  - {key: &x " + std::string(100'000, 'v') + "}\n";
  for (int i = 0; i < 50; ++i) many += "  - {key: *x}\n";
  EXPECT_EQ(Refusal(many), "a.yaml:2: processors[41]: the texts of all are longer than 4 MiB");
  EXPECT_THAT(Refusal("processors: [{action: drop, ky: a}]\n"),
              HasSubstr("a.yaml:1: processors[0]: unknown field 'ky' ("));
  EXPECT_EQ(Refusal("processors: [{action: drop}]\n"), "a.yaml:1: processors[0]: drop needs a key");
}

TEST(PipelineConfig, LimitsAndShares) {
  const auto resolved = Resolve(
      kCollector, {.environment = {{"COLLECTOR_SAMPLE_RATE", "0.5", "COLLECTOR_SAMPLE_RATE"}},
                   .flags = {{"limits.value-bytes", "1KiB", "--limits.value-bytes"},
                             {"downsampling.ratio", "0.25", "--downsampling.ratio"}}});
  ASSERT_TRUE(resolved.has_value());
  EXPECT_EQ(resolved->config.pipeline.head_probability, 0.25);
  EXPECT_EQ(resolved->config.zipkin.sample_rate, 0.5);
  EXPECT_EQ(LimitsOf(resolved->config.pipeline).max_value_bytes, 1024U);
  const auto refused = Resolve(
      kCollector, {.environment = {{"COLLECTOR_SAMPLE_RATE", "2", "COLLECTOR_SAMPLE_RATE"}}});
  EXPECT_EQ(
      refused.error().message(),
      "COLLECTOR_SAMPLE_RATE: 'collector.zipkin.sample-rate' takes a number from 0 to 1, not '2'");
}

}  // namespace
}  // namespace tracestore::tools
