// The effective configuration, and the table of settings, as texts.
#pragma once
#include <string>

#include "service/resolve.h"

namespace tracestore::tools {

// YAML that ReadConfigFile reads back to the same configuration; secrets are "(hidden)". Behind
// each value that was given: where.
std::string PrintConfig(Role role, const Resolved& resolved);

// docs/settings.md, whole.
std::string SettingsMarkdown();

}  // namespace tracestore::tools
