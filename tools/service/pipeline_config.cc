#include "service/pipeline_config.h"

#include <yaml-cpp/yaml.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"

namespace tracestore::tools {
namespace {

// Each costs every batch a look.
constexpr std::size_t kMaxProcessors = 1'000;

Error Wrong(const std::string& where, const std::string& why) {
  return {ErrorCode::kInvalidArgument, where + ": " + why};
}

Result<ingest::ProcessorConfig> ReadProcessor(const YAML::Node& node, std::size_t number,
                                              const std::string& where) {
  const std::string name = "processors[" + std::to_string(number) + "]";
  if (!node.IsMap()) return Wrong(where, name + " is no map of fields");
  ingest::ProcessorConfig config;
  for (const auto& field : node) {
    if (!field.first.IsScalar() || !field.second.IsScalar()) {
      return Wrong(where, name + ": a field is a text");
    }
    const Status set =
        ingest::SetProcessorField(config, field.first.Scalar(), field.second.Scalar());
    if (!set.has_value()) return Wrong(where, name + ": " + set.error().message());
  }
  return config;
}

Result<std::vector<ingest::ProcessorConfig>> ReadProcessors(const StructuredText& text) {
  std::vector<ingest::ProcessorConfig> configs;
  if (text.yaml.empty()) return configs;
  try {
    const YAML::Node list = YAML::Load(text.yaml);
    if (list.IsNull()) return configs;
    if (!list.IsSequence()) return Wrong(text.where, "'processors' takes a list of maps");
    if (list.size() > kMaxProcessors) return Wrong(text.where, "more than 1,000 processors");
    for (std::size_t i = 0; i < list.size(); ++i) {
      TS_TRY_ASSIGN(auto config, ReadProcessor(list[i], i, text.where));
      configs.push_back(std::move(config));
    }
  } catch (const YAML::Exception& error) {
    return Wrong(text.where, "'processors' is no YAML: " + error.msg);
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
  if (!compiled.has_value()) {
    const std::string& where = config.processors.where;
    return Error(ErrorCode::kInvalidArgument,
                 (where.empty() ? "" : where + ": ") + compiled.error().message());
  }
  return std::shared_ptr<const ingest::Processors>(
      std::make_shared<ingest::Processors>(std::move(*compiled)));
}

}  // namespace tracestore::tools
