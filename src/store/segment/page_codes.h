// PageCodes: the rows of a page as codes: ids, times, and numbers in the segment's tables, before
// any text or span is made of them (docs/format/segment.md, "Page").
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "codec/column/string_dictionary.h"
#include "codec/column/template_codec.h"
#include "store/segment/page_directory.h"
#include "store/segment/row_order.h"
#include "store/segment/segment_tables.h"
#include "store/segment/trace_table.h"

namespace tracestore::store {

using TemplateMap = std::map<std::uint32_t, column::TemplateTable>;  // by column

// What a page is read with; all of the same segment, borrowed.
struct PageContext {
  const SegmentTables* tables = nullptr;
  const column::StringDictionary* dictionary = nullptr;
  const TraceTable* traces = nullptr;
  const TemplateMap* templates = nullptr;
};

// What rows of one op, key set, event list and status have in common.
struct PageShape {
  std::uint32_t op = 0;          // 0: generic, all in the residue; else its number + 1
  std::uint32_t keyset = 0;      // in the tables
  std::uint32_t event_list = 0;  // in the tables
  std::uint8_t status = 0;       // StatusShape
  bool has_message() const noexcept { return (status & 1) != 0; }
};

struct RowCodes {
  SpanId span_id;
  std::uint64_t start_ns = 0;      // of a row without one: what stands for it
  std::uint64_t duration_ns = 0;
  std::uint32_t parent = kNoRow;   // row of the page
  std::uint32_t outside = 0;       // a row without such: number of its outside parent + 1; 0: none
  std::uint32_t resource = 0;      // in the tables
  std::uint32_t part = 0;          // of the table of traces
  std::uint32_t residue = kNoRow;  // number of its residue
  std::uint32_t shape = 0;
};

// Immutable once made; any thread reads. Holds the page's payload, whose columns are decoded when a
// PageDecoder wants them. Memory: about 48 bytes a row beside the payload.
class PageCodes {
 public:
  // `payload` has to be of the page that begins at row `first_row` of the segment and has `rows`
  // rows. Errors: kCorruption.
  static Result<std::shared_ptr<const PageCodes>> Decode(std::string payload,
                                                         std::uint32_t first_row,
                                                         std::uint32_t rows,
                                                         const PageContext& context);

  std::uint32_t first_row() const noexcept { return first_row_; }
  const std::vector<RowCodes>& rows() const noexcept { return rows_; }
  const std::vector<PageShape>& shapes() const noexcept { return shapes_; }
  const PageShape& ShapeOf(const RowCodes& row) const noexcept { return shapes_[row.shape]; }
  // Empty where the row has none.
  SpanId ParentOf(const RowCodes& row) const noexcept {
    if (row.parent != kNoRow) return rows_[row.parent].span_id;
    return row.outside == 0 ? SpanId{} : SpanId{outside_ids_[row.outside - 1]};
  }
  std::string_view Residue(const RowCodes& row) const noexcept { return residues_[row.residue]; }
  const PageDirectory& directory() const noexcept { return directory_; }
  std::string_view payload() const noexcept { return payload_; }
  std::size_t memory_bytes() const noexcept;

 private:
  class Builder;

  std::uint32_t first_row_ = 0;
  std::string payload_;
  PageDirectory directory_;  // of payload_
  std::vector<RowCodes> rows_;
  std::vector<PageShape> shapes_;
  std::vector<std::uint64_t> outside_ids_;
  std::string residue_arena_;
  std::vector<std::string_view> residues_;  // in residue_arena_ or payload_
};

}  // namespace tracestore::store
