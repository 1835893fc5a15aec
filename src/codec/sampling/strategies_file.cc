#include "codec/sampling/strategies_file.h"

#include <utility>

#include "base/try.h"
#include "codec/sampling/json_fields.h"

namespace tracestore::codec {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

Result<std::string> TextField(object from, const std::string& where, std::string_view name) {
  const auto value = FieldOf(from, name);
  if (!value.has_value()) return std::string();
  const auto text = TextOf(*value);
  if (!text.has_value())
    return ShapeError(Expected(where + "." + std::string(name), "a string", *value));
  return std::string(*text);
}

Result<FileStrategy> ReadStrategy(object from, const std::string& where) {
  FileStrategy out;
  TS_TRY_ASSIGN(out.type, TextField(from, where, "type"));
  const auto param = FieldOf(from, "param");
  if (!param.has_value()) return out;
  if (!param->is_number()) return ShapeError(Expected(where + ".param", "a number", *param));
  out.param = DoubleOf(*param).value_or(0);
  return out;
}

// The objects of an array, each with the words that name it.
template <typename Read>
Status ForEachObject(element list, const std::string& where, Read read) {
  if (!list.is_array()) return ShapeError(Expected(where, "a list", list));
  std::size_t index = 0;
  const simdjson::dom::array items = list.get_array().value_unsafe();
  for (const element each : items) {
    const std::string name = where + "[" + std::to_string(index++) + "]";
    if (!each.is_object()) return ShapeError(Expected(name, "an object", each));
    TS_TRY(read(each.get_object().value_unsafe(), name));
  }
  return {};
}

Result<FileServiceStrategy> ReadService(object from, const std::string& where) {
  FileServiceStrategy out;
  TS_TRY_ASSIGN(out.service, TextField(from, where, "service"));
  TS_TRY_ASSIGN(out.strategy, ReadStrategy(from, where));
  const auto list = FieldOf(from, "operation_strategies");
  if (!list.has_value()) return out;
  TS_TRY(ForEachObject(*list, where + ".operation_strategies",
                       [&out](object each, const std::string& name) -> Status {
                         FileOperationStrategy operation;
                         TS_TRY_ASSIGN(operation.operation, TextField(each, name, "operation"));
                         TS_TRY_ASSIGN(operation.strategy, ReadStrategy(each, name));
                         out.operations.push_back(std::move(operation));
                         return {};
                       }));
  return out;
}

Result<std::optional<StrategiesFile>> Read(std::string_view text) {
  JsonTree tree;
  TS_TRY_ASSIGN(const element root, tree.Parse(text));
  if (root.is_null()) return std::optional<StrategiesFile>();
  if (!root.is_object())
    return ShapeError(std::string("expected an object, found ") + TypeNameOf(root));
  const object top = root.get_object().value_unsafe();
  StrategiesFile out;
  if (const auto value = FieldOf(top, "default_strategy"); value.has_value()) {
    if (!value->is_object()) return ShapeError(Expected("default_strategy", "an object", *value));
    TS_TRY_ASSIGN(out.default_strategy,
                  ReadService(value->get_object().value_unsafe(), "default_strategy"));
  }
  if (const auto list = FieldOf(top, "service_strategies"); list.has_value()) {
    TS_TRY(ForEachObject(*list, "service_strategies",
                         [&out](object each, const std::string& name) -> Status {
                           TS_TRY_ASSIGN(auto service, ReadService(each, name));
                           out.services.push_back(std::move(service));
                           return {};
                         }));
  }
  return std::optional<StrategiesFile>(std::move(out));
}

}  // namespace

Result<std::optional<StrategiesFile>> ParseStrategiesFile(std::string_view text) {
  const std::string context = "failed to unmarshal strategies";
  if (text.size() > kMaxStrategiesFileBytes)
    return ShapeError(context + ": " + std::to_string(text.size()) + " bytes, more than " +
                      std::to_string(kMaxStrategiesFileBytes));
  auto file = Read(text);
  if (!file.has_value()) return std::move(file).error().WithContext(context);
  return file;
}

}  // namespace tracestore::codec
