// Agent tags: what an agent adds to the process of every span that goes through it
// (--agent.tags, --jaeger.tags).
#pragma once
#include <tracestore/status.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/span_sink.h"

namespace tracestore::ingest {

using AgentTags = std::vector<std::pair<std::string, std::string>>;
// The value of an environment variable; nullopt where it isn't set.
using ReadVariable = std::function<std::optional<std::string>(const std::string& name)>;

// "key1=value1,key2=${NAME:default},key3=${NAME}": blanks around keys and values are cut off; of a
// key that stands twice the last counts. ${NAME:default} is the variable, or the default where it
// is unset or empty; ${NAME} without a value leaves the tag out. Errors: kInvalidArgument, "invalid
// Jaeger tag pair \"x\", expected key=value".
Result<AgentTags> ParseAgentTags(std::string_view text, const ReadVariable& variable);

// Adds `tags` as text to the attributes of every resource, behind its own, except those that stand
// there with this value; hands the batch on to `next`, which is borrowed.
std::unique_ptr<SpanSink> MakeAgentTagsSink(AgentTags tags, SpanSink& next);

}  // namespace tracestore::ingest
