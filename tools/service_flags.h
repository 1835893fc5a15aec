// The settings of a service as flags of its command.
#pragma once
#include <tracestore/status.h>

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "service/resolve.h"

namespace tracestore::tools {

class ServiceFlags {
 public:
  // Declares every setting, other name and ignored name of the service's role, the last two without
  // a line in --help.
  void AddTo(CLI::App& app, Role role);

  // What flags, environment and the file (--config, TRACESTORE_CONFIG, CONFIG_FILE) say. Errors: as
  // Resolve, ReadConfigFile and CheckConfig.
  Result<Resolved> Read() const;
  bool print_config() const noexcept { return print_config_; }
  Role role() const noexcept { return role_; }

 private:
  struct Flag {
    std::string name;
    CLI::Option* option;
  };
  void Add(CLI::App& app, std::string_view name, bool is_switch, const std::string& help,
           const std::string& group);
  void AddOthers(CLI::App& app);
  std::vector<Given> GivenFlags() const;

  Role role_ = kAllInOne;
  std::string config_file_;
  bool print_config_ = false;
  std::vector<Flag> flags_;
};

}  // namespace tracestore::tools
