#include "service/structured.h"

#include <yaml-cpp/yaml.h>

#include "base/try.h"

namespace tracestore::tools {
namespace {

// Each costs every batch a look.
constexpr std::size_t kMaxEntries = 1'000;
// Of all keys and values: aliases make a small text a large one.
constexpr std::size_t kMaxBytes = std::size_t{4} << 20;

Error Wrong(const std::string& why) { return {ErrorCode::kInvalidArgument, why}; }

// `left`: the bytes that keys and values may still have.
Result<FieldList> ReadMap(const YAML::Node& node, const std::string& name, std::size_t& left) {
  if (!node.IsMap()) return Wrong(name + " is no map of fields");
  FieldList fields;
  for (const auto& field : node) {
    if (!field.first.IsScalar() || !field.second.IsScalar()) {
      return Wrong(name + ": a field is a text");
    }
    const std::size_t bytes = field.first.Scalar().size() + field.second.Scalar().size();
    if (bytes > left) return Wrong(name + ": the texts of all are longer than 4 MiB");
    left -= bytes;
    fields.emplace_back(field.first.Scalar(), field.second.Scalar());
  }
  return fields;
}

Result<std::vector<FieldList>> ReadList(const std::string& yaml, const std::string& name) {
  std::vector<FieldList> maps;
  try {
    const YAML::Node list = YAML::Load(yaml);
    if (list.IsNull()) return maps;
    if (!list.IsSequence()) return Wrong("'" + name + "' takes a list of maps");
    if (list.size() > kMaxEntries) return Wrong("'" + name + "' has more than 1,000 entries");
    std::size_t left = kMaxBytes;
    for (std::size_t i = 0; i < list.size(); ++i) {
      TS_TRY_ASSIGN(auto fields, ReadMap(list[i], name + "[" + std::to_string(i) + "]", left));
      maps.push_back(std::move(fields));
    }
  } catch (const YAML::Exception& error) {
    return Wrong("'" + name + "' is no YAML: " + error.msg);
  }
  return maps;
}

}  // namespace

Result<std::vector<FieldList>> ReadMaps(const StructuredText& text, const std::string& name) {
  if (text.yaml.empty()) return std::vector<FieldList>();
  auto maps = ReadList(text.yaml, name);
  if (!maps.has_value()) return AtPlaceOf(text, maps.error());
  return maps;
}

bool IsAsAFileGivesIt(const std::string& yaml) {
  try {
    const YAML::Node node = YAML::Load(yaml);
    return (node.IsSequence() || node.IsMap()) && YAML::Dump(node) == yaml;
  } catch (const YAML::Exception&) {
    return false;
  }
}

Error AtPlaceOf(const StructuredText& text, const Error& error) {
  if (text.where.empty()) return error;
  return {error.code(), text.where + ": " + error.message()};
}

}  // namespace tracestore::tools
