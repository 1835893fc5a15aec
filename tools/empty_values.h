// "--flag=": a flag with the empty text for its value.
#pragma once
#include <tracestore/status.h>

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace tracestore::tools {

// The arguments with "--flag=" of every flag of `app` that takes a value as "--flag" and "": CLI11
// takes the next argument for the value of the first. What stands after "--", or is another flag's
// value, stays as it is. Errors: kInvalidArgument for a switch, which "" neither sets nor clears.
Result<std::vector<std::string>> WithEmptyValues(const CLI::App& app,
                                                 const std::vector<std::string>& arguments);

}  // namespace tracestore::tools
