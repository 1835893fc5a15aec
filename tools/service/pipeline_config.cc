#include "service/pipeline_config.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "service/structured.h"

namespace tracestore::tools {
namespace {

Result<std::vector<ingest::ProcessorConfig>> ReadProcessors(const StructuredText& text) {
  TS_TRY_ASSIGN(const auto maps, ReadMaps(text, "processors"));
  std::vector<ingest::ProcessorConfig> configs(maps.size());
  for (std::size_t i = 0; i < maps.size(); ++i) {
    for (const auto& [field, value] : maps[i]) {
      const Status set = ingest::SetProcessorField(configs[i], field, value);
      if (!set.has_value()) {
        return AtPlaceOf(text, {set.error().code(),
                                "processors[" + std::to_string(i) + "]: " + set.error().message()});
      }
    }
  }
  return configs;
}

}  // namespace

ingest::SanitizeOptions LimitsOf(const PipelineSection& config) {
  ingest::SanitizeOptions options;
  options.max_attributes = static_cast<std::uint32_t>(config.max_attributes);
  options.max_events = static_cast<std::uint32_t>(config.max_events);
  options.max_links = static_cast<std::uint32_t>(config.max_links);
  options.max_value_bytes = config.max_value_bytes;
  options.max_name_bytes = config.max_name_bytes;
  options.max_span_bytes = config.max_span_bytes;
  return options;
}

Result<std::shared_ptr<const ingest::Processors>> ProcessorsOf(const PipelineSection& config) {
  TS_TRY_ASSIGN(auto configs, ReadProcessors(config.processors));
  auto compiled = ingest::Processors::Compile(configs);
  if (!compiled.has_value()) return AtPlaceOf(config.processors, compiled.error());
  return std::shared_ptr<const ingest::Processors>(
      std::make_shared<ingest::Processors>(std::move(*compiled)));
}

Result<sampling::TailPolicies> PoliciesOf(const TailSection& config) {
  const StructuredText& text = config.policies;
  TS_TRY_ASSIGN(const auto maps, ReadMaps(text, "tail-sampling.policies"));
  std::vector<sampling::TailPolicyConfig> configs(maps.size());
  for (std::size_t i = 0; i < maps.size(); ++i) {
    for (const auto& [field, value] : maps[i]) {
      const Status set = sampling::SetTailPolicyField(configs[i], field, value);
      if (!set.has_value()) {
        return AtPlaceOf(text, {set.error().code(),
                                "policies[" + std::to_string(i) + "]: " + set.error().message()});
      }
    }
  }
  auto compiled = sampling::TailPolicies::Compile(configs);
  if (!compiled.has_value()) return AtPlaceOf(text, compiled.error());
  return compiled;
}

Result<ingest::AgentTags> TagsOf(const PipelineSection& config, const Environment& environment) {
  std::string text;
  for (const std::string& tag : config.tags) text += (text.empty() ? "" : ",") + tag;
  return ingest::ParseAgentTags(
      text, [&environment](const std::string& name) -> std::optional<std::string> {
        const std::string value = ValueOf(environment, name);
        return value.empty() ? std::nullopt : std::optional<std::string>(value);
      });
}

}  // namespace tracestore::tools
