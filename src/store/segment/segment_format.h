// Numbers of the segment file, docs/format/segment.md, version 1. Shared by writer and reader.
#pragma once
#include <cstdint>
#include <string_view>

namespace tracestore::store {

inline constexpr std::string_view kSegmentMagic{"TSSEG\r\n\x1A", 8};  // a text-mode copy breaks it
inline constexpr std::uint32_t kSegmentVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 16;   // magic, version u32, reserved u32
inline constexpr std::size_t kSegmentTrailerBytes = 24;  // footer offset u64, length u32, checksum
                                                         // u32, magic
inline constexpr std::size_t kPageHeaderBytes = 8;       // checksum u32, payload length u32

// Rows of a page: so few that a fetch of one trace decodes little beside it. Where its rows are
// cheap, a page goes on to kPageMostRows as long as they cost, about, kPageCost bytes: what
// kPageRows rows with some attributes take.
inline constexpr std::uint32_t kPageRows = 1024;
inline constexpr std::uint32_t kPageMostRows = 2 * kPageRows;
inline constexpr std::size_t kPageCost = 28 * kPageRows;
// A page is also closed when the texts of its rows, with a byte for each attribute, pass this many
// bytes.
inline constexpr std::size_t kPageTextBytes = 1U << 20;
// Rows that share one filter of high-cardinality strings (docs/format/filters.md).
inline constexpr std::uint32_t kFilterBlockRows = 16'384;

// Limits that a reader holds a file to before it takes memory.
inline constexpr std::uint32_t kMaxSegmentRows = 1U << 24;
inline constexpr std::size_t kMaxSectionBytes = std::size_t{1} << 30;
inline constexpr std::uint32_t kMaxPageRows = 4 * kPageRows;
inline constexpr std::size_t kMaxPageBytes = std::size_t{1} << 30;
// Of all texts that are decoded of one page, and of all its numbers or attributes. One span of a
// log record of the largest size stays far below both.
inline constexpr std::size_t kMaxPageTextBytes = std::size_t{1} << 28;
inline constexpr std::size_t kMaxPageValues = std::size_t{1} << 24;
// The smallest page: its header, and a directory of six streams of three bytes.
inline constexpr std::size_t kLeastPageBytes = kPageHeaderBytes + 20;
// What a section of tables may decompress to: this many bytes at any rate, above them this many
// times its size (a writer stores what would pass that uncompressed).
inline constexpr std::size_t kTablesAnyRateBytes = std::size_t{1} << 24;
inline constexpr std::size_t kTablesMostRatio = 4'096;

// Tables larger than this send further rows to the generic form (a row all in its residue), so
// that hostile input can't explode them.
inline constexpr std::uint32_t kMaxOps = 8'192;
inline constexpr std::uint32_t kMaxKeysets = 16'384;
inline constexpr std::uint32_t kMaxKeysetColumns = 512;
inline constexpr std::uint32_t kMaxColumns = 4'096;
inline constexpr std::uint32_t kMaxEventTypes = 4'096;
inline constexpr std::uint32_t kMaxEventLists = 4'096;
inline constexpr std::uint32_t kMaxEventsInList = 64;

// Summaries keep apart as many steps of time as the segment has so many rows, up to a limit.
inline constexpr std::uint32_t kSummaryRowsAStep = 16'384;
inline constexpr std::uint32_t kMaxSummarySteps = 256;
inline constexpr std::uint64_t kLeastSummaryStepNs = 10'000'000'000;

enum class SectionKind : std::uint8_t {
  kMeta = 1,         // rows, times, counts
  kDictionary = 2,   // strings
  kTables = 3,       // resources, scopes, ops, key sets, value lists
  kTraces = 4,       // the table of traces
  kPages = 5,        // the page index with its zone maps
  kPostings = 6,
  kTraceFilter = 7,
  kTraceOrder = 8,   // permutation of the trace ids
  kTextFilters = 9,  // high-cardinality strings, one filter a block of pages
  kTemplates = 10,
  kLinks = 11,       // calls between services
  kSpanMetrics = 12,
  kOrigin = 13,      // what else the catalog knows of the segment
  kRecovery = 14,    // a second copy of footer, dictionary, tables and templates
};

// Streams of a page. Those of a column carry the column's number: id = kind + 16 * column.
enum class StreamKind : std::uint8_t {
  kOp = 0, kKeyset = 1, kStatus = 2, kResource = 3, kEventList = 4, kOdd = 5,
  kPops = 6, kRootCode = 7, kOutsideIds = 8, kOutsideRows = 9,
  kSpanIds = 10, kStarts = 11, kStartSigns = 12, kDurations = 13, kDurationSigns = 14,
  kResidue = 15,
};
enum class ColumnStream : std::uint8_t {
  kRanks = 0, kRaw = 1, kRawSigns = 2, kEventRanks = 3, kEventRaw = 4, kEventRawSigns = 5,
};
inline constexpr std::uint32_t kEventTimes = 16;
inline constexpr std::uint32_t kEventTimeSigns = 17;
inline constexpr std::uint32_t kFirstColumnStream = 32;
constexpr std::uint32_t ColumnStreamId(std::uint32_t column, ColumnStream stream) noexcept {
  return kFirstColumnStream + column * 8 + static_cast<std::uint32_t>(stream);
}

// Kinds of posting terms (docs/format/segment.md, "Terms"). a and b are dictionary ids unless said.
enum class TermKind : std::uint8_t {
  kService = 1,            // a: service
  kServiceOperation = 2,   // a: service, b: name
  kOperation = 3,          // a: name
  kKind = 4,               // a: SpanKind
  kStatus = 5,             // a: StatusCode
  kKey = 6,                // a: key, at any level
  kKeyValue = 7,           // a: key, b: canonical text, at any level
  kKeyHidden = 8,          // a: key; pages with values of it that are in no list and no filter
  kEventName = 9,          // a: name
  kScopeName = 10,         // a: name
  kServiceOperationKind = 16,  // + SpanKind; a: service, b: name
};

}  // namespace tracestore::store
