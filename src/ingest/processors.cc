// Processors from their configuration.
#include "ingest/processors.h"

#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include "base/try.h"

namespace tracestore::ingest {
namespace {

using Action = Processors::Action;
using Rule = Processors::Rule;

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

constexpr std::array<std::pair<std::string_view, Action>, 8> kActions = {{
    {"add", Action::kAdd},
    {"set", Action::kSet},
    {"rename", Action::kRename},
    {"drop", Action::kDrop},
    {"hash", Action::kHash},
    {"redact", Action::kRedact},
    {"drop-spans", Action::kDropSpans},
    {"keep-spans", Action::kKeepSpans},
}};

Result<Action> ActionOf(const std::string& text) {
  std::string known;
  for (const auto& [name, action] : kActions) {
    if (name == text) return action;
    if (!known.empty()) known += ", ";
    known += name;
  }
  if (text.empty()) return Invalid("an action is missing (" + known + ")");
  return Invalid("unknown action '" + text + "' (" + known + ")");
}

template <typename Number>
bool ParseWhole(const std::string& text, Number& out) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, out);
  return result.ec == std::errc() && result.ptr == end;
}

Status SetValue(const ProcessorConfig& config, Rule& rule) {
  rule.value = config.value;
  if (config.type.empty() || config.type == "string") return {};
  if (config.type == "int") {
    std::int64_t number = 0;
    if (!ParseWhole(config.value, number)) return Invalid("'" + config.value + "' is no int");
    rule.type = ValueType::kInt;
    rule.bits = static_cast<std::uint64_t>(number);
    return {};
  }
  if (config.type == "double") {
    double number = 0;
    if (!ParseWhole(config.value, number)) return Invalid("'" + config.value + "' is no double");
    rule.type = ValueType::kDouble;
    rule.bits = std::bit_cast<std::uint64_t>(number);
    return {};
  }
  if (config.type == "bool") {
    if (config.value != "true" && config.value != "false")
      return Invalid("'" + config.value + "' is no bool (true, false)");
    rule.type = ValueType::kBool;
    rule.bits = config.value == "true" ? 1 : 0;
    return {};
  }
  return Invalid("unknown type '" + config.type + "' (string, int, double, bool)");
}

// What a field belongs to; a field that the action has no use for is a mistake.
struct Use {
  const char* field;
  const std::string& text;
  bool allowed;
  bool required;
};

Status CheckUses(const ProcessorConfig& c, Action action) {
  const bool writes = action == Action::kAdd || action == Action::kSet;
  const bool spans = action == Action::kDropSpans || action == Action::kKeepSpans;
  const bool redacts = action == Action::kRedact;
  const bool renames = action == Action::kRename;
  const Use uses[] = {
      {"key", c.key, !spans, !spans && !redacts},
      {"level", c.level, !spans, false},
      {"to", c.to, renames, renames},
      {"value", c.value, writes, false},
      {"type", c.type, writes, false},
      {"where", c.where, true, spans},
      {"pattern", c.pattern, redacts, redacts},
      {"replacement", c.replacement, redacts, false},
      {"salt", c.salt, action == Action::kHash, false},
  };
  for (const Use& use : uses) {
    if (use.required && use.text.empty()) return Invalid(c.action + " needs a " + use.field);
    if (!use.allowed && !use.text.empty()) return Invalid(c.action + " has no " + use.field);
  }
  return {};
}

}  // namespace

Status SetProcessorField(ProcessorConfig& config, std::string_view field, std::string value) {
  const std::pair<std::string_view, std::string*> fields[] = {
      {"action", &config.action},   {"key", &config.key},
      {"level", &config.level},     {"name", &config.name},
      {"pattern", &config.pattern}, {"replacement", &config.replacement},
      {"salt", &config.salt},       {"to", &config.to},
      {"type", &config.type},       {"value", &config.value},
      {"where", &config.where}};
  std::string known;
  for (const auto& [name, text] : fields) {
    if (name == field) {
      *text = std::move(value);
      return {};
    }
    if (!known.empty()) known += ", ";
    known += name;
  }
  return Invalid("unknown field '" + std::string(field) + "' (" + known + ")");
}

Result<Processors::Rule> Processors::CompileOne(const ProcessorConfig& config, std::size_t number) {
  Rule rule;
  TS_TRY_ASSIGN(rule.action, ActionOf(config.action));
  TS_TRY(CheckUses(config, rule.action));
  rule.name = config.name.empty() ? config.action + "-" + std::to_string(number) : config.name;
  if (config.level == "resource")
    rule.resource = true;
  else if (!config.level.empty() && config.level != "span")
    return Invalid("unknown level '" + config.level + "' (span, resource)");
  rule.key = config.key;
  rule.to = config.to;
  rule.salt = config.salt;
  if (rule.action == Action::kAdd || rule.action == Action::kSet) TS_TRY(SetValue(config, rule));
  if (rule.action == Action::kRedact) {
    const std::string replacement = config.replacement.empty() ? "***" : config.replacement;
    TS_TRY_ASSIGN(predicate::TextReplacer replacer,
                  predicate::TextReplacer::Compile(config.pattern, replacement));
    rule.replacer.emplace(std::move(replacer));
  }
  if (!config.where.empty()) {
    auto filter = predicate::SpanFilter::Compile(config.where);
    if (!filter.has_value()) return std::move(filter).error().WithContext("where");
    rule.where.emplace(std::move(filter).value());
  }
  return rule;
}

Result<Processors> Processors::Compile(const std::vector<ProcessorConfig>& configs) {
  Processors out;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    auto rule = CompileOne(configs[i], i + 1);
    if (!rule.has_value())
      return std::move(rule).error().WithContext("processors[" + std::to_string(i) + "]");
    for (const Rule& other : out.rules_) {
      if (other.name == rule->name)
        return Invalid("processors[" + std::to_string(i) + "]: the name '" + rule->name +
                       "' is taken");
    }
    out.rules_.push_back(std::move(rule).value());
  }
  return out;
}

namespace {

class ProcessSink final : public SpanSink {
 public:
  ProcessSink(std::shared_ptr<const Processors> processors, SpanSink& next, StageObserver observer)
      : processors_(std::move(processors)), next_(next), observer_(std::move(observer)) {}

  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    const std::vector<ProcessorEffect> effects = processors_->Apply(batch);
    if (!batch.empty()) TS_TRY(next_.Accept(std::move(batch), context));
    // Counted once the message is taken: a sender that is refused sends it again.
    for (std::size_t rule = 0; rule < effects.size(); ++rule) {
      Tell(rule, StageAction::kChanged, effects[rule].changed);
      Tell(rule, StageAction::kDropped, effects[rule].dropped);
    }
    return {};
  }

 private:
  void Tell(std::size_t rule, StageAction action, std::uint64_t spans) const {
    if (spans != 0 && observer_) observer_({"process", processors_->name(rule), action, spans, 0});
  }

  const std::shared_ptr<const Processors> processors_;
  SpanSink& next_;
  const StageObserver observer_;
};

}  // namespace

std::unique_ptr<SpanSink> MakeProcessSink(std::shared_ptr<const Processors> processors,
                                          SpanSink& next, StageObserver observer) {
  return std::make_unique<ProcessSink>(std::move(processors), next, std::move(observer));
}

}  // namespace tracestore::ingest
