// Command: one subcommand of `tracestore`, as main.cc keeps them in its table.
#pragma once
#include <functional>

#include <CLI/App.hpp>

namespace tracestore::tools {

struct Command {
  CLI::App* app = nullptr;   // owned by the root
  std::function<int()> run;  // after the arguments are read; gives the exit code
};

// Declares a command on the root. One a command, each in a commands_*.cc.
using DeclareCommand = Command (*)(CLI::App& root);

Command DeclareImport(CLI::App& root);
Command DeclareFind(CLI::App& root);
Command DeclareGet(CLI::App& root);
Command DeclareTail(CLI::App& root);
Command DeclareServices(CLI::App& root);
Command DeclareOperations(CLI::App& root);
Command DeclareKeys(CLI::App& root);
Command DeclareValues(CLI::App& root);
Command DeclareDeps(CLI::App& root);
Command DeclareMetrics(CLI::App& root);
Command DeclareCriticalPath(CLI::App& root);
Command DeclareStats(CLI::App& root);
Command DeclareExport(CLI::App& root);
Command DeclareDelete(CLI::App& root);
Command DeclareArchive(CLI::App& root);
Command DeclareCompact(CLI::App& root);
Command DeclareVerify(CLI::App& root);
Command DeclareRepair(CLI::App& root);
// The services; only where the build has them.
Command DeclareAllInOne(CLI::App& root);
Command DeclareCollector(CLI::App& root);
Command DeclareAgent(CLI::App& root);
Command DeclareQuery(CLI::App& root);
Command DeclareRemoteStorage(CLI::App& root);
Command DeclareCredential(CLI::App& root);
Command DeclareVersion(CLI::App& root);
Command DeclareCompletion(CLI::App& root);
Command DeclareHelp(CLI::App& root);

}  // namespace tracestore::tools
