// What a segment holds for the day that something else is lost: its origin, for a catalog made
// anew, and a second copy of what no page can be read without (docs/format/segment.md, "Origin",
// "Recovery").
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/log/log_format.h"
#include "store/segment/segment_footer.h"

namespace tracestore::store {

// What the catalog knows of a segment and its rows don't say; as SegmentInfo.
struct SegmentOrigin {
  LogPosition log_begin{};
  LogPosition log_end{};
  std::uint64_t min_arrival_ns = 0;
  std::uint64_t max_arrival_ns = 0;
  std::uint32_t generation = 0;
  bool operator==(const SegmentOrigin&) const noexcept = default;
};

std::string EncodeOrigin(const SegmentOrigin& origin);
// Errors: kCorruption.
Result<SegmentOrigin> ParseOrigin(std::string_view section);

struct SegmentRecovery {
  std::vector<SegmentSection> sections;        // of the footer, but this one
  std::map<SectionKind, std::string> copies;   // dictionary, tables, templates
  std::uint64_t offset = 0;                    // where it stands in the file
};

// Bytes of EncodeRecovery: known before the places are.
std::size_t RecoveryBytes(std::size_t sections, const std::map<SectionKind, std::string>& copies);
// As it is at recovery.offset.
std::string EncodeRecovery(const SegmentRecovery& recovery);

// The section that the footer says stands at `at`. Errors: kCorruption, kIo.
Result<SegmentRecovery> ReadRecovery(const fs::RandomAccessFile& file, const std::string& name,
                                     std::uint64_t file_bytes, std::uint64_t at);

// Looks for a recovery section that holds, from the pages' beginning on, without the footer's help.
// Errors: kNotFound where there is none, kIo.
Result<SegmentRecovery> FindRecovery(const fs::RandomAccessFile& file, const std::string& name);

}  // namespace tracestore::store
