// Completion scripts for shells, made from the commands that are declared.
#pragma once
#include <string>

#include <CLI/App.hpp>

namespace tracestore::tools {

std::string BashCompletion(const CLI::App& root);
std::string ZshCompletion(const CLI::App& root);
std::string FishCompletion(const CLI::App& root);

}  // namespace tracestore::tools
