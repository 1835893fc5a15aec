// Layout: docs/format/segment.md.
#include "store/segment/segment_reader.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/stop.h"
#include "base/try.h"
#include "codec/column/int_stream.h"

namespace tracestore::store {

Error SegmentReader::Damaged(const std::string& what) const {
  return {ErrorCode::kCorruption, "segment " + name_ + ": " + what};
}

Result<std::string> SegmentReader::ReadBytes(std::uint64_t offset, std::uint64_t bytes) const {
  return ReadSegmentBytes(*file_, name_, file_bytes_, offset, bytes);
}

Result<std::shared_ptr<const SegmentReader>> SegmentReader::Open(
    std::unique_ptr<fs::RandomAccessFile> file, std::string name,
    std::shared_ptr<PageCache> pages) {
  auto reader = std::shared_ptr<SegmentReader>(
      new SegmentReader(std::move(file), std::move(name), std::move(pages)));
  TS_TRY(reader->ReadFooter());
  TS_TRY(reader->ReadMeta());
  TS_TRY(reader->ReadPages());
  TS_TRY_ASSIGN(const std::string filter, reader->ReadSection(SectionKind::kTraceFilter));
  if (!filter.empty()) {
    TS_TRY_ASSIGN(reader->trace_filter_, index::FuseFilter::Parse(filter));
  }
  return std::shared_ptr<const SegmentReader>(std::move(reader));
}

SegmentReader::~SegmentReader() {
  if (cache_ != nullptr) cache_->Forget(cache_owner_);
}

Status SegmentReader::ReadFooter() {
  TS_TRY_ASSIGN(const SegmentFooter footer, ReadSegmentFooter(*file_, name_));
  file_bytes_ = footer.file_bytes;
  // An unknown kind is kept and never asked for.
  for (const SegmentSection& section : footer.sections) sections_[section.kind] = section;
  return {};
}

Result<std::string> SegmentReader::ReadSection(SectionKind kind) const {
  const auto found = sections_.find(kind);
  if (found == sections_.end())
    return Damaged("its " + SegmentSectionName(kind) + " is missing");
  const SegmentSection& section = found->second;
  if (section.bytes > kMaxSectionBytes) return Damaged("a section is larger than allowed");
  TS_TRY_ASSIGN(std::string bytes, ReadBytes(section.offset, section.bytes));
  if (base::Checksum32(bytes) != section.checksum) {
    return Damaged("section checksum mismatch at byte " + std::to_string(section.offset));
  }
  return bytes;
}

Status SegmentReader::ReadMeta() {
  TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kMeta));
  base::ByteReader in(bytes);
  meta_.rows = static_cast<std::uint32_t>(in.BoundedVarint(kMaxSegmentRows));
  meta_.traces = static_cast<std::uint32_t>(in.BoundedVarint(meta_.rows));
  meta_.min_start_ns = in.Varint();
  meta_.max_start_ns = in.Varint();
  meta_.max_end_ns = in.Varint();
  meta_.max_trace_duration_ns = in.Varint();
  meta_.has_startless = in.Varint() != 0;
  if (!in.ok() || !in.done() || meta_.rows == 0) return Damaged("its meta section is damaged");
  return {};
}

Status SegmentReader::ReadPages() {
  TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kPages));
  base::ByteReader in(bytes);
  const std::uint64_t count =
      in.BoundedVarint(std::min<std::uint64_t>(meta_.rows, file_bytes_ / kLeastPageBytes));
  pages_.resize(static_cast<std::size_t>(count));
  std::vector<std::uint64_t> values;
  const auto read = [&](auto set) -> Status {
    TS_TRY(column::DecodeInts(in, pages_.size(), values));
    for (std::size_t i = 0; i < pages_.size(); ++i) set(pages_[i], values[i]);
    return {};
  };
  std::uint64_t rows = 0;
  TS_TRY(read([&](PageInfo& page, std::uint64_t v) {
    page.first_row = static_cast<std::uint32_t>(rows);
    page.rows = static_cast<std::uint32_t>(std::min<std::uint64_t>(v, meta_.rows));
    rows = std::min<std::uint64_t>(rows + v, meta_.rows + 1ULL);
  }));
  std::uint64_t offset = kSegmentHeaderBytes;
  bool good = rows == meta_.rows;
  for (const PageInfo& page : pages_) good = good && page.rows <= kMaxPageRows;
  TS_TRY(read([&](PageInfo& page, std::uint64_t v) {
    page.offset = offset;
    good = good && page.rows > 0 && v <= kMaxPageBytes && v <= file_bytes_ - offset;
    page.bytes = static_cast<std::uint32_t>(good ? v : 0);
    offset = good ? offset + v + kPageHeaderBytes : offset;
    good = good && offset <= file_bytes_;
  }));
  TS_TRY(read([](PageInfo& page, std::uint64_t v) { page.min_start_ns = v; }));
  TS_TRY(read([](PageInfo& page, std::uint64_t v) { page.max_start_ns = v; }));
  TS_TRY(read([](PageInfo& page, std::uint64_t v) { page.max_duration_ns = v; }));
  if (!good || !in.ok() || !in.done()) return Damaged("its page index is damaged");
  return {};
}

bool SegmentReader::MayHaveTrace(TraceId id) const noexcept {
  return !trace_filter_ || trace_filter_->MayContain(id.low);
}

Result<std::vector<std::uint32_t>> SegmentReader::FindTrace(TraceId id) const {
  TS_TRY_ASSIGN(auto found, PartsWithLowId(id.low));
  if (found.empty()) return found;
  TS_TRY_ASSIGN(const TraceTable* table, traces());
  std::erase_if(found, [&](std::uint32_t i) { return table->parts[i].id != id; });
  return found;
}

Result<bool> SegmentReader::HasLowId(std::uint64_t low) const {
  if (!MayHaveTrace(TraceId{0, low})) return false;
  TS_TRY_ASSIGN(const auto* ids, low_ids_.Get([this]() -> Result<std::vector<std::uint64_t>> {
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kTraces));
    base::ByteReader in(bytes);
    const auto parts = static_cast<std::size_t>(in.BoundedVarint(meta_.rows));
    std::vector<std::uint64_t> high, lows;
    TS_TRY(column::DecodeInts(in, parts, high));
    TS_TRY(column::DecodeInts(in, parts, lows));
    if (parts != meta_.traces) return Damaged("its table of traces has another length");
    lows.shrink_to_fit();
    return lows;
  }));
  const auto order = trace_order();
  // A segment whose order is damaged keeps no new one from being sealed.
  if (!order.has_value()) return std::find(ids->begin(), ids->end(), low) != ids->end();
  return !(*order)->Find(low, [&](std::uint32_t i) { return (*ids)[i]; }).empty();
}

Result<std::vector<std::uint32_t>> SegmentReader::PartsWithLowId(std::uint64_t low) const {
  // The filter errs once in 256: of many segments some would read table and dictionary for nothing.
  TS_TRY_ASSIGN(const bool here, HasLowId(low));
  if (!here) return std::vector<std::uint32_t>{};
  TS_TRY_ASSIGN(const TraceTable* table, traces());
  TS_TRY_ASSIGN(const index::IdPermutation* order, trace_order());
  return order->Find(low, [&](std::uint32_t i) { return table->parts[i].id.low; });
}

Result<std::vector<TraceId>> SegmentReader::FindLowId(std::uint64_t low) const {
  TS_TRY_ASSIGN(const auto parts, PartsWithLowId(low));
  std::vector<TraceId> ids;
  if (parts.empty()) return ids;
  TS_TRY_ASSIGN(const TraceTable* table, traces());
  for (const std::uint32_t part : parts) ids.push_back(table->parts[part].id);
  return ids;
}

Result<const TraceTable*> SegmentReader::traces() const {
  return traces_.Get([this]() -> Result<TraceTable> {
    TS_TRY_ASSIGN(const auto* strings, dictionary());
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kTraces));
    auto table =
        TraceTable::Parse(bytes, meta_.rows, static_cast<std::uint32_t>(strings->size()));
    if (!table.has_value()) return std::move(table).error().WithContext("segment " + name_);
    if (table->parts.size() != meta_.traces) return Damaged("its table of traces lacks some");
    return table;
  });
}

Result<const ServiceLists*> SegmentReader::service_lists() const {
  return service_lists_.Get([this]() -> Result<ServiceLists> {
    TS_TRY_ASSIGN(const auto* strings, dictionary());
    TS_TRY_ASSIGN(const TraceTable* table, traces());
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kTraces));
    auto lists =
        table->ParseLists(bytes, meta_.rows, static_cast<std::uint32_t>(strings->size()));
    if (!lists.has_value()) return std::move(lists).error().WithContext("segment " + name_);
    return lists;
  });
}

Result<const column::StringDictionary*> SegmentReader::dictionary() const {
  return dictionary_.Get([this]() -> Result<column::StringDictionary> {
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kDictionary));
    // Front coding and compression let few bytes stand for many; a larger section may hold more.
    column::StringDictionaryLimits limits;
    limits.max_entries = std::max(limits.max_entries, bytes.size() * 8);
    limits.max_total_bytes = std::max(limits.max_total_bytes, bytes.size() * 64);
    return column::StringDictionary::Parse(bytes, limits);
  });
}

Result<const SegmentTables*> SegmentReader::tables() const {
  return tables_.Get([this]() -> Result<SegmentTables> {
    TS_TRY_ASSIGN(const auto* strings, dictionary());
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kTables));
    return SegmentTables::Parse(bytes, static_cast<std::uint32_t>(strings->size()));
  });
}

Result<const index::Postings*> SegmentReader::postings() const {
  return postings_.Get([this]() -> Result<index::Postings> {
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kPostings));
    return index::Postings::Parse(bytes, page_count());
  });
}

template <typename Summary>
Result<const Summary*> SegmentReader::ReadSummary(SectionKind kind,
                                                  const Lazy<Summary>& lazy) const {
  if (!sections_.contains(kind)) return static_cast<const Summary*>(nullptr);
  return lazy.Get([&]() -> Result<Summary> {
    TS_TRY_ASSIGN(const auto* strings, dictionary());
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(kind));
    auto summary = Summary::Parse(bytes, meta_.rows, static_cast<std::uint32_t>(strings->size()));
    if (!summary.has_value()) return std::move(summary).error().WithContext("segment " + name_);
    return summary;
  });
}

Result<std::optional<SegmentOrigin>> SegmentReader::ReadOrigin() const {
  if (!sections_.contains(SectionKind::kOrigin)) return std::optional<SegmentOrigin>();
  TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kOrigin));
  auto origin = ParseOrigin(bytes);
  if (!origin.has_value()) return std::move(origin).error().WithContext("segment " + name_);
  return std::optional<SegmentOrigin>(*origin);
}

Result<const LinkSummary*> SegmentReader::links() const {
  return ReadSummary(SectionKind::kLinks, links_);
}
Result<const MetricSummary*> SegmentReader::metrics() const {
  return ReadSummary(SectionKind::kSpanMetrics, metrics_);
}

Result<const index::IdPermutation*> SegmentReader::trace_order() const {
  return trace_order_.Get([this]() -> Result<index::IdPermutation> {
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kTraceOrder));
    TS_TRY_ASSIGN(auto order, index::IdPermutation::Parse(bytes));
    if (order.size() != meta_.traces) return Damaged("its order of trace ids has another length");
    return order;
  });
}

Result<const TemplateMap*> SegmentReader::templates() const {
  return templates_.Get([this]() -> Result<TemplateMap> {
    TS_TRY_ASSIGN(const std::string bytes, ReadSection(SectionKind::kTemplates));
    base::ByteReader in(bytes);
    TemplateMap map;
    const std::size_t count = in.Count(2);
    for (std::size_t i = 0; i < count; ++i) {
      const auto column = static_cast<std::uint32_t>(in.BoundedVarint(kMaxColumns));
      const std::string_view table_bytes = in.Bytes();
      if (!in.ok()) break;
      TS_TRY_ASSIGN(auto parsed, column::ParseTemplateTable(table_bytes));
      map.emplace(column, std::move(parsed));
    }
    if (!in.ok() || !in.done()) return Damaged("its templates are damaged");
    return map;
  });
}

std::uint32_t SegmentReader::PageOfRow(std::uint32_t row) const noexcept {
  const auto after = std::upper_bound(
      pages_.begin(), pages_.end(), row,
      [](std::uint32_t wanted, const PageInfo& page) { return wanted < page.first_row; });
  return static_cast<std::uint32_t>(after - pages_.begin()) - 1;
}

Result<PageContext> SegmentReader::Context() const {
  PageContext context;
  TS_TRY_ASSIGN(context.dictionary, dictionary());
  TS_TRY_ASSIGN(context.tables, tables());
  TS_TRY_ASSIGN(context.traces, traces());
  TS_TRY_ASSIGN(context.templates, templates());
  return context;
}

Result<std::string> SegmentReader::ReadPage(std::uint32_t page) const {
  const PageInfo& info = pages_[page];
  TS_TRY_ASSIGN(std::string bytes, ReadBytes(info.offset, info.bytes + kPageHeaderBytes));
  base::ByteReader header(bytes);
  const std::uint32_t checksum = header.U32();
  const std::uint32_t length = header.U32();
  bytes.erase(0, kPageHeaderBytes);
  if (length != info.bytes || base::Checksum32(bytes) != checksum) {
    return Damaged("page " + std::to_string(page) + " checksum mismatch at byte " +
                   std::to_string(info.offset));
  }
  return bytes;
}

Result<std::shared_ptr<const PageCodes>> SegmentReader::Codes(std::uint32_t page,
                                                              const PageContext& context,
                                                              bool keep) const {
  if (cache_ != nullptr) {
    if (auto known = cache_->Find(cache_owner_, page)) return known;
  }
  TS_TRY_ASSIGN(std::string payload, ReadPage(page));
  const PageInfo& info = pages_[page];
  auto codes = PageCodes::Decode(std::move(payload), info.first_row, info.rows, context);
  if (!codes.has_value()) return InPage(page, std::move(codes).error());
  if (keep && cache_ != nullptr) cache_->Keep(cache_owner_, page, *codes);
  return codes;
}

Error SegmentReader::InPage(std::uint32_t page, Error error) const {
  return std::move(error).WithContext("segment " + name_ + ", page " + std::to_string(page) +
                                      " at byte " + std::to_string(pages_[page].offset));
}

Status SegmentReader::ReadRows(std::uint32_t first, std::uint32_t last,
                               const Projection& projection, model::SpanBatch& out,
                               const StopWhen& stop) const {
  if (first >= last) return {};
  TS_TRY_ASSIGN(const PageContext context, Context());
  PageDecoder decoder(context, projection, out);
  for (std::uint32_t page = PageOfRow(first); page < page_count(); ++page) {
    if (pages_[page].first_row >= last) break;
    TS_TRY(CheckStop(stop));
    TS_TRY_ASSIGN(const auto codes, Codes(page, context, projection.keep_pages));
    auto decoded = decoder.Decode(*codes, first, last);
    if (!decoded.has_value()) return InPage(page, std::move(decoded).error());
  }
  return {};
}

Status SegmentReader::ReadTree(std::uint32_t page, PageTree& out) const {
  TS_TRY_ASSIGN(const TraceTable* table, traces());
  TS_TRY_ASSIGN(const std::string payload, ReadPage(page));
  auto read = ReadPageTree(payload, pages_[page].first_row, pages_[page].rows, *table, out);
  if (!read.has_value()) return InPage(page, std::move(read).error());
  return {};
}

Status SegmentReader::VerifyAll() const {
  for (const auto& [kind, section] : sections_) TS_TRY(ReadSection(kind));
  TS_TRY_ASSIGN(const auto* lists, postings());
  TS_TRY(lists->Verify());
  TS_TRY(text_filters());
  TS_TRY(trace_order());
  TS_TRY(service_lists());
  TS_TRY(links());
  TS_TRY(metrics());
  for (const PageInfo& page : pages_) {
    model::SpanBatch rows;
    TS_TRY(ReadRows(page.first_row, page.first_row + page.rows, Projection{}, rows));
    if (rows.size() != page.rows)
      return Damaged("the page at byte " + std::to_string(page.offset) + " lacks rows");
  }
  return {};
}

}  // namespace tracestore::store
