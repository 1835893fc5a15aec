#include "listing.h"

#include <algorithm>
#include <cstdio>

#include "codec/json/json_writer.h"
#include "exit_codes.h"
#include "human_text.h"

namespace tracestore::tools {
namespace {

std::string JsonText(std::string_view text) {
  std::string out;
  codec::JsonWriter(out).String(text);
  return out;
}

void AppendCsv(std::string_view text, std::string& out) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

// RFC 4180, but lines end with \n.
std::string RenderCsv(const Listing& listing) {
  std::string out;
  for (std::size_t i = 0; i < listing.columns.size(); ++i) {
    if (i > 0) out += ',';
    AppendCsv(listing.columns[i].key, out);
  }
  out += '\n';
  for (const auto& row : listing.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += ',';
      AppendCsv(row[i].csv, out);
    }
    out += '\n';
  }
  return out;
}

void WriteRow(const Listing& listing, const std::vector<Cell>& row, codec::JsonWriter& writer) {
  writer.BeginObject();
  for (std::size_t i = 0; i < row.size(); ++i) {
    writer.Key(listing.columns[i].key);
    writer.Raw(row[i].json);
  }
  writer.EndObject();
}

std::string RenderJsonLines(const Listing& listing) {
  std::string out;
  for (const auto& row : listing.rows) {
    codec::JsonWriter writer(out);
    WriteRow(listing, row, writer);
    out += '\n';
  }
  return out;
}

std::string RenderJson(const Listing& listing) {
  std::string out;
  codec::JsonWriter writer(out);
  writer.BeginObject();
  writer.Key(listing.name);
  writer.BeginArray();
  for (const auto& row : listing.rows) WriteRow(listing, row, writer);
  writer.EndArray();
  for (const auto& [key, value] : listing.extra) {
    writer.Key(key);
    writer.Raw(value);
  }
  writer.EndObject();
  out += '\n';
  return out;
}

constexpr std::size_t kGap = 2;          // blanks between columns
constexpr std::size_t kLeastShrunk = 8;  // columns that a cut field keeps

std::vector<std::size_t> NaturalWidths(const Listing& listing) {
  std::vector<std::size_t> widths;
  for (const auto& column : listing.columns) widths.push_back(DisplayWidth(column.title));
  for (const auto& row : listing.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i].human));
    }
  }
  return widths;
}

// Takes what is too much from the widest of the columns that shrink, again and again, then leaves
// out columns that can be missed, the last one first.
void FitInto(const Listing& listing, std::size_t available, std::vector<std::size_t>& widths,
             std::vector<std::size_t>& shown) {
  std::size_t total = 0;
  for (const std::size_t i : shown) total += widths[i] + (total > 0 ? kGap : 0);
  while (total > available) {
    std::size_t widest = widths.size();
    for (const std::size_t i : shown) {
      if (!listing.columns[i].shrinks || widths[i] <= kLeastShrunk) continue;
      if (widest == widths.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == widths.size()) break;
    --widths[widest];
    --total;
  }
  for (std::size_t at = shown.size(); total > available && at > 0;) {
    --at;
    if (!listing.columns[shown[at]].optional) continue;
    total -= widths[shown[at]] + kGap;
    shown.erase(shown.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

void AppendField(const Terminal& terminal, const std::string& text, Style style, std::size_t width,
                 bool right, bool last, std::string& out) {
  const std::string shown = DisplayWidth(text) > width ? Shorten(text, width) : text;
  const std::size_t padding = width - DisplayWidth(shown);
  if (right) out.append(padding, ' ');
  terminal.Paint(style, shown, out);
  if (!right && !last) out.append(padding, ' ');
  if (!last) out.append(kGap, ' ');
}

std::string RenderTable(const Listing& listing, const Terminal& terminal) {
  if (listing.rows.empty()) return "";
  std::vector<std::size_t> widths = NaturalWidths(listing);
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (!listing.columns[i].title.empty()) shown.push_back(i);
  }
  if (terminal.is_terminal) FitInto(listing, terminal.width, widths, shown);
  std::string out;
  for (const std::size_t i : shown) {
    AppendField(terminal, listing.columns[i].title, Style::kDim, widths[i],
                listing.columns[i].right, i == shown.back(), out);
  }
  out += '\n';
  for (const auto& row : listing.rows) {
    for (const std::size_t i : shown) {
      AppendField(terminal, row[i].human, row[i].style, widths[i], listing.columns[i].right,
                  i == shown.back(), out);
    }
    out += '\n';
  }
  return out;
}

}  // namespace

void FormFlags::AddTo(CLI::App& app, bool csv) {
  app.add_flag("--json", json_, "Print one JSON document")->group("Output");
  app.add_flag("--jsonl", json_lines_, "Print JSON, one object a line")->group("Output");
  if (csv) app.add_flag("--csv", csv_, "Print comma-separated values")->group("Output");
  AddColorFlag(app, color_);
}

Form FormFlags::form() const noexcept {
  return json_ ? Form::kJson : json_lines_ ? Form::kJsonLines : csv_ ? Form::kCsv : Form::kTable;
}

Cell Cell::Text(std::string_view text, Style style) {
  return {CleanText(text), std::string(text), JsonText(text), style};
}

Cell Cell::Count(std::uint64_t count, Style style) {
  const std::string digits = std::to_string(count);
  return {CountText(count), digits, digits, style};
}

Cell Cell::Decimal(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return {text, text, text, Style::kPlain};
}

Cell Cell::Id(TraceId id) { return Text(id.ToShortHex(), Style::kYellow); }

Cell Cell::Duration(bool present, std::uint64_t ns, Style style) {
  if (!present) return {"", "", "null", Style::kPlain};
  const std::string digits = std::to_string(ns);
  return {DurationText(ns), digits, digits, style};
}

Cell Cell::Time(bool present, std::uint64_t unix_ns) {
  if (!present) return {"", "", "null", Style::kPlain};
  const std::string text = TimeText(unix_ns);
  return {ShortTimeText(unix_ns), text, JsonText(text), Style::kPlain};
}

Cell Cell::Bytes(std::uint64_t bytes) {
  const std::string digits = std::to_string(bytes);
  return {BytesText(bytes), digits, digits, Style::kPlain};
}

std::string Render(const Listing& listing, Form form, const Terminal& terminal) {
  switch (form) {
    case Form::kTable: return RenderTable(listing, terminal);
    case Form::kJson: return RenderJson(listing);
    case Form::kJsonLines: return RenderJsonLines(listing);
    case Form::kCsv: return RenderCsv(listing);
  }
  return "";
}

int Print(const Listing& listing, const FormFlags& flags) {
  const Status status = WriteOut(Render(listing, flags.form(), flags.terminal()));
  return status ? static_cast<int>(kExitOk) : Fail(status.error());
}

}  // namespace tracestore::tools
