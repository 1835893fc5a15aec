// The pipeline's settings as the stages take them.
#pragma once
#include <tracestore/status.h>

#include <memory>

#include "ingest/processors.h"
#include "ingest/sanitize.h"
#include "service/config.h"
#include "service/environment.h"

namespace tracestore::tools {

ingest::SanitizeOptions LimitsOf(const PipelineSection& config);

// The processors as they are configured, then the tags as `add` to resources; ${NAME:default} in a
// tag's value is the variable's value. Errors: kInvalidArgument, "a.yaml:3: processors[0]: …",
// "'x' is no key=value".
Result<std::shared_ptr<const ingest::Processors>> ProcessorsOf(const PipelineSection& config,
                                                               const Environment& environment);

}  // namespace tracestore::tools
