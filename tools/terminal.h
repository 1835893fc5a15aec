// What stdout is (a terminal? how wide? colours?), and how texts are put on it.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include <CLI/App.hpp>

#include <tracestore/status.h>

#include "base/display_text.h"

namespace tracestore::tools {

// Columns where stdout is no terminal.
inline constexpr std::size_t kDefaultWidth = 100;

using base::CleanText;
using base::DisplayWidth;
using base::Shorten;
using base::Style;

// Decides from --color, NO_COLOR, TERM and what stdout is.
struct Terminal {
  bool is_terminal = false;
  bool color = false;
  std::size_t width = kDefaultWidth;

  // `when`: "auto", "always" or "never".
  static Terminal OfStdout(const std::string& when);

  // Appends `text` in that style; plain where there are no colours.
  void Paint(Style style, std::string_view text, std::string& out) const;
};

// Adds --color; `when` must outlive the parse.
void AddColorFlag(CLI::App& app, std::string& when);

bool StderrIsTerminal();

// Writes to stdout. kIo where it can't be written (a full disk).
Status WriteOut(std::string_view text);

}  // namespace tracestore::tools
