// SegmentFooter: where the sections of a segment file stand (docs/format/segment.md, "Header,
// footer, trailer").
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {

struct SegmentSection {
  SectionKind kind{};
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint32_t checksum = 0;  // of the bytes
  bool operator==(const SegmentSection&) const noexcept = default;
};

struct SegmentFooter {
  std::uint64_t file_bytes = 0;
  std::uint64_t offset = 0;  // of the footer
  std::uint64_t bytes = 0;   // of the footer
  std::vector<SegmentSection> sections;  // as they stand in the footer, unknown kinds too
};

// Reads header, trailer and footer. `name` stands in messages. Errors: kIo, kCorruption,
// kUnsupported for a newer version.
Result<SegmentFooter> ReadSegmentFooter(const fs::RandomAccessFile& file, const std::string& name);

// The first 16 bytes of a segment.
std::string SegmentHeader();

// Footer and trailer; the footer stands at `offset`, the end of the sections.
void AppendSegmentFooter(const std::vector<SegmentSection>& sections, std::uint64_t offset,
                         std::string& out);

// `bytes` of the file from `offset` on. Errors: kIo, kCorruption where the file ends before.
Result<std::string> ReadSegmentBytes(const fs::RandomAccessFile& file, const std::string& name,
                                     std::uint64_t file_bytes, std::uint64_t offset,
                                     std::uint64_t bytes);

// "dictionary" for kDictionary; "section 77" for one that this version doesn't know.
std::string SegmentSectionName(SectionKind kind);

}  // namespace tracestore::store
