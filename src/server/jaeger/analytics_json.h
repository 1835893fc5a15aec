// The answers of Jaeger's analyses, as its pages read them (docs/format/jaeger-api.md, "Analyses").
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "query/call_paths.h"
#include "query/trace_quality.h"

namespace tracestore::server {

// `unnamed`: how a service without a name is told.
std::string PathsJson(const std::vector<query::CallPath>& paths, std::string_view unnamed);

// Measures without a count are left out.
std::string QualityJson(const query::TraceQuality& quality);

}  // namespace tracestore::server
