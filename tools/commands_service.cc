// The services: all-in-one, collector, agent, query, remote-storage.
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "exit_codes.h"
#include "service/parts.h"
#include "service/print_config.h"
#include "service/run.h"
#include "service_flags.h"

namespace tracestore::tools {
namespace {

const char* Example(Role role) {
  switch (role) {
    case kAgent: return "--reporter.grpc.host-port collector:14250";
    case kQuery: return "--data /var/lib/traces --query.base-path /jaeger";
    default: return "--data /var/lib/traces --keep-age 30d";
  }
}

constexpr const char* kFooter =
    "  tracestore % --config tracestore.yaml --print-config\n"
    "  SPAN_STORAGE_TYPE=badger BADGER_DIRECTORY_VALUE=/badger/data tracestore %\n\n"
    "Every flag is also a path in the file of --config and an environment variable: TRACESTORE_ "
    "and\n"
    "the name in capitals. Jaeger's names and Zipkin's variables are taken as they are:\n"
    "docs/settings.md lists all.\n";

// With the name of the command in its examples.
std::string Footer(Role role) {
  std::string text =
      "Examples:\n  tracestore " + std::string(RoleName(role)) + " " + Example(role) + "\n";
  for (const char c : std::string_view(kFooter)) {
    if (c == '%') {
      text += RoleName(role);
    } else {
      text += c;
    }
  }
  return text;
}

int Run(const ServiceFlags& flags, const std::vector<Part>& parts) {
  const auto resolved = flags.Read();
  if (!resolved.has_value()) return Fail(resolved.error());
  if (flags.print_config()) {
    std::cout << PrintConfig(flags.role(), *resolved);
    for (const std::string& warning : resolved->warnings) PrintWarning(warning);
    return kExitOk;
  }
  return RunService(*resolved, parts);
}

Command Declare(CLI::App& root, Role role, const char* what, const std::vector<Part>& (*parts)()) {
  CLI::App* app = root.add_subcommand(RoleName(role), what);
  app->footer(Footer(role));
  const auto flags = std::make_shared<ServiceFlags>();
  flags->AddTo(*app, role);
  return {app, [flags, parts] { return Run(*flags, parts()); }};
}

}  // namespace

Command DeclareAllInOne(CLI::App& root) {
  return Declare(root, kAllInOne, "Takes spans, keeps them, answers Jaeger's queries",
                 AllInOneParts);
}

Command DeclareCollector(CLI::App& root) {
  return Declare(root, kCollector, "Takes spans and keeps them", CollectorParts);
}

Command DeclareAgent(CLI::App& root) {
  return Declare(root, kAgent, "Takes spans of its clients and sends them on to collectors",
                 AgentParts);
}

Command DeclareQuery(CLI::App& root) {
  return Declare(root, kQuery, "Answers Jaeger's and Zipkin's queries from a collector's store",
                 QueryParts);
}

Command DeclareRemoteStorage(CLI::App& root) {
  return Declare(root, kRemoteStorage, "Keeps the spans of Jaeger's collectors, for its queries",
                 RemoteStorageParts);
}

}  // namespace tracestore::tools
