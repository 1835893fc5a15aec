#include "store/verify/segment_salvage.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "codec/column/int_stream.h"
#include "store/segment/segment_footer.h"
#include "store/segment/segment_reader.h"
#include "store/segment/segment_recovery.h"

namespace tracestore::store {
namespace {

// The damaged file, and behind it sections made anew with a footer of their own.
class PatchedFile final : public fs::RandomAccessFile {
 public:
  PatchedFile(std::unique_ptr<fs::RandomAccessFile> file, std::uint64_t bytes, std::string tail)
      : file_(std::move(file)), bytes_(bytes), tail_(std::move(tail)) {}
  Result<std::size_t> ReadAt(std::uint64_t offset, char* out, std::size_t size) const override {
    std::size_t done = 0;
    if (offset < kSegmentHeaderBytes) {  // what is damaged there is known
      const std::string header = SegmentHeader();
      done = std::min(size, header.size() - static_cast<std::size_t>(offset));
      std::memcpy(out, header.data() + offset, done);
      TS_TRY_ASSIGN(const std::size_t more, ReadAt(offset + done, out + done, size - done));
      return done + more;
    }
    if (offset < bytes_) {
      const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes_ - offset));
      TS_TRY_ASSIGN(done, file_->ReadAt(offset, out, here));
      if (done < here) return done;
    }
    const std::uint64_t in_tail = offset + done - bytes_;
    if (in_tail >= tail_.size()) return done;
    const std::size_t rest =
        std::min(size - done, tail_.size() - static_cast<std::size_t>(in_tail));
    std::memcpy(out + done, tail_.data() + in_tail, rest);
    return done + rest;
  }
  Result<std::uint64_t> Size() const override { return bytes_ + tail_.size(); }

 private:
  const std::unique_ptr<fs::RandomAccessFile> file_;
  const std::uint64_t bytes_;
  const std::string tail_;
};

struct PageHeader {
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> rows;  // none where its checksum doesn't hold
};

class Patcher {
 public:
  // `recovery`: what copies there are.
  Patcher(const fs::RandomAccessFile& file, const std::string& name, SegmentFooter footer,
          const SegmentRecovery& recovery)
      : file_(file), name_(name), footer_(std::move(footer)), recovery_(recovery) {}

  // The tail of a PatchedFile; an error says why nothing can be read.
  Result<std::string> Make() {
    std::uint64_t pages_end = footer_.offset;
    for (const SegmentSection& section : footer_.sections) {
      pages_end = std::min(pages_end, section.offset);
      const auto bytes = ReadSegmentBytes(file_, name_, footer_.file_bytes, section.offset,
                                          section.bytes);
      if (bytes.has_value() && base::Checksum32(*bytes) == section.checksum)
        good_[section.kind] = section;
    }
    for (const SectionKind kind : {SectionKind::kDictionary, SectionKind::kTables,
                                   SectionKind::kTemplates, SectionKind::kTraces}) {
      if (good_.contains(kind)) continue;
      if (const auto copy = recovery_.copies.find(kind); copy != recovery_.copies.end()) {
        Add(kind, copy->second);
      } else {
        return Error(ErrorCode::kCorruption, "without its " + SegmentSectionName(kind) +
                                                 " no span of it can be read");
      }
    }
    TS_TRY(ReadRows(pages_end));
    Add(SectionKind::kTraceFilter, "");  // any id may be here
    if (!good_.contains(SectionKind::kPages)) Add(SectionKind::kPages, PageIndex());
    if (!good_.contains(SectionKind::kMeta)) {
      TS_TRY_ASSIGN(const std::string meta, Meta());
      Add(SectionKind::kMeta, meta);
    }
    return Finish();
  }

 private:
  // How many rows there are in all, and where the page index is lost, in each page.
  Status ReadRows(std::uint64_t pages_end) {
    const auto meta_rows = RowsOfMeta();
    if (good_.contains(SectionKind::kPages)) {
      TS_TRY_ASSIGN(rows_, RowsOfIndex());
      return {};
    }
    std::size_t unknown = 0;
    for (std::uint64_t at = kSegmentHeaderBytes; at < pages_end;) {
      const auto header = ReadSegmentBytes(file_, name_, pages_end, at, kPageHeaderBytes);
      PageHeader page;
      if (header.has_value()) page.bytes = base::LoadLe<std::uint32_t>(header->data() + 4);
      const auto payload =
          ReadSegmentBytes(file_, name_, pages_end, at + kPageHeaderBytes, page.bytes);
      if (!header.has_value() || !payload.has_value())
        return Error(ErrorCode::kCorruption, "its page index and a page's length are damaged");
      if (base::Checksum32(*payload) == base::LoadLe<std::uint32_t>(header->data())) {
        page.rows = base::ByteReader(*payload).Varint();
        rows_ += *page.rows;
      } else {
        ++unknown;
      }
      pages_.push_back(page);
      at += kPageHeaderBytes + page.bytes;
    }
    if (unknown == 0) return {};
    if (unknown > 1 || !meta_rows || *meta_rows <= rows_)
      return Error(ErrorCode::kCorruption, "its page index and several pages are damaged");
    for (PageHeader& page : pages_) {
      if (!page.rows) page.rows = *meta_rows - rows_;
    }
    rows_ = *meta_rows;
    return {};
  }

  std::optional<std::uint64_t> RowsOfMeta() const {
    const auto found = good_.find(SectionKind::kMeta);
    if (found == good_.end()) return std::nullopt;
    const auto bytes = ReadSegmentBytes(file_, name_, footer_.file_bytes, found->second.offset,
                                        found->second.bytes);
    if (!bytes.has_value()) return std::nullopt;
    return base::ByteReader(*bytes).Varint();
  }

  Result<std::uint64_t> RowsOfIndex() const {
    const SegmentSection& section = good_.at(SectionKind::kPages);
    TS_TRY_ASSIGN(const std::string bytes, ReadSegmentBytes(file_, name_, footer_.file_bytes,
                                                            section.offset, section.bytes));
    base::ByteReader in(bytes);
    const auto count = in.BoundedVarint(footer_.file_bytes / kLeastPageBytes);
    std::vector<std::uint64_t> rows;
    TS_TRY(column::DecodeInts(in, static_cast<std::size_t>(count), rows));
    std::uint64_t sum = 0;
    for (const std::uint64_t n : rows) sum += std::min<std::uint64_t>(n, kMaxPageRows);
    return sum;
  }

  // With zones that cover everything.
  std::string PageIndex() const {
    std::string section;
    base::ByteWriter(section).Varint(pages_.size());
    std::vector<std::uint64_t> rows, bytes;
    for (const PageHeader& page : pages_) {
      rows.push_back(*page.rows);
      bytes.push_back(page.bytes);
    }
    column::EncodeInts(rows, section);
    column::EncodeInts(bytes, section);
    const std::vector<std::uint64_t> least(rows.size(), 0), most(rows.size(), ~0ULL);
    column::EncodeInts(least, section);
    column::EncodeInts(most, section);
    column::EncodeInts(most, section);
    return section;
  }

  Result<std::string> Meta() const {
    const SegmentSection& traces = good_.at(SectionKind::kTraces);
    TS_TRY_ASSIGN(const std::string bytes, ReadSegmentBytes(file_, name_, footer_.file_bytes,
                                                            traces.offset, traces.bytes));
    std::string section;
    base::ByteWriter writer(section);
    writer.Varint(rows_);
    writer.Varint(base::ByteReader(bytes).Varint());
    for (int time = 0; time < 5; ++time) writer.Varint(0);
    return section;
  }

  void Add(SectionKind kind, const std::string& bytes) {
    good_[kind] = {kind, footer_.file_bytes + tail_.size(), bytes.size(), base::Checksum32(bytes)};
    tail_ += bytes;
  }

  std::string Finish() {
    std::string footer;
    base::ByteWriter writer(footer);
    writer.Varint(good_.size());
    for (const auto& [kind, section] : good_) {
      writer.U8(static_cast<std::uint8_t>(kind));
      writer.Varint(section.offset);
      writer.Varint(section.bytes);
      writer.U32(section.checksum);
    }
    const std::uint64_t at = footer_.file_bytes + tail_.size();
    tail_ += footer;
    base::ByteWriter trailer(tail_);
    trailer.U64(at);
    trailer.U32(static_cast<std::uint32_t>(footer.size()));
    trailer.U32(base::Checksum32(footer));
    trailer.Raw(kSegmentMagic);
    return std::move(tail_);
  }

  const fs::RandomAccessFile& file_;
  const std::string& name_;
  const SegmentFooter footer_;
  const SegmentRecovery& recovery_;
  std::map<SectionKind, SegmentSection> good_;
  std::vector<PageHeader> pages_;
  std::uint64_t rows_ = 0;
  std::string tail_;
};

// What the damaged one said.
Result<SegmentFooter> FooterOf(const fs::RandomAccessFile& file, const SegmentRecovery& recovery) {
  SegmentFooter footer;
  TS_TRY_ASSIGN(footer.file_bytes, file.Size());
  footer.offset = footer.file_bytes;
  footer.sections = recovery.sections;
  footer.sections.push_back({SectionKind::kRecovery, recovery.offset, 0, 0});  // not read again
  return footer;
}

Salvage AllLost(const std::string& name, std::uint64_t rows, const Error& why) {
  Salvage salvage;
  salvage.losses.push_back({name, 0, rows,
                            why.message() + (rows == 0 ? "; how many is not known" : "")});
  return salvage;
}

}  // namespace

Result<std::optional<SegmentOrigin>> SalvageOrigin(const fs::RandomAccessFile& file,
                                                   const std::string& name) {
  auto footer = ReadSegmentFooter(file, name);
  if (!footer.has_value()) {
    const auto recovery = FindRecovery(file, name);
    if (!recovery.has_value()) return std::optional<SegmentOrigin>();
    TS_TRY_ASSIGN(footer, FooterOf(file, *recovery));
  }
  for (const SegmentSection& section : footer->sections) {
    if (section.kind != SectionKind::kOrigin) continue;
    const auto bytes =
        ReadSegmentBytes(file, name, footer->file_bytes, section.offset, section.bytes);
    if (!bytes.has_value() || base::Checksum32(*bytes) != section.checksum) continue;
    if (const auto origin = ParseOrigin(*bytes); origin.has_value())
      return std::optional<SegmentOrigin>(*origin);
  }
  return std::optional<SegmentOrigin>();
}

Result<Salvage> SalvageSegment(std::unique_ptr<fs::RandomAccessFile> file, const std::string& name,
                               std::uint64_t rows_expected) {
  auto recovery = FindRecovery(*file, name);
  if (!recovery.has_value() && recovery.error().code() == ErrorCode::kIo)
    return std::move(recovery).error();
  auto footer = ReadSegmentFooter(*file, name);
  if (!footer.has_value()) {
    if (footer.error().code() != ErrorCode::kCorruption) return std::move(footer).error();
    if (!recovery.has_value()) return AllLost(name, rows_expected, footer.error());
    TS_TRY_ASSIGN(footer, FooterOf(*file, *recovery));
  }
  const std::uint64_t bytes = footer->file_bytes;
  auto tail =
      Patcher(*file, name, std::move(*footer), recovery.value_or(SegmentRecovery{})).Make();
  if (!tail.has_value()) return AllLost(name, rows_expected, tail.error());
  auto opened = SegmentReader::Open(
      std::make_unique<PatchedFile>(std::move(file), bytes, std::move(*tail)), name);
  if (!opened.has_value()) return AllLost(name, rows_expected, opened.error());
  const SegmentReader& segment = **opened;
  Salvage salvage;
  for (const PageInfo& page : segment.pages()) {
    model::SpanBatch rows;
    const auto read = segment.ReadRows(page.first_row, page.first_row + page.rows, {}, rows);
    if (!read.has_value() || rows.size() != page.rows) {
      salvage.losses.push_back({name, page.offset, page.rows,
                                read.has_value() ? "a page lacks rows" : read.error().message()});
      continue;
    }
    model::BatchAppender appender(salvage.rows);
    appender.SetSource(rows);
    for (std::uint32_t row = 0; row < rows.size(); ++row) appender.Append(row);
  }
  return salvage;
}

}  // namespace tracestore::store
