// PageDecoder: rows of one page, wholly or in part, as a SpanBatch (docs/format/segment.md, "Page").
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

#include "codec/column/string_dictionary.h"
#include "codec/column/template_codec.h"
#include "model/span_batch.h"
#include "store/segment/page_directory.h"
#include "store/segment/preorder_times.h"
#include "store/segment/segment_tables.h"
#include "store/segment/trace_table.h"

namespace tracestore::store {

// What a page is read with; all of the same segment, borrowed.
struct PageContext {
  const SegmentTables* tables = nullptr;
  const column::StringDictionary* dictionary = nullptr;
  const TraceTable* traces = nullptr;
  const std::map<std::uint32_t, column::TemplateTable>* templates = nullptr;
};

// What to decode of a row. What is left out is empty or zero in the SpanRecord; ids, parent, times,
// name, kind, flags, status, resource, scope and what stands in a residue (references, trace state,
// dropped counts) are always there.
struct Projection {
  bool attributes = true;
  bool all_columns = true;
  std::vector<std::uint32_t> columns;  // ascending; used where all_columns is false
  bool events = true;
};

// Maps dictionary ids to the StringIds of the batch that is being filled, so that each text is
// interned once a batch. One thread; bound to one batch and segment at a time.
class TextMapper {
 public:
  void Bind(const column::StringDictionary& dictionary, model::SpanBatch& batch);
  model::StringId Map(std::uint32_t dictionary_id);

 private:
  static constexpr std::uint32_t kUnmapped = 0xFFFFFFFF;
  const column::StringDictionary* dictionary_ = nullptr;
  model::SpanBatch* batch_ = nullptr;
  std::vector<model::StringId> mapped_;
};

// Fills one SpanBatch with rows of pages of one segment. One thread.
class PageDecoder {
 public:
  // `context` and `out` must outlive the decoder. The segment's resources and scopes are added to
  // `out` as rows need them.
  PageDecoder(const PageContext& context, const Projection& projection, model::SpanBatch& out);

  // Appends the page's rows that lie in [first_wanted, last_wanted) of the segment. `payload` is
  // the page's, `first_row` its first row in the segment, `rows` how many it has to have.
  // Errors: kCorruption.
  Status Decode(std::string_view payload, std::uint32_t first_row, std::uint32_t rows,
                std::uint32_t first_wanted, std::uint32_t last_wanted);

 private:
  // The values of one stream, decoded when first asked for.
  struct Values {
    bool ready = false;
    std::size_t next = 0;
    std::vector<std::uint64_t> numbers;
    std::vector<std::string_view> texts;
    std::string arena;
  };

  void Reset();
  Status LoadNumbers(std::uint32_t stream, Values& values);
  Status LoadSigned(std::uint32_t stream, std::uint32_t signs, Values& values);
  Status LoadRaw(std::uint32_t column, bool of_event, Values& values);
  bool Take(Values& values, std::uint64_t& out);
  Status LoadFixedStreams(std::uint32_t rows);
  Status DecodeRow(std::uint32_t row, bool wanted);
  Status PlaceRow(std::uint32_t row, const TableOp* op, model::SpanRecord& span,
                  std::uint32_t& parent_row);
  Status ReadShape(std::uint32_t row, std::uint32_t parent_row, const TableOp& op, bool wanted,
                   model::SpanRecord& span);
  Status ReadAttributes(const std::vector<std::uint32_t>& keyset, std::size_t first_column,
                        const std::vector<Slot>& slots, bool of_event, bool wanted,
                        model::Range& range);
  Status ReadValue(std::uint32_t column, const std::vector<Slot>& slots, bool of_event,
                   bool wanted, std::uint64_t& bits);
  Values& ColumnValues(std::uint32_t column, bool of_event, bool raw);
  Status ReadEvents(model::SpanRecord& span, std::uint32_t event_list, bool wanted);
  Status FinishResidue(model::SpanRecord& span, bool generic, bool wanted);
  std::uint32_t MapResource(std::uint32_t resource);
  std::uint32_t MapScope(std::uint32_t scope);
  model::Range CopyAttributes(const std::vector<TableAttribute>& attributes);
  bool Wants(std::uint32_t column) const noexcept;

  const PageContext& context_;
  const Projection& projection_;
  model::SpanBatch& out_;
  TextMapper texts_;
  std::vector<std::uint32_t> resources_, scopes_;  // by number in the tables: index in out_
  PageDirectory directory_;
  Values op_, keyset_, status_, resource_, event_list_, odd_, pops_, root_code_, outside_ids_,
      span_ids_, starts_, durations_, event_times_, residue_;
  std::vector<std::unique_ptr<Values>> columns_;  // by 2 * (2 * column + event) + raw
  std::vector<Values*> touched_;
  PreorderTimes times_;
  std::size_t trace_ = 0;
  std::uint32_t first_row_ = 0;
  std::size_t text_bytes_ = 0;                     // of this page so far
  std::vector<std::uint64_t> page_span_ids_;       // by row in the page
  std::vector<std::uint32_t> page_resources_;
};

}  // namespace tracestore::store
