// tracestore: one binary, a table of commands. Reads the command line, explains wrong use, runs the
// command.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <clocale>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "cancel.h"
#include "command.h"
#include "empty_values.h"
#include "exit_codes.h"
#include "explain_parse.h"
#include "help_formatter.h"
#ifdef TRACESTORE_HAS_SERVER
#include "service/storage_plugin.h"
#endif
#include "suggest.h"
#include "version.h"

namespace tracestore::tools {
namespace {

// In the order of the help.
constexpr auto kCommands = std::to_array<DeclareCommand>({
    DeclareFind,
    DeclareGet,
    DeclareTail,
    DeclareServices,
    DeclareOperations,
    DeclareKeys,
    DeclareValues,
    DeclareDeps,
    DeclareMetrics,
    DeclareCriticalPath,
    DeclareStats,
    DeclareImport,
    DeclareExport,
    DeclareDelete,
    DeclareArchive,
    DeclareCompact,
    DeclareVerify,
    DeclareRepair,
#ifdef TRACESTORE_HAS_SERVER
    DeclareAllInOne,
    DeclareCollector,
    DeclareAgent,
    DeclareQuery,
    DeclareRemoteStorage,
    DeclareCredential,
#endif
    DeclareVersion,
    DeclareCompletion,
    DeclareHelp,
});

// What an unknown word in the place of a command may have meant.
std::string ExplainCommand(const std::string& word, const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.app->get_name());
  const std::string message = "unknown command '" + word + "'";
  std::error_code ignored;
  if (std::filesystem::exists(word, ignored)) {
    return message + ": to look into it: tracestore find " + word;
  }
  const std::string guess = DidYouMean(word, names);
  return message + (guess.empty() ? "; tracestore help lists them" : guess);
}

// The first argument that the command could not place.
std::string ExplainExtra(const CLI::App& app, const std::string& word) {
  const std::string hint = "; tracestore " + app.get_name() + " --help lists them";
  if (!word.starts_with('-')) {
    return app.get_name() + ": '" + word + "' is one argument too many";
  }
  const std::string flag = word.substr(0, word.find('='));
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  const std::string guess = DidYouMean(flag, flags);
  return app.get_name() + ": unknown flag '" + flag + "'" + (guess.empty() ? hint : guess);
}

void Describe(CLI::App& root) {
  root.description("Stores and searches distributed traces. Reads stores and trace files (OTLP, "
                   "Jaeger,\nZipkin) alike.");
  root.footer("tracestore COMMAND --help has the flags and examples of a command.\n"
              "\nExamples:\n"
              "  tracestore find trace.json --service frontend --error\n"
              "  tracestore get trace.json 4bf92f3577b34da6a3ce929d0e0e4736\n"
              "  tracestore import DIR traces/ && tracestore deps DIR\n");
  root.set_version_flag("--version", VersionText(), "Print the version");
  root.formatter(std::make_shared<HelpFormatter>());
  root.require_subcommand(0, 1);
}

// Of the forms of an answer, one can be had. "" where at most one was asked for.
std::string ExplainForms(const CLI::App& app) {
  std::string given;
  for (const char* flag : {"--json", "--jsonl", "--csv"}) {
    const CLI::Option* option = app.get_option_no_throw(flag);
    if (option == nullptr || option->count() == 0) continue;
    if (!given.empty()) return app.get_name() + ": " + flag + " does not go with " + given;
    given = flag;
  }
  return "";
}

// Runs what the arguments say.
int Run(int argc, char** argv) {
  CLI::App root("", "tracestore");
  Describe(root);
  std::vector<Command> commands;
  for (const DeclareCommand declare : kCommands) {
    commands.push_back(declare(root));
    // Left to ExplainExtra(): CLI11 knows no neighbours.
    commands.back().app->allow_extras();
  }
  if (argc < 2) {
    std::cerr << root.help();
    return kExitUsage;
  }
  const std::string first = argv[1];
  const auto known = std::find_if(commands.begin(), commands.end(), [&](const Command& command) {
    return command.app->get_name() == first;
  });
  if (!first.starts_with('-') && known == commands.end()) {
    return Fail(kExitUsage, ExplainCommand(first, commands));
  }
  auto arguments = WithEmptyValues(known == commands.end() ? root : *known->app,
                                   std::vector<std::string>(argv + 1, argv + argc));
  if (!arguments.has_value()) return Fail(kExitUsage, arguments.error().message());
  std::reverse(arguments->begin(), arguments->end());  // as CLI11 takes them
  try {
    root.parse(*std::move(arguments));
  } catch (const CLI::Success& done) {  // --help, --version
    return root.exit(done);
  } catch (const CLI::ExtrasError&) {
    return Fail(kExitUsage, "unknown flag '" + first + "'; tracestore --help lists what there is");
  } catch (const CLI::ParseError& error) {
    return Fail(kExitUsage, ExplainParse(error));
  }
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const std::vector<std::string> extra = command.app->remaining();
    if (!extra.empty()) return Fail(kExitUsage, ExplainExtra(*command.app, extra.front()));
    if (const std::string wrong = ExplainForms(*command.app); !wrong.empty()) {
      return Fail(kExitUsage, wrong);
    }
    CatchInterrupts();
    return command.run();
  }
  std::cerr << root.help();
  return kExitUsage;
}

}  // namespace
}  // namespace tracestore::tools

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  try {
#ifdef TRACESTORE_HAS_SERVER
    if (argc > 0 && tracestore::tools::IsStoragePlugin(argv[0]))
      return tracestore::tools::RunStoragePlugin(argc, argv);
#endif
    return tracestore::tools::Run(argc, argv);
  } catch (const std::bad_alloc&) {
    return tracestore::tools::Fail(tracestore::tools::kExitIo, "out of memory");
  } catch (const std::exception& error) {
    return tracestore::tools::Fail(tracestore::tools::kExitIo, error.what());
  }
}
