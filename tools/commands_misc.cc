// version, completion, help.
#include <memory>
#include <string>
#include <vector>

#include "codec/json/json_writer.h"
#include "command.h"
#include "completion.h"
#include "exit_codes.h"
#include "query_flags.h"
#include "suggest.h"
#include "terminal.h"
#include "version.h"

namespace tracestore::tools {
namespace {

int PrintText(const std::string& text) {
  const Status status = WriteOut(text);
  return status ? static_cast<int>(kExitOk) : Fail(status.error());
}

int RunVersion(bool json) {
  if (!json) return PrintText(VersionText() + "\n");
  std::string out;
  codec::JsonWriter writer(out);
  writer.BeginObject();
  writer.Key("version");
  writer.String(kVersion);
  writer.Key("features");
  writer.BeginArray();
  for (const char* feature : BuiltFeatures()) writer.String(feature);
  writer.EndArray();
  writer.EndObject();
  return PrintText(out + "\n");
}

int RunCompletion(const CLI::App& root, const std::string& shell) {
  if (shell == "bash") return PrintText(BashCompletion(root));
  if (shell == "zsh") return PrintText(ZshCompletion(root));
  if (shell == "fish") return PrintText(FishCompletion(root));
  if (shell.empty()) return Fail(kExitUsage, "completion takes a shell: bash, zsh or fish");
  return Fail(kExitUsage, "no completion for '" + shell + "'" +
                              DidYouMean(shell, {"bash", "zsh", "fish"}) +
                              " (known: bash, zsh, fish)");
}

int RunHelp(const CLI::App& root, const std::string& topic) {
  if (topic.empty()) return PrintText(root.help());
  if (topic == "exit-codes") return PrintText(ExitCodesHelp());
  std::vector<std::string> topics = {"exit-codes"};
  for (const CLI::App* app : root.get_subcommands([](const CLI::App*) { return true; })) {
    if (app->get_name() == topic) return PrintText(app->help("tracestore"));
    topics.push_back(app->get_name());
  }
  const std::string guess = DidYouMean(topic, topics);
  return Fail(kExitUsage, "no help on '" + topic + "'" +
                              (guess.empty() ? "; tracestore help lists the commands" : guess));
}

}  // namespace

Command DeclareVersion(CLI::App& root) {
  auto* app = root.add_subcommand("version", "Print the version and what it was built with");
  auto json = std::make_shared<bool>(false);
  app->add_flag("--json", *json, "Print it as JSON");
  return {app, [json] { return RunVersion(*json); }};
}

Command DeclareCompletion(CLI::App& root) {
  auto* app = root.add_subcommand("completion", "Print a completion script for a shell");
  auto shell = std::make_shared<std::string>();
  app->add_option("SHELL", *shell, "bash, zsh or fish")->type_name("");
  app->footer("Examples:\n"
              "  tracestore completion bash > "
              "~/.local/share/bash-completion/completions/tracestore\n"
              "  tracestore completion zsh > ~/.zfunc/_tracestore\n"
              "  tracestore completion fish > ~/.config/fish/completions/tracestore.fish\n");
  return {app, [shell, &root] { return RunCompletion(root, *shell); }};
}

Command DeclareHelp(CLI::App& root) {
  auto* app = root.add_subcommand("help", "Explain a command, or the exit codes");
  auto topic = std::make_shared<std::string>();
  app->add_option("[TOPIC]", *topic, "A command, or exit-codes")->type_name("");
  return {app, [topic, &root] { return RunHelp(root, *topic); }};
}

}  // namespace tracestore::tools
