#include "help_formatter.h"

#include <cstddef>
#include <sstream>

#include "terminal.h"

namespace tracestore::tools {
namespace {

constexpr std::size_t kLeftColumn = 32;

}  // namespace

HelpFormatter::HelpFormatter() { column_width(kLeftColumn); }

std::string HelpFormatter::make_usage(const CLI::App* app, std::string /*name*/) const {
  if (app->get_parent() == nullptr) return "Usage: tracestore COMMAND [ARGUMENTS] [FLAGS]\n";
  std::string usage = "Usage: tracestore " + app->get_name();
  for (const CLI::Option* option : app->get_options()) {
    if (option->get_positional()) usage += " " + option->get_name(true);
  }
  return usage + " [FLAGS]\n";
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  std::string text = "  " + make_option_name(option, is_positional) + make_option_opts(option);
  const std::size_t width = DisplayWidth(text);
  text += width < kLeftColumn ? std::string(kLeftColumn - width, ' ')
                              : "\n" + std::string(kLeftColumn, ' ');
  for (const char c : make_option_desc(option)) {
    text += c;
    if (c == '\n') text += std::string(kLeftColumn, ' ');
  }
  return text + "\n";
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_positional() || option->get_type_size() == 0) return "";
  std::string text = " " + option->get_type_name();
  if (!option->get_default_str().empty()) text += "=" + option->get_default_str();
  return text;
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  std::istringstream words(option->get_description());
  std::string text;
  std::size_t column = 0;
  for (std::string word; words >> word;) {
    const std::size_t width = DisplayWidth(word);
    if (column > 0 && column + 1 + width > kDefaultWidth - kLeftColumn) {
      text += '\n';
      column = 0;
    } else if (column > 0) {
      text += ' ';
      ++column;
    }
    text += word;
    column += width;
  }
  return text;
}

}  // namespace tracestore::tools
