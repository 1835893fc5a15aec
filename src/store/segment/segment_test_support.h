// For tests and fuzz targets: a segment file taken apart, and one made of parts with right offsets
// and checksums, so that a damaged part reaches its parser.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "codec/column/int_stream.h"
#include "fs/file_system.h"
#include "store/segment/segment_format.h"

namespace tracestore::store::testing {

// Bytes in memory as a file.
class BytesFile final : public fs::RandomAccessFile {
 public:
  explicit BytesFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> ReadAt(std::uint64_t offset, char* out, std::size_t size) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(size, bytes_.size() - offset);
    std::memcpy(out, bytes_.data() + offset, count);
    return count;
  }
  Result<std::uint64_t> Size() const override { return std::uint64_t{bytes_.size()}; }

 private:
  const std::string bytes_;
};

// Kind 0 is a page's payload, others are SectionKind.
using Parts = std::vector<std::pair<std::uint8_t, std::string>>;

inline constexpr std::uint8_t kPagePart = 0;

// Each part: kind u8, length u16, bytes; what is cut short ends early.
inline std::string JoinParts(const Parts& parts) {
  std::string out;
  base::ByteWriter writer(out);
  for (const auto& [kind, bytes] : parts) {
    writer.U8(kind);
    writer.U16(static_cast<std::uint16_t>(bytes.size()));
    writer.Raw(bytes);
  }
  return out;
}
inline Parts SplitParts(std::string_view joined) {
  Parts parts;
  base::ByteReader reader(joined);
  while (!reader.done()) {
    const std::uint8_t kind = reader.U8();
    const std::size_t length = std::min<std::size_t>(reader.U16(), reader.remaining());
    parts.emplace_back(kind, reader.Raw(length));
  }
  return parts;
}

// The page index, from the first number of each payload, with zones that cover everything.
inline std::string PageIndexOf(const Parts& parts) {
  std::vector<std::uint64_t> rows, bytes;
  for (const auto& [kind, part] : parts) {
    if (kind != kPagePart) continue;
    rows.push_back(base::ByteReader(part).Varint());
    bytes.push_back(part.size());
  }
  std::string section;
  base::ByteWriter(section).Varint(rows.size());
  column::EncodeInts(rows, section);
  column::EncodeInts(bytes, section);
  const std::vector<std::uint64_t> least(rows.size(), 0), most(rows.size(), ~0ULL);
  column::EncodeInts(least, section);
  column::EncodeInts(most, section);
  column::EncodeInts(most, section);
  return section;
}

// A file of these parts. Where none of them is a page index, one is made.
inline std::string MakeFile(Parts parts) {
  const auto index_kind = static_cast<std::uint8_t>(SectionKind::kPages);
  const bool indexed = std::any_of(parts.begin(), parts.end(),
                                   [&](const auto& part) { return part.first == index_kind; });
  if (!indexed) parts.emplace_back(index_kind, PageIndexOf(parts));
  std::string file;
  base::ByteWriter writer(file);
  writer.Raw(kSegmentMagic);
  writer.U32(kSegmentVersion);
  writer.U32(0);
  for (const auto& [kind, bytes] : parts) {
    if (kind != kPagePart) continue;
    writer.U32(base::Checksum32(bytes));
    writer.U32(static_cast<std::uint32_t>(bytes.size()));
    writer.Raw(bytes);
  }
  std::string footer, entries;
  std::uint64_t sections = 0;
  for (const auto& [kind, bytes] : parts) {
    if (kind == kPagePart) continue;
    base::ByteWriter entry(entries);
    entry.U8(kind);
    entry.Varint(file.size());
    entry.Varint(bytes.size());
    entry.U32(base::Checksum32(bytes));
    ++sections;
    writer.Raw(bytes);
  }
  base::ByteWriter(footer).Varint(sections);
  footer += entries;
  const std::uint64_t at = file.size();
  writer.Raw(footer);
  writer.U64(at);
  writer.U32(static_cast<std::uint32_t>(footer.size()));
  writer.U32(base::Checksum32(footer));
  writer.Raw(kSegmentMagic);
  return file;
}

// A file's parts without its page index and without its copy of others, which knows where they
// stand; the inverse of MakeFile for what the writer made.
inline Parts PartsOf(std::string_view file) {
  Parts sections;
  base::ByteReader trailer(file.substr(file.size() - kSegmentTrailerBytes));
  const std::uint64_t footer_at = trailer.U64();
  base::ByteReader footer(file.substr(footer_at, trailer.U32()));
  std::uint64_t pages_end = footer_at;
  for (std::uint64_t left = footer.Varint(); left > 0; --left) {
    const std::uint8_t kind = footer.U8();
    const std::uint64_t offset = footer.Varint();
    const std::uint64_t bytes = footer.Varint();
    (void)footer.U32();
    pages_end = std::min(pages_end, offset);
    if (kind != static_cast<std::uint8_t>(SectionKind::kPages) &&
        kind != static_cast<std::uint8_t>(SectionKind::kRecovery))
      sections.emplace_back(kind, file.substr(offset, bytes));
  }
  Parts parts;
  for (std::uint64_t at = kSegmentHeaderBytes; at < pages_end;) {
    const auto bytes = base::LoadLe<std::uint32_t>(file.data() + at + 4);
    parts.emplace_back(kPagePart, file.substr(at + kPageHeaderBytes, bytes));
    at += kPageHeaderBytes + bytes;
  }
  parts.insert(parts.end(), sections.begin(), sections.end());
  return parts;
}

}  // namespace tracestore::store::testing
