// Numbers are written as Go's encoding/json writes them, so that the text is the one that clients
// and dashboards have seen for years: plain from 1e-6 to 1e21, else with an exponent.
#include "codec/sampling/strategy_json.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/try.h"
#include "codec/json/json_writer.h"
#include "codec/sampling/json_fields.h"

namespace tracestore::codec {
namespace {

using simdjson::dom::element;

std::string GoDouble(double value) {
  char buffer[64];
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-6 && size < 1e21);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string text(buffer, end);
  const auto exponent = text.find("e-0");  // "1e-07" is written "1e-7"
  if (exponent != std::string::npos) text.erase(exponent + 2, 1);
  return text;
}

// Writes doubles and remembers whether one of them has no JSON.
class StrategyWriter {
 public:
  explicit StrategyWriter(std::string& out) : json_(out) {}

  void Write(const SamplingStrategy& strategy, StrategyJson form) {
    json_.BeginObject();
    json_.Key("strategyType");
    if (form == StrategyJson::kNumbers) {
      json_.Int(static_cast<int>(strategy.type));
    } else {
      json_.String(strategy.type == StrategyType::kProbabilistic ? "PROBABILISTIC"
                                                                 : "RATE_LIMITING");
    }
    if (strategy.probability.has_value()) WriteProbability(*strategy.probability);
    if (strategy.traces_per_second.has_value()) {
      if (form == StrategyJson::kNumbers &&
          *strategy.traces_per_second > std::numeric_limits<std::int16_t>::max())
        failed_ = true;
      json_.Key("rateLimitingSampling");
      json_.BeginObject();
      json_.Key("maxTracesPerSecond");
      json_.Int(*strategy.traces_per_second);
      json_.EndObject();
    }
    if (strategy.operations.has_value()) WriteOperations(*strategy.operations);
    json_.EndObject();
  }
  bool failed() const { return failed_; }

 private:
  void WriteNumber(const char* key, double value) {
    json_.Key(key);
    if (std::isfinite(value)) {
      json_.Raw(GoDouble(value));
    } else {
      failed_ = true;
      json_.Null();
    }
  }
  void WriteProbability(double probability) {
    json_.Key("probabilisticSampling");
    json_.BeginObject();
    WriteNumber("samplingRate", probability);
    json_.EndObject();
  }
  void WriteOperations(const OperationStrategies& operations) {
    json_.Key("operationSampling");
    json_.BeginObject();
    WriteNumber("defaultSamplingProbability", operations.default_probability);
    WriteNumber("defaultLowerBoundTracesPerSecond", operations.lower_bound);
    json_.Key("perOperationStrategies");
    json_.BeginArray();
    for (const OperationStrategy& each : operations.operations) {
      json_.BeginObject();
      json_.Key("operation");
      json_.String(each.operation);
      WriteProbability(each.probability);
      json_.EndObject();
    }
    json_.EndArray();
    WriteNumber("defaultUpperBoundTracesPerSecond", operations.upper_bound);
    json_.EndObject();
  }

  JsonWriter json_;
  bool failed_ = false;
};

Result<double> NumberField(simdjson::dom::object object, std::string_view name) {
  const auto value = FieldOf(object, name);
  if (!value.has_value()) return 0.0;
  const auto number = DoubleOf(*value);
  if (!number.has_value()) return ShapeError(Expected(name, "a number", *value));
  return *number;
}

Result<simdjson::dom::object> ObjectOf(std::string_view name, element value) {
  if (!value.is_object()) return ShapeError(Expected(name, "an object", value));
  return value.get_object().value_unsafe();
}

Result<double> ReadProbability(element value) {
  TS_TRY_ASSIGN(const auto object, ObjectOf("probabilisticSampling", value));
  return NumberField(object, "samplingRate");
}

Result<OperationStrategies> ReadOperations(element value) {
  TS_TRY_ASSIGN(const auto object, ObjectOf("operationSampling", value));
  OperationStrategies out;
  TS_TRY_ASSIGN(out.default_probability, NumberField(object, "defaultSamplingProbability"));
  TS_TRY_ASSIGN(out.lower_bound, NumberField(object, "defaultLowerBoundTracesPerSecond"));
  TS_TRY_ASSIGN(out.upper_bound, NumberField(object, "defaultUpperBoundTracesPerSecond"));
  const auto list = FieldOf(object, "perOperationStrategies");
  if (!list.has_value()) return out;
  if (!list->is_array()) return ShapeError(Expected("perOperationStrategies", "a list", *list));
  const simdjson::dom::array items = list->get_array().value_unsafe();
  for (const element each : items) {
    TS_TRY_ASSIGN(const auto entry, ObjectOf("perOperationStrategies", each));
    OperationStrategy operation;
    if (const auto name = FieldOf(entry, "operation"); name.has_value()) {
      const auto text = TextOf(*name);
      if (!text.has_value()) return ShapeError(Expected("operation", "a string", *name));
      operation.operation = *text;
    }
    if (const auto sampling = FieldOf(entry, "probabilisticSampling"); sampling.has_value()) {
      TS_TRY_ASSIGN(operation.probability, ReadProbability(*sampling));
    }
    out.operations.push_back(std::move(operation));
  }
  return out;
}

Result<StrategyType> ReadType(element value) {
  const auto text = TextOf(value);
  if (text == "PROBABILISTIC") return StrategyType::kProbabilistic;
  if (text == "RATE_LIMITING") return StrategyType::kRateLimiting;
  const auto number = text.has_value() ? std::nullopt : IntegerOf(value);
  if (number == 0) return StrategyType::kProbabilistic;
  if (number == 1) return StrategyType::kRateLimiting;
  return ShapeError("strategyType: unknown value " + PlainTextOf(value).substr(0, 64));
}

}  // namespace

Result<std::string> EncodeStrategyJson(const SamplingStrategy& strategy, StrategyJson form) {
  std::string out;
  StrategyWriter writer(out);
  writer.Write(strategy, form);
  if (writer.failed()) return Error(ErrorCode::kInvalidArgument, "cannot marshall to JSON");
  return out;
}

Result<SamplingStrategy> DecodeStrategyJson(std::string_view text) {
  JsonTree tree;
  TS_TRY_ASSIGN(const element root, tree.Parse(text));
  TS_TRY_ASSIGN(const auto object, ObjectOf("sampling strategy", root));
  SamplingStrategy out;
  if (const auto type = FieldOf(object, "strategyType"); type.has_value()) {
    TS_TRY_ASSIGN(out.type, ReadType(*type));
  }
  if (const auto value = FieldOf(object, "probabilisticSampling"); value.has_value()) {
    TS_TRY_ASSIGN(out.probability, ReadProbability(*value));
  }
  if (const auto value = FieldOf(object, "rateLimitingSampling"); value.has_value()) {
    TS_TRY_ASSIGN(const auto entry, ObjectOf("rateLimitingSampling", *value));
    TS_TRY_ASSIGN(const double rate, NumberField(entry, "maxTracesPerSecond"));
    if (!(rate >= std::numeric_limits<std::int32_t>::min() &&
          rate <= std::numeric_limits<std::int32_t>::max()))
      return ShapeError("maxTracesPerSecond: not a number of 32 bits");
    out.traces_per_second = static_cast<std::int32_t>(rate);
  }
  if (const auto value = FieldOf(object, "operationSampling"); value.has_value()) {
    TS_TRY_ASSIGN(out.operations, ReadOperations(*value));
  }
  return out;
}

std::string EncodeBaggageJson(const std::vector<BaggageRestriction>& restrictions) {
  std::string out;
  JsonWriter json(out);
  json.BeginArray();
  for (const BaggageRestriction& each : restrictions) {
    json.BeginObject();
    json.Key("baggageKey");
    json.String(each.key);
    json.Key("maxValueLength");
    json.Int(each.max_value_length);
    json.EndObject();
  }
  json.EndArray();
  return out;
}

Result<std::vector<BaggageRestriction>> DecodeBaggageJson(std::string_view text) {
  JsonTree tree;
  TS_TRY_ASSIGN(const element root, tree.Parse(text));
  if (!root.is_array()) return ShapeError(Expected("baggage restrictions", "a list", root));
  std::vector<BaggageRestriction> out;
  const simdjson::dom::array items = root.get_array().value_unsafe();
  for (const element each : items) {
    const std::string where = "baggage restriction " + std::to_string(out.size() + 1) + ": ";
    if (!each.is_object())
      return ShapeError(where + "expected an object, found " + TypeNameOf(each));
    const auto object = each.get_object().value_unsafe();
    const auto key = FieldOf(object, "baggageKey");
    const auto key_text = key.has_value() ? TextOf(*key) : std::nullopt;
    if (!key_text.has_value() || key_text->empty())
      return ShapeError(where + "'baggageKey' is missing or not a string");
    const auto length = FieldOf(object, "maxValueLength");
    const auto number = length.has_value() ? IntegerOf(*length) : std::nullopt;
    if (!number.has_value() || *number < 0 || *number > std::numeric_limits<std::int32_t>::max())
      return ShapeError(where + "'maxValueLength' is not a number from 0 to 2147483647");
    out.push_back({std::string(*key_text), static_cast<std::int32_t>(*number)});
  }
  return out;
}

}  // namespace tracestore::codec
