// Which columns a table of spans, or of summaries, has, and how a row fills them.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
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
  virtual void Append(const Row& row) = 0;
  virtual ArrowData Finish() = 0;
  // About how many bytes of text and items it holds: a batch is cut long before 2^31.
  virtual std::size_t weight() const { return 0; }
  virtual bool overflowed() const { return false; }
  // Times that 64 bits with a sign don't hold, which became null.
  virtual std::uint64_t beyond() const { return 0; }
};

template <typename Row>
using TableColumns = std::vector<std::unique_ptr<TableColumn<Row>>>;

// What users choose of. Every name is checked: InvalidArgumentError is raised with the right ones.
struct SpanColumnChoice {
  std::vector<std::string> names;
  // Attribute keys, each with "text", "int", "float", "bool" or "bytes": a column each.
  std::vector<std::pair<std::string, std::string>> attributes;
  bool binary_ids = false;  // else hexadecimal text
};

TableColumns<SpanView> SpanColumns(const SpanColumnChoice& choice);
TableColumns<TraceSummary> SummaryColumns(const std::vector<std::string>& names, bool binary_ids);

// What has to be read for these columns.
SpanParts PartsFor(const SpanColumnChoice& choice);

std::vector<std::string> AllSpanColumns();
std::vector<std::string> AllSummaryColumns();

}  // namespace tracestore::python
