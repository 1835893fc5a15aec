// What flags, environment and file say, made one configuration. A flag beats the environment, the
// environment the file, the file the default; lists are replaced as a whole.
#pragma once
#include <tracestore/status.h>

#include <map>
#include <string>
#include <vector>

#include "service/settings.h"

namespace tracestore::tools {

// One value as somebody wrote it. Of a list there may be several in a row.
struct Given {
  std::string name;  // of a setting, an other name, or an ignored one
  std::string value;
  std::string where;  // "--sync", "SPAN_STORAGE_TYPE", "config.yaml:12"
};

struct Sources {
  std::vector<Given> file = {};
  std::vector<Given> environment = {};
  std::vector<Given> flags = {};
};

struct Resolved {
  ServiceConfig config;
  std::map<std::string, std::string, std::less<>> origins;  // setting to where, of those given
  std::vector<std::string> warnings;                        // a sentence each, for the log
};

// Errors: kInvalidArgument, with where the value stands and what would be right. A setting of
// another service is passed over, so that one file and one environment serve several; of a file's
// a warning tells.
Result<Resolved> Resolve(Role role, const Sources& sources);

}  // namespace tracestore::tools
