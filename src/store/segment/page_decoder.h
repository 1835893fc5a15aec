// PageDecoder: rows of one page, wholly or in part, as a SpanBatch (docs/format/segment.md,
// "Page").
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/status.h>

#include "codec/column/int_stream.h"
#include "codec/column/string_dictionary.h"
#include "model/span_batch.h"
#include "store/segment/page_codes.h"
#include "store/segment/row_hints.h"
#include "store/segment/segment_tables.h"

namespace tracestore::store {

// What to decode of a row. What is left out is empty or zero in the SpanRecord; ids, parent, times,
// name, kind, flags, status, resource, scope and what stands in a residue (references, trace state,
// dropped counts) are always there.
struct Projection {
  bool attributes = true;
  bool all_columns = true;
  std::vector<std::uint32_t> columns;  // ascending; used where all_columns is false
  bool events = true;
  // Pages that are read stay in the segment's cache. Not for those who read a segment from end to
  // end once.
  bool keep_pages = true;
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

// Rows [first, last) of a segment.
struct RowRun {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// Fills one SpanBatch with rows of pages of one segment. Of a page's columns only the values from the
// first wanted row to the last are decoded, where their encoding allows. One thread.
class PageDecoder {
 public:
  // `context` and `out` must outlive the decoder. The segment's resources and scopes are added to
  // `out` as rows need them. `hints`, which may be null, gets what is known of the rows.
  PageDecoder(const PageContext& context, const Projection& projection, model::SpanBatch& out,
              HintRecorder* hints = nullptr);

  // Appends the page's rows that lie in [first_wanted, last_wanted) of the segment.
  // Errors: kCorruption.
  Status Decode(const PageCodes& page, std::uint32_t first_wanted, std::uint32_t last_wanted);
  // The same of several runs, which ascend and lie in the page, none of them empty: each column is
  // decoded once.
  Status Decode(const PageCodes& page, std::span<const RowRun> runs);

  // How many streams of columns were decoded so far.
  std::uint64_t streams_decoded() const noexcept { return streams_decoded_; }

 private:
  // Neighbouring values of one stream: those of the wanted rows. Decoded when first asked for.
  struct Values {
    bool ready = false;
    column::StreamRange range;
    std::size_t next = 0;  // within the range
    std::vector<std::uint64_t> numbers;
    std::vector<std::string_view> texts;
    std::vector<std::uint64_t> hashes;  // of texts
    std::string arena;
    column::TemplatedCodes codes;  // of texts, where hints are wanted; empty without templates
    // The values of the templates of texts before number `code` end at `code_value`.
    std::size_t code = 0, code_value = 0;
  };

  Status FindRanges(std::uint32_t first, std::uint32_t last);
  Status AddShape(const PageShape& shape, std::size_t before, std::size_t within);
  Status AddColumns(const std::vector<std::uint32_t>& keyset, std::size_t first_column,
                    const std::vector<Slot>& slots, bool of_event, std::size_t before,
                    std::size_t within);
  Status LoadNumbers(std::uint32_t stream, column::StreamRange range,
                     std::vector<std::uint64_t>& numbers);
  Status LoadSigned(std::uint32_t stream, std::uint32_t signs, Values& values);
  Status LoadRaw(std::uint32_t column, bool of_event, Values& values);
  Status DecodeRow(const RowCodes& row);
  void SkipRow(const RowCodes& row);
  Status ReadShape(std::uint32_t shape, model::SpanRecord& span);
  // Whose values are read.
  struct Owner {
    const std::vector<Slot>& slots;
    const std::uint32_t* hints;  // by slot, as of HintRecorder; null without
    bool of_event;
  };
  Status ReadAttributes(const std::vector<std::uint32_t>& keyset, std::size_t first_column,
                        const Owner& owner, model::Range& range);
  // The next value of the row at hand. `hint`: kNoHint where it is in no list.
  Status ReadValue(std::uint32_t column, const Owner& owner, std::uint64_t& bits,
                   std::uint32_t& hint);
  model::StringId TakeText(std::uint32_t column, Values& raw);
  Values& ColumnValues(std::uint32_t column, bool of_event, bool raw);
  Status ReadEvents(model::SpanRecord& span, std::uint32_t event_list);
  Status ReadResidue(const RowCodes& row, bool generic, model::SpanRecord& span);
  std::uint32_t MapResource(std::uint32_t resource);
  std::uint32_t MapScope(std::uint32_t scope);
  model::Range CopyAttributes(const std::vector<TableAttribute>& attributes);
  bool Wants(std::uint32_t column) const noexcept;

  const PageContext& context_;
  const Projection& projection_;
  model::SpanBatch& out_;
  HintRecorder* const hints_;
  TextMapper texts_;
  std::vector<std::uint32_t> resources_, scopes_;  // by number in the tables: index in out_
  const PageCodes* page_ = nullptr;                // the one at hand
  std::vector<std::pair<std::uint32_t, std::uint32_t>> shape_rows_;  // by shape: before, wanted
  // A value of a row: its list, and where it is taken from; null where the list says it all.
  struct ValueSource {
    const Slot* slot = nullptr;
    Values* values = nullptr;
  };
  // Of a shape's values, in the order in which rows take them; where each shape's begin, and the end.
  std::vector<ValueSource> sources_;
  std::vector<std::size_t> first_sources_;
  std::size_t next_source_ = 0;
  std::vector<std::uint32_t> shape_hints_;  // by shape; empty without hints
  Values event_times_;
  std::vector<std::unique_ptr<Values>> columns_;  // by 2 * (2 * column + event) + raw
  std::vector<Values*> touched_;
  std::size_t text_bytes_ = 0;                     // of this page so far
  std::uint64_t streams_decoded_ = 0;
};

}  // namespace tracestore::store
