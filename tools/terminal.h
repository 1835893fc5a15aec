// What stdout is (a terminal? how wide? colours?) and how texts of unknown origin are put on it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <CLI/App.hpp>

#include <tracestore/status.h>

namespace tracestore::tools {

// Columns where stdout is no terminal.
inline constexpr std::size_t kDefaultWidth = 100;

enum class Style : std::uint8_t { kPlain, kBold, kDim, kRed, kGreen, kYellow, kBlue, kCyan };

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

// Control characters, which could steer the terminal, become U+FFFD, and so do bytes that are no
// UTF-8; line ends and tabs become blanks.
std::string CleanText(std::string_view text);

// Columns that clean text takes: wide characters two, combining ones none.
std::size_t DisplayWidth(std::string_view text) noexcept;

// Clean text of at most `width` columns; what is cut off leaves "…".
std::string Shorten(std::string_view text, std::size_t width);

// Writes to stdout. kIo where it can't be written (a full disk).
Status WriteOut(std::string_view text);

}  // namespace tracestore::tools
