#include "service/pipeline_config.h"

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

// "a${NAME:b}c" with what the environment has of NAME, else b.
std::string Expanded(std::string_view text, const Environment& environment) {
  std::string out;
  while (true) {
    const auto begin = text.find("${");
    const auto end = begin == text.npos ? text.npos : text.find('}', begin);
    out += text.substr(0, end == text.npos ? text.npos : begin);
    if (end == text.npos) return out;
    const std::string_view variable = text.substr(begin + 2, end - begin - 2);
    const auto colon = variable.find(':');
    const std::string value = ValueOf(environment, variable.substr(0, colon));
    if (!value.empty()) {
      out += value;
    } else if (colon != variable.npos) {
      out += variable.substr(colon + 1);
    }
    text.remove_prefix(end + 1);
  }
}

}  // namespace

ingest::SanitizeOptions LimitsOf(const PipelineSection& config) {
  ingest::SanitizeOptions options;
  options.max_attributes = static_cast<std::uint32_t>(config.max_attributes);
  options.max_events = static_cast<std::uint32_t>(config.max_events);
  options.max_links = static_cast<std::uint32_t>(config.max_links);
  options.max_value_bytes = config.max_value_bytes;
  options.max_span_bytes = config.max_span_bytes;
  return options;
}

Result<std::shared_ptr<const ingest::Processors>> ProcessorsOf(const PipelineSection& config,
                                                               const Environment& environment) {
  TS_TRY_ASSIGN(auto configs, ReadProcessors(config.processors));
  for (const std::string& tag : config.tags) {
    const auto equals = tag.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Error(ErrorCode::kInvalidArgument, "a tag is written key=value, not '" + tag + "'");
    }
    ingest::ProcessorConfig add;
    add.name = "tag:" + tag.substr(0, equals);
    add.action = "add";
    add.level = "resource";
    add.key = tag.substr(0, equals);
    add.value = Expanded(std::string_view(tag).substr(equals + 1), environment);
    configs.push_back(std::move(add));
  }
  auto compiled = ingest::Processors::Compile(configs);
  if (!compiled.has_value()) return AtPlaceOf(config.processors, compiled.error());
  return std::shared_ptr<const ingest::Processors>(
      std::make_shared<ingest::Processors>(std::move(*compiled)));
}

}  // namespace tracestore::tools
