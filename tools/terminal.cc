#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tracestore::tools {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;
  bool good = false;
};

CodePoint Decode(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || at + length > text.size()) return {};
  char32_t value = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[length] || value > 0x10FFFF || surrogate) return {};
  return {value, length, true};
}

bool In(char32_t c, char32_t first, char32_t last) noexcept { return c >= first && c <= last; }

// The blocks of Unicode's East Asian wide characters and of its combining marks, coarsely.
std::size_t ColumnsOf(char32_t c) noexcept {
  if (In(c, 0x0300, 0x036F) || In(c, 0x200B, 0x200F) || In(c, 0xFE00, 0xFE0F)) return 0;
  if (In(c, 0x1100, 0x115F) || In(c, 0x2E80, 0xA4CF) || In(c, 0xAC00, 0xD7A3) ||
      In(c, 0xF900, 0xFAFF) || In(c, 0xFE30, 0xFE6F) || In(c, 0xFF00, 0xFF60) ||
      In(c, 0xFFE0, 0xFFE6) || In(c, 0x1F300, 0x1FAFF) || In(c, 0x20000, 0x3FFFD)) {
    return 2;
  }
  return 1;
}

// C0, DEL, C1, and the characters that turn the direction of text or end lines.
bool IsControl(char32_t c) noexcept {
  return c < 0x20 || In(c, 0x7F, 0x9F) || In(c, 0x2028, 0x202E) || In(c, 0x2066, 0x2069);
}

const char* CodeOf(Style style) noexcept {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kBold: return "\x1b[1m";
    case Style::kDim: return "\x1b[2m";
    case Style::kRed: return "\x1b[31m";
    case Style::kGreen: return "\x1b[32m";
    case Style::kYellow: return "\x1b[33m";
    case Style::kBlue: return "\x1b[34m";
    case Style::kCyan: return "\x1b[36m";
  }
  return "";
}

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
  if (!color || style == Style::kPlain || text.empty()) {
    out += text;
    return;
  }
  out += CodeOf(style);
  out += text;
  out += "\x1b[0m";
}

void AddColorFlag(CLI::App& app, std::string& when) {
  app.add_option("--color", when,
                 "Colours: auto (on a terminal, unless NO_COLOR is set), always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""))
      ->group("Output");
}

bool StderrIsTerminal() { return isatty(STDERR_FILENO) == 1; }

std::string CleanText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = Decode(text, at);
    if (c.value == '\n' || c.value == '\t') {
      out += ' ';
    } else if (!c.good || IsControl(c.value)) {
      out += kReplacement;
    } else {
      out += text.substr(at, c.bytes);
    }
    at += c.bytes;
  }
  return out;
}

std::size_t DisplayWidth(std::string_view text) noexcept {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = Decode(text, at);
    width += c.good ? ColumnsOf(c.value) : 1;
    at += c.bytes;
  }
  return width;
}

std::string Shorten(std::string_view text, std::size_t width) {
  std::string clean = CleanText(text);
  if (DisplayWidth(clean) <= width) return clean;
  if (width == 0) return "";
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < clean.size()) {
    const CodePoint c = Decode(clean, at);
    if (used + ColumnsOf(c.value) > width - 1) break;
    used += ColumnsOf(c.value);
    at += c.bytes;
  }
  clean.resize(at);
  clean += kEllipsis;
  return clean;
}

Status WriteOut(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
      std::fflush(stdout) == 0) {
    return {};
  }
  return Error(ErrorCode::kIo, std::string("write to stdout: ") + std::strerror(errno));
}

}  // namespace tracestore::tools
