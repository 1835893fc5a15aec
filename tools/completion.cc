#include "completion.h"

#include <string_view>
#include <vector>

namespace tracestore::tools {
namespace {

std::vector<const CLI::App*> CommandsOf(const CLI::App& root) {
  std::vector<const CLI::App*> commands;
  for (const CLI::App* app : root.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(app);
  }
  return commands;
}

// Options but positionals.
std::vector<const CLI::Option*> FlagsOf(const CLI::App& app) {
  std::vector<const CLI::Option*> flags;
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional()) flags.push_back(option);
  }
  return flags;
}

std::string Names(const CLI::App& app) {
  std::string names;
  for (const CLI::Option* option : FlagsOf(app)) {
    for (const std::string& name : option->get_lnames()) names += "--" + name + " ";
    for (const std::string& name : option->get_snames()) names += "-" + name + " ";
  }
  if (!names.empty()) names.pop_back();
  return names;
}

// In single quotes, which bash, zsh and fish read alike but for the quote itself.
std::string Quoted(std::string_view text, std::string_view quote) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += quote;
    } else {
      out += c;
    }
  }
  return out + "'";
}

// The values of options that take one of a few words.
struct Choice {
  const char* flag;
  const char* words;
};
constexpr Choice kChoices[] = {
    {"--color", "auto always never"},
    {"--order", "newest longest"},
    {"--format",
     "otlp-json otlp-jsonl otlp-proto jaeger jaeger-thrift jaeger-proto zipkin zipkin-proto "
     "zipkin-v1 zipkin-v1-thrift"},
    {"--kind", "server client producer consumer internal unspecified"},
    {"--status", "error ok unset"},
    {"--sync", "full interval off"},
};

constexpr std::string_view kShells = "bash zsh fish";

// A word of _arguments: brackets and colons end its parts.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

bool TakesValue(const CLI::Option& option) { return option.get_type_size() != 0; }

}  // namespace

std::string BashCompletion(const CLI::App& root) {
  std::string commands;
  std::string cases;
  for (const CLI::App* app : CommandsOf(root)) {
    commands += app->get_name() + " ";
    cases += "    " + app->get_name() + ") flags=\"" + Names(*app) + "\" ;;\n";
  }
  std::string values;
  for (const Choice& choice : kChoices) {
    values += std::string("    ") + choice.flag + ") COMPREPLY=($(compgen -W \"" + choice.words +
              "\" -- \"$word\")); return ;;\n";
  }
  return "# tracestore completion for bash. To use it:\n"
         "#   tracestore completion bash > ~/.local/share/bash-completion/completions/tracestore\n"
         "_tracestore() {\n"
         "  local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
         "  local command=\"${COMP_WORDS[1]}\" flags=\"\"\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    COMPREPLY=($(compgen -W \"" + commands + "--help --version\" -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  case \"$previous\" in\n" + values +
         "    completion) COMPREPLY=($(compgen -W \"" + std::string(kShells) +
         "\" -- \"$word\")); return ;;\n"
         "  esac\n"
         "  case \"$command\" in\n" + cases +
         "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _tracestore tracestore\n";
}

std::string ZshCompletion(const CLI::App& root) {
  const std::string quote = "'\\''";
  std::string commands;
  std::string cases;
  for (const CLI::App* app : CommandsOf(root)) {
    commands += "    " + Quoted(app->get_name() + ":" + ZshText(app->get_description()), quote) +
                "\n";
    cases += "    " + app->get_name() + ")\n      _arguments \\\n";
    for (const CLI::Option* option : FlagsOf(*app)) {
      for (const std::string& name : option->get_lnames()) {
        std::string text = "--" + name + "[" + ZshText(option->get_description()) + "]";
        if (TakesValue(*option)) {
          text += ":" + ZshText(option->get_type_name()) + ":";
          for (const Choice& choice : kChoices) {
            if ("--" + name == choice.flag) text += std::string("(") + choice.words + ")";
          }
        }
        cases += "        " + Quoted(text, quote) + " \\\n";
      }
    }
    cases += app->get_name() == "completion"
                 ? "        '*:shell:(" + std::string(kShells) + ")' ;;\n"
                 : "        '*:file:_files' ;;\n";
  }
  return "#compdef tracestore\n"
         "# tracestore completion for zsh. To use it, in a directory of $fpath:\n"
         "#   tracestore completion zsh > _tracestore\n"
         "_tracestore() {\n"
         "  local -a commands=(\n" + commands +
         "  )\n"
         "  if ((CURRENT == 2)); then\n"
         "    _describe command commands\n"
         "    return\n"
         "  fi\n"
         "  local command=$words[2]\n"
         "  shift words\n"
         "  ((CURRENT--))\n"
         "  case $command in\n" + cases +
         "  esac\n"
         "}\n"
         "_tracestore \"$@\"\n";
}

std::string FishCompletion(const CLI::App& root) {
  const std::string quote = "\\'";
  std::string out =
      "# tracestore completion for fish. To use it:\n"
      "#   tracestore completion fish > ~/.config/fish/completions/tracestore.fish\n"
      "complete -c tracestore -n __fish_use_subcommand -f\n";
  for (const CLI::App* app : CommandsOf(root)) {
    out += "complete -c tracestore -n __fish_use_subcommand -a " + app->get_name() + " -d " +
           Quoted(app->get_description(), quote) + "\n";
    for (const CLI::Option* option : FlagsOf(*app)) {
      out += "complete -c tracestore -n '__fish_seen_subcommand_from " + app->get_name() + "'";
      for (const std::string& name : option->get_snames()) out += " -s " + name;
      for (const std::string& name : option->get_lnames()) out += " -l " + name;
      if (TakesValue(*option)) out += " -r";
      for (const std::string& name : option->get_lnames()) {
        for (const Choice& choice : kChoices) {
          if ("--" + name == choice.flag) out += std::string(" -f -a '") + choice.words + "'";
        }
      }
      out += " -d " + Quoted(option->get_description(), quote) + "\n";
    }
  }
  return out + "complete -c tracestore -n '__fish_seen_subcommand_from completion' -f -a '" +
         std::string(kShells) + "'\n";
}

}  // namespace tracestore::tools
