// Processors: what a configuration does to spans before they are kept (docs/ingest.md).
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/span_sink.h"
#include "ingest/stage_event.h"
#include "model/span_batch.h"
#include "predicate/span_filter.h"
#include "predicate/text_replacer.h"

namespace tracestore::ingest {

// One processor as it is configured: texts, "" where nothing was said.
struct ProcessorConfig {
  std::string name;         // in metrics; default: "<action>-<number>", from 1
  std::string action;       // add, set, rename, drop, hash, redact, drop-spans, keep-spans
  std::string level;        // span (default), resource
  std::string key;          // of the attribute
  std::string to;           // rename: its new key
  std::string value;        // add, set
  std::string type;         // add, set: string (default), int, double, bool
  std::string where;        // a filter on the span; only those that match. "": all
  std::string pattern;      // redact: RE2
  std::string replacement;  // redact: default "***"; \1 names a group
  std::string salt;         // hash: goes before the value
};

// Sets the field of that name. Error: kInvalidArgument, "unknown field 'x' (action, key, …)".
Status SetProcessorField(ProcessorConfig& config, std::string_view field, std::string value);

struct ProcessorEffect {
  std::uint64_t changed = 0;  // spans
  std::uint64_t dropped = 0;
};

// Immutable; any number of threads may use one.
class Processors {
 public:
  // Errors: kInvalidArgument, "processors[0]: unknown action 'x' (add, set, …)": docs/ingest.md has
  // the sentences.
  static Result<Processors> Compile(const std::vector<ProcessorConfig>& configs);

  bool empty() const noexcept { return rules_.empty(); }
  std::size_t size() const noexcept { return rules_.size(); }
  const std::string& name(std::size_t rule) const { return rules_[rule].name; }

  // Runs all, in their order; gives what each did.
  std::vector<ProcessorEffect> Apply(model::SpanBatch& batch) const;

  enum class Action : std::uint8_t {
    kAdd,
    kSet,
    kRename,
    kDrop,
    kHash,
    kRedact,
    kDropSpans,
    kKeepSpans,
  };
  struct Rule {
    std::string name;
    Action action = Action::kAdd;
    bool resource = false;
    std::string key;
    std::string to;
    ValueType type = ValueType::kString;
    std::uint64_t bits = 0;  // of a value that is no string
    std::string value;
    std::string salt;
    std::optional<predicate::SpanFilter> where;
    std::optional<predicate::TextReplacer> replacer;
  };

 private:
  static Result<Rule> CompileOne(const ProcessorConfig& config, std::size_t number);
  std::vector<Rule> rules_;
};

// As a stage before `next`, which is borrowed.
std::unique_ptr<SpanSink> MakeProcessSink(std::shared_ptr<const Processors> processors,
                                          SpanSink& next, StageObserver observer);

}  // namespace tracestore::ingest
