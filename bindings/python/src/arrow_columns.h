// Which columns tables of spans, events, links and summaries have, and how a row fills them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/spans.h>
#include <tracestore/store.h>
#include <tracestore/summary.h>

#include "arrow_build.h"

namespace tracestore::python {

// One column of a table whose rows are made of `Row`s.
template <typename Row>
class TableColumn {
 public:
  virtual ~TableColumn() = default;
  virtual ArrowField field() const = 0;
  // Makes room for so many rows: what has a fixed width is not moved while they come.
  virtual void Reserve(std::size_t rows) = 0;
  virtual void Append(const Row& row) = 0;
  virtual ArrowData Finish() = 0;
  // About how many bytes of text and items it holds: a batch is cut long before 2^31 of them.
  virtual std::size_t weight() const { return 0; }
  virtual bool overflowed() const { return false; }
  // Times that 64 bits with a sign don't hold, which became null.
  virtual std::uint64_t beyond() const { return 0; }
};

template <typename Row>
using TableColumns = std::vector<std::unique_ptr<TableColumn<Row>>>;

// How columns come that can come in several ways.
struct ColumnStyle {
  bool binary_ids = false;    // else hexadecimal text
  bool dictionaries = false;  // texts that many rows share by number
};

// What users choose of. Every name is checked: InvalidArgumentError is raised with the right ones.
struct ColumnChoice {
  std::vector<std::string> names;
  // Attribute keys, each with "text", "int", "float", "bool" or "bytes": a column each.
  std::vector<std::pair<std::string, std::string>> attributes;
  ColumnStyle style = {};

  bool Has(std::string_view name) const {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
};

// An event and a reference with the span that has it: rows of tables, valid as long as its list.
struct EventRow {
  SpanView span;
  EventView event;
};
struct LinkRow {
  SpanView span;
  ReferenceView link;
};

TableColumns<SpanView> SpanColumns(const ColumnChoice& choice);
TableColumns<EventRow> EventColumns(const ColumnChoice& choice);
TableColumns<LinkRow> LinkColumns(const ColumnChoice& choice);
TableColumns<TraceSummary> SummaryColumns(const std::vector<std::string>& names,
                                          const ColumnStyle& style);

// What has to be read for these columns.
SpanParts AttributeParts(const ColumnChoice& choice);  // for the attributes alone
SpanParts SpanPartsFor(const ColumnChoice& choice);
SpanParts EventPartsFor(const ColumnChoice& choice);
SpanParts LinkPartsFor(const ColumnChoice& choice);

std::vector<std::string> AllSpanColumns();
std::vector<std::string> AllEventColumns();
std::vector<std::string> AllLinkColumns();
std::vector<std::string> AllSummaryColumns();

}  // namespace tracestore::python
