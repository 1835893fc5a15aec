#include "service/print_config.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "service/structured.h"

namespace tracestore::tools {
namespace {

std::vector<std::string> Path(std::string_view name) {
  std::vector<std::string> path;
  while (true) {
    const auto dot = name.find('.');
    path.emplace_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return path;
    name.remove_prefix(dot + 1);
  }
}

// Settings of a role, so that those of one branch of the tree stand together.
std::vector<const Setting*> InTreeOrder(Role role) {
  std::vector<const Setting*> settings;
  for (const Setting& setting : Settings()) {
    if ((setting.roles & role) != 0) settings.push_back(&setting);
  }
  std::stable_sort(settings.begin(), settings.end(), [](const Setting* a, const Setting* b) {
    return Path(a->name) < Path(b->name);
  });
  return settings;
}

// In double quotes unless it is plain beyond doubt; what YAML takes for nothing isn't.
std::string Quoted(const std::string& text) {
  const bool nothing = text == "null" || text == "Null" || text == "NULL";
  const bool plain = !text.empty() && !nothing && text.front() != ':' && text.back() != ':' &&
                     std::all_of(text.begin(), text.end(),
                                 [](char c) {
                                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                          (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                                          c == '/' || c == ':' || c == '-';
                                 }) &&
                     text.front() != '-';
  if (plain) return text;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

// For a comment: a file's name may have ends of lines.
std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  return text;
}

// The lines of a structured value, moved right.
std::string Indented(const std::string& yaml, const std::string& indent) {
  std::string out;
  for (std::string_view rest = yaml; !rest.empty();) {
    const auto end = rest.find('\n');
    out += "\n" + indent + std::string(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return out;
}

std::string ValueText(const Setting& setting, const ServiceConfig& config,
                      const std::string& indent) {
  const std::vector<std::string> values = ValuesOf(setting, config);
  if (setting.secret && !values.empty() && !values.front().empty())
    return " " + std::string(kHidden);
  if (IsStructured(setting)) {
    // A flag's or a variable's is written as it likes: comments, blanks, "---".
    return IsAsAFileGivesIt(values.front()) ? Indented(values.front(), indent + "  ")
                                            : " " + Quoted(values.front());
  }
  if (!IsList(setting)) return " " + Quoted(values.front());
  std::string text = " [";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + Quoted(values[i]);
  return text + "]";
}

// A cell of a Markdown table.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string Code(std::string_view text) { return text.empty() ? "" : "`" + Cell(text) + "`"; }

std::string RolesText(const Setting& setting) {
  if (setting.roles == kEvery) return "all";
  std::string text;
  for (const Role role : kRoles) {
    if ((setting.roles & role) == 0) continue;
    text += (text.empty() ? "" : ", ") + std::string(RoleName(role));
  }
  return text;
}

std::string DefaultText(const Setting& setting) {
  std::string text;
  for (const std::string& value : ValuesOf(setting, DefaultsOf(kAllInOne))) {
    text += (text.empty() ? "" : ",") + value;
  }
  std::string shown = Code(text);
  for (const Role role : {kAgent, kQuery, kRemoteStorage}) {
    const auto own = ValuesOf(setting, DefaultsOf(role));
    if ((setting.roles & role) == 0 || (setting.roles & kStoring) == 0 ||
        own == ValuesOf(setting, DefaultsOf(kAllInOne))) {
      continue;
    }
    shown += ", " + std::string(RoleName(role)) + " " + Code(own.empty() ? "" : own.front());
  }
  return shown;
}

std::string OtherNamesText(const Setting& setting) {
  std::string text;
  for (const OtherName& other : OtherNames()) {
    if (other.setting != setting.name) continue;
    text += (text.empty() ? "" : ", ") +
            Code(other.environment_only ? std::string(other.name) : "--" + std::string(other.name));
  }
  return text;
}

std::string SettingRows() {
  std::string text;
  std::string_view group;
  for (const Setting& setting : Settings()) {
    if (setting.group != group) {
      group = setting.group;
      text += "\n## " + std::string(group) + "\n\n" +
              "| setting | type | default | services | what | also |\n" +
              "| --- | --- | --- | --- | --- | --- |\n";
    }
    text += "| " + Code(setting.name) + " | " + Cell(TypeName(setting)) + " | " +
            DefaultText(setting) + " | " + RolesText(setting) + " | " + Cell(setting.help) + " | " +
            OtherNamesText(setting) + " |\n";
  }
  return text;
}

}  // namespace

std::string PrintConfig(Role role, const Resolved& resolved) {
  std::string text;
  std::vector<std::string> open;  // the branches that the last line stands under
  for (const Setting* setting : InTreeOrder(role)) {
    const std::vector<std::string> path = Path(setting->name);
    std::size_t same = 0;
    while (same < open.size() && same + 1 < path.size() && open[same] == path[same]) ++same;
    open.assign(path.begin(), path.end() - 1);
    for (; same + 1 < path.size(); ++same) {
      text += std::string(same * 2, ' ') + path[same] + ":\n";
    }
    const std::string indent((path.size() - 1) * 2, ' ');
    text += indent + path.back() + ":" + ValueText(*setting, resolved.config, indent);
    const auto origin = resolved.origins.find(setting->name);
    if (origin != resolved.origins.end() && !IsStructured(*setting)) {
      text += "  # " + OneLine(origin->second);
    }
    text += '\n';
  }
  return text;
}

std::string SettingsMarkdown() {
  std::string text =
      "# Settings of the services\n\n"
      "Made from the table in the program, and held equal to it by a test.\n\n"
      "Each is a flag (`--name value`), a path in the file that `--config` names (dots nest), and "
      "an\n"
      "environment variable: `TRACESTORE_` and the name in capitals, `_` for dots and dashes. "
      "Names\n"
      "that are Jaeger's count without `TRACESTORE_` too. A flag beats the environment, the\n"
      "environment the file, the file the default. `--print-config` shows what came of it.\n"
      "\n"
      "An ADDRESS is `host:port`, `:port` (all interfaces), a port (on `host`), or `off`; port 0\n"
      "takes a free one. A DURATION is `90s`, `1m30s`, `36h` or `30d`; a SIZE `64kB` or `50GiB`.\n";
  text += SettingRows();
  text +=
      "\n## Accepted without effect\n\n"
      "Names that Jaeger's and Zipkin's users have in their files; a line in the log says so.\n\n"
      "| name | why |\n| --- | --- |\n";
  for (const Ignored& ignored : IgnoredNames()) {
    text += "| " +
            Code(ignored.environment_only ? std::string(ignored.name)
                                          : "--" + std::string(ignored.name)) +
            " | " + Cell(ignored.why) + " |\n";
  }
  return text;
}

}  // namespace tracestore::tools
