#include "store/verify/segment_verifier.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "store/segment/page_tree.h"
#include "store/segment/segment_footer.h"
#include "store/segment/segment_recovery.h"
#include "store/verify/part_checker.h"
#include "store/verify/summary_checker.h"
#include "store/verify/term_checker.h"

namespace tracestore::store {
namespace {

// Of a whole page, its rows and its tree.
bool SameTree(const model::SpanBatch& rows, const PageTree& tree) {
  auto root = tree.roots.begin();
  for (std::uint32_t row = 0; row < rows.size(); ++row) {
    const std::uint32_t parent = tree.parents[row];
    const SpanId parent_id = parent == kNoRow ? (root++)->parent : SpanId{tree.ids[parent]};
    const model::SpanRecord& span = rows.spans[row];
    if (span.span_id.value != tree.ids[row] || span.parent_id != parent_id) return false;
  }
  return true;
}

// Of the file without a reader: the footer, the sections' checksums, and that the parts follow each
// other without a gap or an overlap, so that no byte but the reserved ones is without a checksum.
class FileChecker {
 public:
  FileChecker(const fs::RandomAccessFile& file, const std::string& name, VerifyRun& run)
      : file_(file), name_(name), run_(run) {}

  // Gives where the sections begin; none where the footer can't be read.
  std::optional<std::uint64_t> Check() {
    const auto footer = ReadSegmentFooter(file_, name_);
    if (!footer.has_value()) {
      const bool newer = footer.error().code() == ErrorCode::kUnsupported;
      const auto size = file_.Size();
      const std::uint64_t at = newer || !size.has_value() || *size < kSegmentTrailerBytes
                                   ? 0
                                   : *size - kSegmentTrailerBytes;
      run_.Say(name_, at, newer ? "header" : "footer", footer.error());
      return std::nullopt;
    }
    const std::uint64_t before = run_.findings();
    std::vector<SegmentSection> sections = footer->sections;
    std::sort(sections.begin(), sections.end(),
              [](const auto& a, const auto& b) { return a.offset < b.offset; });
    for (const SegmentSection& section : sections) CheckSection(footer->file_bytes, section);
    CheckTiles(*footer, sections);
    if (run_.findings() == before) CheckRecovery(*footer);
    return sections.empty() ? footer->offset : sections.front().offset;
  }

 private:
  void CheckSection(std::uint64_t file_bytes, const SegmentSection& section) {
    const auto say = [&](std::string what) {
      run_.Damage(name_, section.offset, SegmentSectionName(section.kind), std::move(what));
    };
    if (section.bytes > kMaxSectionBytes) return say("it is larger than allowed");
    const auto bytes =
        ReadSegmentBytes(file_, name_, file_bytes, section.offset, section.bytes);
    if (!bytes.has_value()) {
      run_.Say(name_, section.offset, SegmentSectionName(section.kind), bytes.error());
    } else if (base::Checksum32(*bytes) != section.checksum) {
      say("checksum mismatch");
    }
  }

  // That it says of the other sections what the footer says, and copies what stands there.
  void CheckRecovery(const SegmentFooter& footer) {
    std::map<SectionKind, SegmentSection> others;
    for (const SegmentSection& section : footer.sections) others[section.kind] = section;
    const auto found = others.find(SectionKind::kRecovery);
    if (found == others.end()) return;
    const std::uint64_t at = found->second.offset;
    others.erase(found);
    const auto recovery = ReadRecovery(file_, name_, footer.file_bytes, at);
    if (!recovery.has_value()) {
      run_.Say(name_, at, "recovery", recovery.error());
      return;
    }
    std::map<SectionKind, SegmentSection> said;
    for (const SegmentSection& section : recovery->sections) said[section.kind] = section;
    if (said != others) run_.Damage(name_, at, "recovery", "it says otherwise than the footer");
    for (const auto& [kind, bytes] : recovery->copies) {
      const auto original = others.find(kind);
      if (original != others.end() && original->second.bytes == bytes.size() &&
          original->second.checksum == base::Checksum32(bytes)) {
        continue;
      }
      run_.Damage(name_, at, "recovery",
                  "its copy of the " + SegmentSectionName(kind) + " is another one");
    }
  }

  void CheckTiles(const SegmentFooter& footer, const std::vector<SegmentSection>& sections) {
    std::vector<SectionKind> seen;
    std::uint64_t at = sections.empty() ? footer.offset : sections.front().offset;
    for (const SegmentSection& section : sections) {
      if (section.offset != at) {
        run_.Damage(name_, at, SegmentSectionName(section.kind),
                    "it doesn't begin where what stands before it ends");
      }
      at = section.offset + section.bytes;
      if (std::find(seen.begin(), seen.end(), section.kind) != seen.end())
        run_.Damage(name_, section.offset, SegmentSectionName(section.kind), "it stands twice");
      seen.push_back(section.kind);
    }
    if (footer.offset != at ||
        footer.offset + footer.bytes + kSegmentTrailerBytes != footer.file_bytes)
      run_.Damage(name_, footer.offset, "footer", "it doesn't stand between sections and trailer");
  }

  const fs::RandomAccessFile& file_;
  const std::string& name_;
  VerifyRun& run_;
};

// One file for the checks by bytes and for the reader.
class SharedFile final : public fs::RandomAccessFile {
 public:
  explicit SharedFile(std::shared_ptr<fs::RandomAccessFile> file) : file_(std::move(file)) {}
  Result<std::size_t> ReadAt(std::uint64_t offset, char* out, std::size_t size) const override {
    return file_->ReadAt(offset, out, size);
  }
  Result<std::uint64_t> Size() const override { return file_->Size(); }

 private:
  const std::shared_ptr<fs::RandomAccessFile> file_;
};

// Pages one behind the other by their own headers: what can be done where the page index is lost.
Status CheckPagesByHeaders(const fs::RandomAccessFile& file, const std::string& name,
                           std::uint64_t end, VerifyRun& run) {
  std::uint64_t at = kSegmentHeaderBytes;
  for (std::uint32_t page = 0; at < end; ++page) {
    const std::string section = "page " + std::to_string(page);
    const auto header = ReadSegmentBytes(file, name, end, at, kPageHeaderBytes);
    const std::uint64_t bytes =
        header.has_value() ? base::LoadLe<std::uint32_t>(header->data() + 4) : 0;
    if (!header.has_value() || bytes > end - at - kPageHeaderBytes) {
      run.Damage(name, at, section,
                 "its length goes past the pages; those behind it can't be found");
      return {};
    }
    const auto payload = ReadSegmentBytes(file, name, end, at + kPageHeaderBytes, bytes);
    if (!payload.has_value()) {
      run.Say(name, at, section, payload.error());
    } else if (base::Checksum32(*payload) != base::LoadLe<std::uint32_t>(header->data())) {
      run.Damage(name, at, section, "checksum mismatch");
    }
    ++run.counters().pages;
    TS_TRY(run.Advance(name, kPageHeaderBytes + bytes));
    at += kPageHeaderBytes + bytes;
  }
  return {};
}

// What the rows of an open segment say against its tables and indexes.
class ContentChecker {
 public:
  ContentChecker(const SegmentReader& segment, std::map<SectionKind, std::uint64_t> section_at,
                 VerifyRun& run)
      : segment_(segment), section_at_(std::move(section_at)), run_(run) {}

  Status Check(std::uint64_t findings_before) {
    const auto context = segment_.Context();
    const auto postings = segment_.postings();
    const auto order = segment_.trace_order();
    const auto services = segment_.service_lists();
    const auto filters = segment_.MayHaveHash(0, 0);
    Parsed(context, SectionKind::kTables, findings_before);
    Parsed(services, SectionKind::kTraces, findings_before);
    Parsed(postings, SectionKind::kPostings, findings_before);
    Parsed(order, SectionKind::kTraceOrder, findings_before);
    Parsed(filters, SectionKind::kTextFilters, findings_before);
    Parsed(segment_.links(), SectionKind::kLinks, findings_before);
    Parsed(segment_.metrics(), SectionKind::kSpanMetrics, findings_before);
    if (!context.has_value()) return CheckPages(nullptr, nullptr, nullptr);
    summaries_.emplace(segment_, *context->dictionary, section_at_, run_);
    PartChecker parts(segment_, *context->traces, services.has_value() ? *services : nullptr,
                      *context->dictionary, section_at_, run_);
    std::optional<TermChecker> terms;
    if (postings.has_value())
      terms.emplace(segment_, **postings, *context->dictionary, section_at_, run_);
    TS_TRY(CheckPages(&*context, &parts, terms ? &*terms : nullptr));
    if (order.has_value()) CheckLookups(*context->traces, **order);
    run_.counters().traces += context->traces->parts.size();
    return {};
  }

 private:
  // A section that can't be parsed, unless its checksum said so already.
  template <typename T>
  void Parsed(const Result<T>& part, SectionKind kind, std::uint64_t findings_before) {
    if (part.has_value() || run_.findings() > findings_before) return;
    run_.Say(segment_.name(), section_at_[kind], SegmentSectionName(kind), part.error());
  }

  Status CheckPages(const PageContext* context, PartChecker* parts, TermChecker* terms) {
    bool whole = true;
    for (std::uint32_t page = 0; page < segment_.page_count(); ++page) {
      const PageInfo& info = segment_.pages()[page];
      const auto read = ReadPage(page, context, parts, terms);
      if (!read.has_value()) {
        whole = false;
        if (parts != nullptr) parts->MissPage(page);
        run_.Say(segment_.name(), info.offset, "page " + std::to_string(page), read.error());
      }
      ++run_.counters().pages;
      TS_TRY(run_.Advance(segment_.name(), kPageHeaderBytes + std::uint64_t{info.bytes}));
    }
    if (parts != nullptr) parts->Finish();
    if (terms != nullptr) terms->Finish(whole);
    if (summaries_) summaries_->Finish(whole);
    return {};
  }

  Status ReadPage(std::uint32_t page, const PageContext* context, PartChecker* parts,
                  TermChecker* terms) {
    const PageInfo& info = segment_.pages()[page];
    TS_TRY_ASSIGN(const std::string payload, segment_.ReadPage(page));
    if (context == nullptr) return {};
    model::SpanBatch rows;
    const std::uint32_t end = info.first_row + info.rows;
    TS_TRY(segment_.ReadRows(info.first_row, end, Projection{}, rows));
    PageTree tree;
    TS_TRY(ReadPageTree(payload, info.first_row, info.rows, *context->traces, tree));
    if (rows.size() != info.rows || !SameTree(rows, tree))
      return Error(ErrorCode::kCorruption, "its rows, read in two ways, differ");
    run_.counters().spans += rows.size();
    parts->AddPage(page, rows);
    if (terms != nullptr) terms->AddPage(page, rows);
    summaries_->AddPage(rows);
    return {};
  }

  void CheckLookups(const TraceTable& table, const index::IdPermutation& order) {
    for (std::uint32_t rank = 1; rank < order.size(); ++rank) {
      const std::uint32_t a = order.OrdinalAt(rank - 1);
      const std::uint32_t b = order.OrdinalAt(rank);
      if (std::pair(table.parts[a].id.low, a) < std::pair(table.parts[b].id.low, b)) continue;
      run_.Damage(segment_.name(), section_at_[SectionKind::kTraceOrder], "trace order",
                  "the ids that it sorts don't ascend at place " + std::to_string(rank));
      break;
    }
    for (const TracePart& part : table.parts) {
      if (segment_.MayHaveTrace(part.id)) continue;
      run_.Damage(segment_.name(), section_at_[SectionKind::kTraceFilter], "trace filter",
                  "trace " + part.id.ToHex() + " does not pass it");
    }
  }

  const SegmentReader& segment_;
  std::map<SectionKind, std::uint64_t> section_at_;
  VerifyRun& run_;
  std::optional<SummaryChecker> summaries_;
};

}  // namespace

Result<std::shared_ptr<const SegmentReader>> VerifySegment(
    std::unique_ptr<fs::RandomAccessFile> file, const std::string& name, VerifyRun& run) {
  ++run.counters().files;
  ++run.counters().segments;
  const std::uint64_t before = run.findings();
  const std::shared_ptr<fs::RandomAccessFile> raw = std::move(file);
  const auto sections_begin = FileChecker(*raw, name, run).Check();
  if (!sections_begin) return std::shared_ptr<const SegmentReader>();
  std::map<SectionKind, std::uint64_t> section_at;
  TS_TRY_ASSIGN(const SegmentFooter footer, ReadSegmentFooter(*raw, name));
  for (const SegmentSection& section : footer.sections) section_at[section.kind] = section.offset;
  auto opened = SegmentReader::Open(std::make_unique<SharedFile>(raw), name);
  if (!opened.has_value()) {
    if (run.findings() == before) run.Say(name, footer.offset, "footer", opened.error());
    TS_TRY(CheckPagesByHeaders(*raw, name, *sections_begin, run));
    return std::shared_ptr<const SegmentReader>();
  }
  const PageInfo& last = (*opened)->pages().back();
  const std::uint64_t pages_end = last.offset + kPageHeaderBytes + last.bytes;
  if (pages_end != *sections_begin) {
    run.Damage(name, section_at[SectionKind::kPages], "page index",
               "its pages don't end where the sections begin");
  }
  TS_TRY(ContentChecker(**opened, std::move(section_at), run).Check(before));
  TS_TRY(run.Advance(name, footer.file_bytes - pages_end));
  return opened;
}

}  // namespace tracestore::store
