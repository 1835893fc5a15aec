#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tracestore::tools {
namespace {

bool EnvironmentAllowsColor() {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return term != nullptr && std::strcmp(term, "dumb") != 0;
}

}  // namespace

Terminal Terminal::OfStdout(const std::string& when) {
  Terminal terminal;
  terminal.is_terminal = isatty(STDOUT_FILENO) == 1;
  terminal.color =
      when == "always" || (when == "auto" && terminal.is_terminal && EnvironmentAllowsColor());
  winsize size{};
  if (terminal.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    // 40 columns are the least that tables and trees can be drawn in.
    terminal.width = std::max<std::size_t>(size.ws_col, 40);
  }
  return terminal;
}

void Terminal::Paint(Style style, std::string_view text, std::string& out) const {
  base::Paint(style, text, color, out);
}

void AddColorFlag(CLI::App& app, std::string& when) {
  app.add_option("--color", when,
                 "Colours: auto (on a terminal, unless NO_COLOR is set), always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""))
      ->group("Output");
}

bool StderrIsTerminal() { return isatty(STDERR_FILENO) == 1; }

Status WriteOut(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
      std::fflush(stdout) == 0) {
    return {};
  }
  return Error(ErrorCode::kIo, std::string("write to stdout: ") + std::strerror(errno));
}

}  // namespace tracestore::tools
