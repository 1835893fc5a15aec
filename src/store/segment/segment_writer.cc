// Layout: docs/format/segment.md.
#include "store/segment/segment_writer.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "codec/column/int_stream.h"
#include "codec/column/string_dictionary.h"
#include "index/fuse_filter.h"
#include "index/id_permutation.h"
#include "store/segment/dictionary_builder.h"
#include "store/segment/index_builder.h"
#include "store/segment/page_cuts.h"
#include "store/segment/page_encoder.h"
#include "store/segment/row_order.h"
#include "store/segment/segment_footer.h"
#include "store/segment/segment_format.h"
#include "store/segment/shape_builder.h"
#include "store/segment/summary_builder.h"
#include "store/segment/trace_parts.h"

namespace tracestore::store {
namespace {

using model::SpanBatch;
using model::SpanRecord;

struct PageEntry {
  std::uint32_t first_row = 0;
  std::uint32_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t min_start = ~0ULL;
  std::uint64_t max_start = 0;
  std::uint64_t max_duration = 0;
};

// Templates for each column that has raw strings.
ColumnTemplates BuildTemplates(const SpanBatch& batch, const RowOrder& order,
                               const Shapes& shapes, const TextSplits& splits) {
  std::map<std::uint32_t, column::TemplateTableBuilder> builders;
  const auto add = [&](std::uint32_t value, std::uint64_t bits) {
    if (value == kNoValue || shapes.value_ranks[value] != kNoValue) return;
    const SlotCount& slot = shapes.slots[shapes.values.entries()[value].scope];
    const Column& column = shapes.tables.columns[slot.column];
    if (static_cast<ValueType>(column.type_byte & 0x7F) != ValueType::kString) return;
    const auto id = static_cast<model::StringId>(bits);
    column::TemplateTableBuilder& builder = builders[slot.column];
    if (const column::KnownSplit split = splits.Of(id))
      builder.Add(batch.text(id), split, splits.templates());
    else
      builder.Add(batch.text(id));
  };
  for (std::size_t i = 0; i < batch.attributes.size(); ++i)
    add(shapes.attribute_values[i], batch.attributes[i].bits);
  for (std::size_t row = 0; row < order.rows.size(); ++row)
    add(shapes.rows[row].message_value, batch.spans[order.rows[row]].status_message);
  ColumnTemplates templates;
  for (auto& [column, builder] : builders) {
    column::TemplateTable table = builder.Finish();
    if (!table.empty()) templates.emplace(column, std::move(table));
  }
  return templates;
}

std::string EncodeTemplates(const ColumnTemplates& templates) {
  std::string section;
  base::ByteWriter writer(section);
  writer.Varint(templates.size());
  for (const auto& [column, table] : templates) {
    writer.Varint(column);
    writer.Bytes(column::EncodeTemplateTable(table));
  }
  return section;
}

// The bytes of a file: pages as they come, then all sections with footer and trailer.
class FileBuilder {
 public:
  explicit FileBuilder(std::string& out) : out_(out) { out_ += SegmentHeader(); }
  void Page(const std::string& payload) {
    base::ByteWriter writer(out_);
    writer.U32(base::Checksum32(payload));
    writer.U32(static_cast<std::uint32_t>(payload.size()));
    writer.Raw(payload);
  }
  void Section(SectionKind kind, std::string bytes) {
    sections_.push_back({kind, 0, bytes.size(), base::Checksum32(bytes)});
    bytes_.push_back(std::move(bytes));
  }
  // The recovery section stands first, so that its distance to what it copies, which stands last, is
  // all the rest.
  void Finish() {
    SegmentRecovery recovery;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      if (IsCopied(sections_[i].kind)) recovery.copies[sections_[i].kind] = bytes_[i];
    }
    std::uint64_t at = out_.size() + RecoveryBytes(sections_.size(), recovery.copies);
    for (const bool copied : {false, true}) {
      for (SegmentSection& section : sections_) {
        if (IsCopied(section.kind) != copied) continue;
        section.offset = at;
        at += section.bytes;
      }
    }
    recovery.sections = sections_;
    recovery.offset = out_.size();
    const std::string second = EncodeRecovery(recovery);
    sections_.push_back(
        {SectionKind::kRecovery, out_.size(), second.size(), base::Checksum32(second)});
    out_ += second;
    for (const bool copied : {false, true}) {
      for (std::size_t i = 0; i < bytes_.size(); ++i) {
        if (IsCopied(sections_[i].kind) == copied) out_ += bytes_[i];
      }
    }
    AppendSegmentFooter(sections_, out_.size(), out_);
  }

 private:
  static bool IsCopied(SectionKind kind) {
    return kind == SectionKind::kDictionary || kind == SectionKind::kTables ||
           kind == SectionKind::kTemplates;
  }

  std::string& out_;
  std::vector<SegmentSection> sections_;
  std::vector<std::string> bytes_;  // of each
};

std::string EncodePageIndex(const std::vector<PageEntry>& pages) {
  std::string section;
  base::ByteWriter(section).Varint(pages.size());
  const auto write = [&](auto get) {
    std::vector<std::uint64_t> values;
    for (const PageEntry& page : pages) values.push_back(get(page));
    column::EncodeInts(values, section);
  };
  write([](const PageEntry& p) { return p.rows; });
  write([](const PageEntry& p) { return p.bytes; });
  write([](const PageEntry& p) { return p.min_start; });
  write([](const PageEntry& p) { return p.max_start; });
  write([](const PageEntry& p) { return p.max_duration; });
  return section;
}

std::string EncodeMeta(const SegmentMeta& meta) {
  std::string section;
  base::ByteWriter writer(section);
  writer.Varint(meta.rows);
  writer.Varint(meta.traces);
  writer.Varint(meta.min_start_ns);
  writer.Varint(meta.max_start_ns);
  writer.Varint(meta.max_end_ns);
  writer.Varint(meta.max_trace_duration_ns);
  writer.Varint(meta.has_startless ? 1 : 0);
  return section;
}

SegmentMeta MakeMeta(const SpanBatch& batch, const RowOrder& order) {
  SegmentMeta meta;
  meta.rows = static_cast<std::uint32_t>(batch.size());
  meta.traces = static_cast<std::uint32_t>(order.traces.size());
  bool any = false;
  for (const SpanRecord& span : batch.spans) {
    if (!span.has_start()) {
      meta.has_startless = true;
      continue;
    }
    meta.min_start_ns = any ? std::min(meta.min_start_ns, span.start_ns) : span.start_ns;
    meta.max_start_ns = std::max(meta.max_start_ns, span.start_ns);
    any = true;
  }
  for (const TraceRows& trace : order.traces) {
    meta.max_end_ns = std::max(meta.max_end_ns, trace.end_ns);
    meta.max_trace_duration_ns =
        std::max(meta.max_trace_duration_ns, trace.end_ns - trace.start_ns);
  }
  return meta;
}

void WidenZone(const SpanRecord& span, PageEntry& page) {
  // A span without a start may belong to a trace of any start: the page then covers all of time.
  page.min_start = std::min(page.min_start, span.start_ns);
  page.max_start = std::max(page.max_start, span.has_start() ? span.start_ns : ~std::uint64_t{0});
  page.max_duration = std::max(page.max_duration, span.duration_ns);
}

void WriteTraceLookups(const TraceTable& traces, FileBuilder& file) {
  std::vector<std::uint64_t> low;
  for (const TracePart& part : traces.parts) low.push_back(part.id.low);
  std::string filter_bytes;
  // Without a filter (no seed fits) the section stays empty: any id may be here.
  if (const auto filter = index::FuseFilter::Build(low); filter.has_value())
    filter->AppendTo(filter_bytes);
  file.Section(SectionKind::kTraceFilter, filter_bytes);
  std::string order_bytes;
  index::IdPermutation::Build(low).AppendTo(order_bytes);
  file.Section(SectionKind::kTraceOrder, order_bytes);
}

}  // namespace

Result<BuiltSegment> BuildSegment(const SpanBatch& batch,
                                  const std::optional<SegmentOrigin>& origin, RowHints hints) {
  if (batch.empty() || batch.size() > kMaxSegmentRows) {
    return Error(ErrorCode::kInvalidArgument,
                 "a segment holds 1 to " + std::to_string(kMaxSegmentRows) + " spans, not " +
                     std::to_string(batch.size()));
  }
  const RowOrder order = OrderRows(batch);
  Shapes shapes = BuildShapes(batch, order, hints);
  ChooseTimeBases(batch, order, shapes);
  const DictionaryBuilder dictionary(batch, shapes);
  dictionary.MapTables(shapes.tables);
  const ColumnTemplates templates = BuildTemplates(batch, order, shapes, hints.splits);
  const auto [traces, services] = BuildTraces(batch, order, dictionary);

  // More than usual spans take: it is not copied as it grows, and what is not used of it is no memory.
  constexpr std::size_t kUsualBytesASpan = 48;
  BuiltSegment built;
  built.bytes.reserve(batch.size() * kUsualBytesASpan);
  built.meta = MakeMeta(batch, order);
  FileBuilder file(built.bytes);
  PageEncoder encoder(batch, order, shapes, templates, hints.splits);
  IndexBuilder index(batch, order, shapes, dictionary);
  std::vector<PageEntry> pages;
  std::uint32_t first = 0;
  for (const std::uint32_t end : CutPages(batch, order, shapes)) {
    PageEntry page;
    page.first_row = first;
    page.rows = end - first;
    for (std::uint32_t row = first; row < end; ++row) WidenZone(batch.spans[order.rows[row]], page);
    index.AddPage(static_cast<std::uint32_t>(pages.size()), first, end);
    const std::string payload = encoder.Encode(first, end);
    page.bytes = payload.size();
    file.Page(payload);
    pages.push_back(page);
    first = end;
  }
  file.Section(SectionKind::kDictionary, column::EncodeStringDictionary(dictionary.strings()));
  file.Section(SectionKind::kTables, shapes.tables.Encode());
  file.Section(SectionKind::kTemplates, EncodeTemplates(templates));
  file.Section(SectionKind::kTraces, traces.Encode(services));
  file.Section(SectionKind::kPages, EncodePageIndex(pages));
  file.Section(SectionKind::kPostings,
               index.FinishPostings(static_cast<std::uint32_t>(pages.size())));
  file.Section(SectionKind::kTextFilters, index.FinishFilters());
  WriteTraceLookups(traces, file);
  const Summaries summaries = BuildSummaries(batch, order, dictionary, traces);
  if (summaries.links) file.Section(SectionKind::kLinks, summaries.links->Encode());
  file.Section(SectionKind::kSpanMetrics, summaries.metrics.Encode());
  if (origin) file.Section(SectionKind::kOrigin, EncodeOrigin(*origin));
  file.Section(SectionKind::kMeta, EncodeMeta(built.meta));
  file.Finish();
  for (const TracePart& part : traces.parts) built.trace_ids.push_back(part.id);
  return built;
}

}  // namespace tracestore::store
