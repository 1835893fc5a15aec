#include "store/segment/segment_footer.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"

namespace tracestore::store {
namespace {

Error Damaged(const std::string& name, const std::string& what) {
  return {ErrorCode::kCorruption, "segment " + name + ": " + what};
}

Status CheckHeader(const fs::RandomAccessFile& file, const std::string& name,
                   std::uint64_t file_bytes) {
  TS_TRY_ASSIGN(const std::string header,
                ReadSegmentBytes(file, name, file_bytes, 0, kSegmentHeaderBytes));
  if (header.substr(0, kSegmentMagic.size()) != kSegmentMagic)
    return Damaged(name, "it doesn't begin with a segment's magic bytes");
  base::ByteReader in(std::string_view(header).substr(kSegmentMagic.size()));
  const std::uint32_t version = in.U32();
  if (version == kSegmentVersion) return {};
  if (version == 0) return Damaged(name, "it has format version 0");
  return Error(ErrorCode::kUnsupported,
               "segment " + name + " has format version " + std::to_string(version) +
                   "; this build reads version " + std::to_string(kSegmentVersion) +
                   ": use a newer tracestore");
}

}  // namespace

Result<std::string> ReadSegmentBytes(const fs::RandomAccessFile& file, const std::string& name,
                                     std::uint64_t file_bytes, std::uint64_t offset,
                                     std::uint64_t bytes) {
  if (offset > file_bytes || bytes > file_bytes - offset) {
    return Damaged(name, "something at byte " + std::to_string(offset) +
                             " goes past the end of the file");
  }
  std::string out(static_cast<std::size_t>(bytes), '\0');
  TS_TRY_ASSIGN(const std::size_t got, file.ReadAt(offset, out.data(), out.size()));
  if (got != out.size())
    return Damaged(name, "it ends early at byte " + std::to_string(offset + got));
  return out;
}

Result<SegmentFooter> ReadSegmentFooter(const fs::RandomAccessFile& file, const std::string& name) {
  SegmentFooter footer;
  TS_TRY_ASSIGN(footer.file_bytes, file.Size());
  if (footer.file_bytes < kSegmentHeaderBytes + kSegmentTrailerBytes)
    return Damaged(name, "it is too short to be a segment");
  TS_TRY(CheckHeader(file, name, footer.file_bytes));
  TS_TRY_ASSIGN(const std::string trailer,
                ReadSegmentBytes(file, name, footer.file_bytes,
                                 footer.file_bytes - kSegmentTrailerBytes, kSegmentTrailerBytes));
  base::ByteReader in(trailer);
  footer.offset = in.U64();
  footer.bytes = in.U32();
  const std::uint32_t checksum = in.U32();
  if (in.Raw(kSegmentMagic.size()) != kSegmentMagic) {
    return Damaged(name, "it doesn't end with a segment's magic bytes; its writing was cut short");
  }
  TS_TRY_ASSIGN(const std::string bytes, ReadSegmentBytes(file, name, footer.file_bytes,
                                                          footer.offset, footer.bytes));
  if (base::Checksum32(bytes) != checksum)
    return Damaged(name, "footer checksum mismatch at byte " + std::to_string(footer.offset));
  base::ByteReader entries(bytes);
  footer.sections.resize(entries.Count(7));
  for (SegmentSection& section : footer.sections) {
    section.kind = static_cast<SectionKind>(entries.U8());
    section.offset = entries.Varint();
    section.bytes = entries.Varint();
    section.checksum = entries.U32();
  }
  if (!entries.ok() || !entries.done()) return Damaged(name, "its footer is damaged");
  return footer;
}

std::string SegmentHeader() {
  std::string header;
  base::ByteWriter writer(header);
  writer.Raw(kSegmentMagic);
  writer.U32(kSegmentVersion);
  writer.U32(0);
  return header;
}

void AppendSegmentFooter(const std::vector<SegmentSection>& sections, std::uint64_t offset,
                         std::string& out) {
  std::string footer;
  base::ByteWriter entries(footer);
  entries.Varint(sections.size());
  for (const SegmentSection& section : sections) {
    entries.U8(static_cast<std::uint8_t>(section.kind));
    entries.Varint(section.offset);
    entries.Varint(section.bytes);
    entries.U32(section.checksum);
  }
  base::ByteWriter writer(out);
  writer.Raw(footer);
  writer.U64(offset);
  writer.U32(static_cast<std::uint32_t>(footer.size()));
  writer.U32(base::Checksum32(footer));
  writer.Raw(kSegmentMagic);
}

std::string SegmentSectionName(SectionKind kind) {
  switch (kind) {
    case SectionKind::kMeta: return "meta";
    case SectionKind::kDictionary: return "dictionary";
    case SectionKind::kTables: return "tables";
    case SectionKind::kTraces: return "traces";
    case SectionKind::kPages: return "page index";
    case SectionKind::kPostings: return "postings";
    case SectionKind::kTraceFilter: return "trace filter";
    case SectionKind::kTraceOrder: return "trace order";
    case SectionKind::kTextFilters: return "text filters";
    case SectionKind::kTemplates: return "templates";
    case SectionKind::kLinks: return "links";
    case SectionKind::kSpanMetrics: return "span metrics";
    case SectionKind::kOrigin: return "origin";
    case SectionKind::kRecovery: return "recovery";
  }
  return "section " + std::to_string(static_cast<unsigned>(kind));
}

}  // namespace tracestore::store
