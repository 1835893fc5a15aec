// PageEncoder: one page of rows as bytes (docs/format/segment.md, "Page").
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "codec/column/template_codec.h"
#include "model/span_batch.h"
#include "store/segment/preorder_times.h"
#include "store/segment/row_hints.h"
#include "store/segment/row_order.h"
#include "store/segment/shape_builder.h"

namespace tracestore::store {

// Templates of the raw text columns, by column; a column without one is kept as text.
using ColumnTemplates = std::map<std::uint32_t, column::TemplateTable>;

// Chooses, op by op, what its starts and durations are coded from; writes it into `tables`.
void ChooseTimeBases(const model::SpanBatch& batch, const RowOrder& order, Shapes& shapes);

// One thread. All arguments must outlive the encoder. Memory is kept from page to page.
class PageEncoder {
 public:
  PageEncoder(const model::SpanBatch& batch, const RowOrder& order, const Shapes& shapes,
              const ColumnTemplates& templates, const TextSplits& splits);

  // The payload of the page with rows [first, last) of the order. Pages are encoded in order.
  std::string Encode(std::uint32_t first, std::uint32_t last);

  // Payload bytes so far by stream: StreamKind, or ColumnStreamId.
  const std::map<std::uint32_t, std::uint64_t>& bytes_by_stream() const noexcept { return bytes_; }

 private:
  void PlaceRow(std::uint32_t row, std::uint32_t first);
  void AddAttributes(model::Range range, const std::vector<std::uint32_t>& keyset,
                     std::size_t first_column, bool of_event);
  void AddValue(std::uint32_t column, std::uint32_t value, std::uint64_t bits, bool of_event);
  void AddEvents(const model::SpanRecord& span, std::uint64_t start, std::uint32_t event_list);
  std::uint32_t OutsideParent(const model::SpanRecord& span, std::uint32_t row);
  void Emit(std::uint32_t stream, const std::vector<std::uint64_t>& values);
  void EmitTexts(std::uint32_t stream, std::uint32_t column);
  void EmitSigned(std::uint32_t stream, std::uint32_t signs,
                  const std::vector<std::int64_t>& values);
  void EmitColumns();
  void Append(std::uint32_t stream, std::size_t count);

  struct ColumnData {
    std::vector<std::uint64_t> ranks, raw;
    std::vector<std::string_view> texts;
    std::vector<column::KnownSplit> splits;  // of each text
    bool used = false;
  };

  const model::SpanBatch& batch_;
  const RowOrder& order_;
  const Shapes& shapes_;
  const ColumnTemplates& templates_;
  const TextSplits& splits_;
  std::map<std::uint32_t, column::TemplatePlaces> places_;  // by column
  std::size_t next_trace_ = 0;

  PreorderTimes times_;
  std::vector<std::uint64_t> ops_, keysets_, statuses_, resources_, event_lists_, odd_, pops_,
      root_codes_, outside_ids_, outside_rows_, span_ids_;
  std::vector<std::int64_t> starts_, durations_, event_times_;
  std::vector<std::string> residues_;
  std::map<std::pair<TraceId, std::uint64_t>, std::uint32_t> outside_index_;
  std::vector<ColumnData> columns_;        // 2 * column + (of_event ? 1 : 0)
  std::vector<std::uint32_t> used_columns_;
  std::string directory_, body_, scratch_;
  std::uint32_t stream_count_ = 0;
  std::map<std::uint32_t, std::uint64_t> bytes_;
};

}  // namespace tracestore::store
