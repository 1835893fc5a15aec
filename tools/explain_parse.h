// What the parser of command lines has to say, in the words of the other sentences.
#pragma once
#include <string>

#include <CLI/Error.hpp>

namespace tracestore::tools {

// Names the flag, the value, and what would be right.
std::string ExplainParse(const CLI::ParseError& error);

}  // namespace tracestore::tools
