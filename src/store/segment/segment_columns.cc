// What each column and section of a segment takes, under the names that `tracestore stats` shows.
#include <iterator>

#include "base/try.h"
#include "store/segment/page_directory.h"
#include "store/segment/segment_reader.h"

namespace tracestore::store {
namespace {

const char* SectionName(SectionKind kind) {
  switch (kind) {
    case SectionKind::kMeta: return "index.meta";
    case SectionKind::kDictionary: return "tables.dictionary";
    case SectionKind::kTables: return "tables.shapes";
    case SectionKind::kTraces: return "traces";
    case SectionKind::kPages: return "index.pages";
    case SectionKind::kPostings: return "index.postings";
    case SectionKind::kTraceFilter: return "index.trace_filter";
    case SectionKind::kTraceOrder: return "index.trace_order";
    case SectionKind::kTextFilters: return "index.text_filters";
    case SectionKind::kTemplates: return "tables.templates";
    case SectionKind::kLinks: return "summary.links";
    case SectionKind::kSpanMetrics: return "summary.span_metrics";
    case SectionKind::kOrigin: return "index.meta";
    case SectionKind::kRecovery: return "recovery";
  }
  return "unknown";
}

std::string StreamName(std::uint32_t id, const SegmentTables& tables,
                       const column::StringDictionary& dictionary) {
  static constexpr const char* kNames[] = {
      "op", "keyset", "status", "resource", "event_list", "odd", "parent", "parent", "parent",
      "parent", "span_id", "start", "start", "duration", "duration", "residue", "event_time",
      "event_time"};
  if (id < std::size(kNames)) return kNames[id];
  if (id < kFirstColumnStream) return "unknown";
  const std::uint32_t column = (id - kFirstColumnStream) / 8;
  if (column >= tables.columns.size()) return "unknown";
  if (column == kStatusMessageColumn) return "status_message";
  const bool of_event = (id - kFirstColumnStream) % 8 >= 3;
  return (of_event ? "event." : "attribute.") +
         std::string(dictionary.At(tables.columns[column].key));
}

}  // namespace

Result<std::map<std::string, std::uint64_t>> SegmentReader::BytesByColumn() const {
  std::map<std::string, std::uint64_t> bytes;
  for (const auto& [kind, section] : sections_) bytes[SectionName(kind)] += section.bytes;
  TS_TRY_ASSIGN(const auto* table, tables());
  TS_TRY_ASSIGN(const auto* strings, dictionary());
  std::uint64_t streams = 0;
  std::uint64_t payloads = 0;
  PageDirectory directory;
  for (std::uint32_t page = 0; page < page_count(); ++page) {
    TS_TRY_ASSIGN(const std::string payload, ReadPage(page));
    auto parsed = directory.Parse(payload, pages_[page].rows);
    if (!parsed.has_value()) return InPage(page, std::move(parsed).error());
    for (const PageDirectory::Stream& stream : directory.streams()) {
      bytes[StreamName(stream.id, *table, *strings)] += stream.bytes.size();
      streams += stream.bytes.size();
    }
    payloads += payload.size() + kPageHeaderBytes;
  }
  bytes["page_headers"] = payloads - streams;
  bytes["footer"] = file_bytes_ - payloads;
  for (const auto& [kind, section] : sections_) bytes["footer"] -= section.bytes;
  return bytes;
}

}  // namespace tracestore::store
