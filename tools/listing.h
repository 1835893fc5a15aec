// A listing: rows of named fields, shown as a table, JSON, JSON Lines or CSV.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/App.hpp>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "terminal.h"

namespace tracestore::tools {

enum class Form : std::uint8_t { kTable, kJson, kJsonLines, kCsv };

// --json, --jsonl, --csv, --color.
class FormFlags {
 public:
  // `csv`: whether the answer has rows at all.
  void AddTo(CLI::App& app, bool csv = true);
  Form form() const noexcept;
  Terminal terminal() const { return Terminal::OfStdout(color_); }

 private:
  bool json_ = false;
  bool json_lines_ = false;
  bool csv_ = false;
  std::string color_ = "auto";
};

// One field of one row, in every form.
struct Cell {
  std::string human;
  std::string csv;
  std::string json;  // a finished JSON value
  Style style = Style::kPlain;

  static Cell Text(std::string_view text, Style style = Style::kPlain);
  static Cell Count(std::uint64_t count, Style style = Style::kPlain);
  static Cell Decimal(double value, int digits);
  static Cell Id(TraceId id);
  static Cell Duration(bool present, std::uint64_t ns, Style style = Style::kPlain);
  static Cell Time(bool present, std::uint64_t unix_ns);
  static Cell Bytes(std::uint64_t bytes);
};

struct Listing {
  struct Column {
    std::string key;    // in JSON and CSV
    std::string title;  // in tables; "" leaves the column out there
    bool right = false;
    bool shrinks = false;   // cut where the terminal is too narrow
    bool optional = false;  // left out where that isn't enough; never the first column
  };
  std::string name;  // of the rows in JSON: "traces"
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  // Further members of the JSON document: key and finished value.
  std::vector<std::pair<std::string, std::string>> extra;
};

// On a terminal a table is cut to its width; elsewhere it has all there is.
std::string Render(const Listing& listing, Form form, const Terminal& terminal);
// Render() to stdout. Gives the exit code.
int Print(const Listing& listing, const FormFlags& flags);

}  // namespace tracestore::tools
