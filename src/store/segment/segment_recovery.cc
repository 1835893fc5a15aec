// Layout: docs/format/segment.md, "Origin" and "Recovery".
#include "store/segment/segment_recovery.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"

namespace tracestore::store {
namespace {

constexpr std::string_view kRecoveryMagic{"TSRECOV\x1A", 8};
constexpr std::size_t kRecoveryHeaderBytes = 16;  // magic, bytes of what follows, checksum of it
constexpr std::size_t kEntryBytes = 21;           // kind, offset, bytes, checksum
constexpr std::size_t kCopyBytes = 9;             // kind, bytes; without the copy itself
// What is read at once in search of the magic.
constexpr std::size_t kWindowBytes = std::size_t{1} << 20;

Error Damaged() { return {ErrorCode::kCorruption, "the recovery section is damaged"}; }

// Bound to its place: a copy inside a page (a client may send a segment as an attribute) doesn't
// hold.
std::uint32_t ChecksumAt(std::string payload, std::uint64_t offset) {
  base::ByteWriter(payload).U64(offset);
  return base::Checksum32(payload);
}

Result<SegmentRecovery> ParseRecovery(std::string_view payload) {
  base::ByteReader in(payload);
  SegmentRecovery recovery;
  recovery.sections.resize(in.Count(kEntryBytes));
  for (SegmentSection& section : recovery.sections) {
    section.kind = static_cast<SectionKind>(in.U8());
    section.offset = in.U64();
    section.bytes = in.U64();
    section.checksum = in.U32();
  }
  for (std::uint64_t left = in.Count(kCopyBytes); left > 0; --left) {
    const auto kind = static_cast<SectionKind>(in.U8());
    recovery.copies[kind] = std::string(in.Raw(in.U64()));
  }
  if (!in.ok() || !in.done()) return Damaged();
  return recovery;
}

}  // namespace

std::string EncodeOrigin(const SegmentOrigin& origin) {
  std::string section;
  base::ByteWriter writer(section);
  for (const std::uint64_t number :
       {origin.log_begin.file_number, origin.log_begin.offset, origin.log_end.file_number,
        origin.log_end.offset, origin.min_arrival_ns, origin.max_arrival_ns,
        std::uint64_t{origin.generation}}) {
    writer.Varint(number);
  }
  return section;
}

Result<SegmentOrigin> ParseOrigin(std::string_view section) {
  base::ByteReader in(section);
  SegmentOrigin origin;
  for (std::uint64_t* number :
       {&origin.log_begin.file_number, &origin.log_begin.offset, &origin.log_end.file_number,
        &origin.log_end.offset, &origin.min_arrival_ns, &origin.max_arrival_ns}) {
    *number = in.Varint();
  }
  origin.generation = static_cast<std::uint32_t>(in.BoundedVarint(UINT32_MAX));
  if (!in.ok()) return Error(ErrorCode::kCorruption, "the origin section is damaged");
  return origin;
}

std::size_t RecoveryBytes(std::size_t sections, const std::map<SectionKind, std::string>& copies) {
  SegmentRecovery sized;
  sized.sections.resize(sections);
  for (const auto& [kind, bytes] : copies) sized.copies[kind];
  std::size_t bytes = EncodeRecovery(sized).size();
  for (const auto& [kind, copy] : copies) bytes += copy.size();
  return bytes;
}

std::string EncodeRecovery(const SegmentRecovery& recovery) {
  std::string payload;
  base::ByteWriter writer(payload);
  writer.Varint(recovery.sections.size());
  for (const SegmentSection& section : recovery.sections) {
    writer.U8(static_cast<std::uint8_t>(section.kind));
    writer.U64(section.offset);
    writer.U64(section.bytes);
    writer.U32(section.checksum);
  }
  writer.Varint(recovery.copies.size());
  for (const auto& [kind, bytes] : recovery.copies) {
    writer.U8(static_cast<std::uint8_t>(kind));
    writer.U64(bytes.size());
    writer.Raw(bytes);
  }
  std::string section;
  base::ByteWriter header(section);
  header.Raw(kRecoveryMagic);
  header.U32(static_cast<std::uint32_t>(payload.size()));
  header.U32(ChecksumAt(payload, recovery.offset));
  header.Raw(payload);
  return section;
}

Result<SegmentRecovery> ReadRecovery(const fs::RandomAccessFile& file, const std::string& name,
                                     std::uint64_t file_bytes, std::uint64_t at) {
  TS_TRY_ASSIGN(const std::string header,
                ReadSegmentBytes(file, name, file_bytes, at, kRecoveryHeaderBytes));
  const std::uint64_t bytes = base::LoadLe<std::uint32_t>(header.data() + 8);
  if (bytes > kMaxSectionBytes) return Damaged();
  TS_TRY_ASSIGN(const std::string payload,
                ReadSegmentBytes(file, name, file_bytes, at + kRecoveryHeaderBytes, bytes));
  if (ChecksumAt(payload, at) != base::LoadLe<std::uint32_t>(header.data() + 12)) return Damaged();
  TS_TRY_ASSIGN(SegmentRecovery recovery, ParseRecovery(payload));
  recovery.offset = at;
  return recovery;
}

Result<SegmentRecovery> FindRecovery(const fs::RandomAccessFile& file, const std::string& name) {
  TS_TRY_ASSIGN(const std::uint64_t file_bytes, file.Size());
  for (std::uint64_t at = 0; at < file_bytes; at += kWindowBytes) {
    // Windows overlap, so that no magic is cut in two.
    const std::uint64_t size =
        std::min<std::uint64_t>(kWindowBytes + kRecoveryMagic.size() - 1, file_bytes - at);
    TS_TRY_ASSIGN(const std::string window, ReadSegmentBytes(file, name, file_bytes, at, size));
    for (auto found = window.find(kRecoveryMagic); found != std::string::npos;
         found = window.find(kRecoveryMagic, found + 1)) {
      auto recovery = ReadRecovery(file, name, file_bytes, at + found);
      if (recovery.has_value() || recovery.error().code() == ErrorCode::kIo) return recovery;
    }
  }
  return Error(ErrorCode::kNotFound, "segment " + name + " has no recovery section that holds");
}

}  // namespace tracestore::store
