// The pipeline's settings as the stages take them.
#pragma once
#include <tracestore/status.h>

#include <memory>

#include "ingest/forward/agent_tags.h"
#include "ingest/processors.h"
#include "ingest/sanitize.h"
#include "sampling/tail_policy.h"
#include "service/config.h"
#include "service/environment.h"

namespace tracestore::tools {

ingest::SanitizeOptions LimitsOf(const PipelineSection& config);

// Errors: kInvalidArgument, "a.yaml:3: processors[0]: …".
Result<std::shared_ptr<const ingest::Processors>> ProcessorsOf(const PipelineSection& config);

// Errors: kInvalidArgument, "a.yaml:3: policies[0]: …".
Result<sampling::TailPolicies> PoliciesOf(const TailSection& config);

// Errors: as ParseAgentTags.
Result<ingest::AgentTags> TagsOf(const PipelineSection& config, const Environment& environment);

}  // namespace tracestore::tools
