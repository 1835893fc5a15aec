// What the stages of the pipeline do to spans, for those who count.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "ingest/intake_source.h"

namespace tracestore::ingest {

enum class StageAction : std::uint8_t {
  kChanged,  // kept, but not as sent: cut to a limit, mended, edited by a processor
  kDropped,  // left out by a configured rule or a sampler; acknowledged
  kRefused,  // left out because it breaks a rule of the store; the sender is told where it can be
  kKept,     // a sampler decided to keep it
};

// "changed", "dropped", "refused", "kept": the words of the metrics.
const char* StageActionName(StageAction action) noexcept;

// The texts are constants or names from the configuration, so they may be label values.
struct StageEvent {
  std::string_view stage;  // "sanitize", "process", "head", "tail"
  std::string_view rule;   // what of it: "values", the name of a processor or of a policy
  StageAction action = StageAction::kChanged;
  std::uint64_t spans = 0;
  std::uint64_t traces = 0;  // of a decision on whole traces, else 0
};
// Called on receivers' threads and the tail sampler's, many at a time; must not block. May be
// unset.
using StageObserver = std::function<void(const StageEvent&)>;

}  // namespace tracestore::ingest
