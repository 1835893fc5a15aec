#include "store/segment/page_edges.h"

#include "base/bytes.h"
#include "base/try.h"
#include "codec/column/int_stream.h"
#include "store/segment/page_directory.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

Error Damaged(const char* what) {
  return {ErrorCode::kCorruption, std::string("page: ") + what};
}

Status Load(const PageDirectory& directory, StreamKind kind, std::vector<std::uint64_t>& values) {
  values.clear();
  const auto* stream = directory.Find(static_cast<std::uint32_t>(kind));
  if (stream == nullptr) return {};
  base::ByteReader in(stream->bytes);
  TS_TRY(column::DecodeInts(in, stream->count, values));
  if (!in.done()) return Damaged("bytes follow the values of a stream");
  return {};
}

// The streams that the tree is made of.
struct TreeStreams {
  std::vector<std::uint64_t> ids, pops, root_codes, outside;
  std::size_t next_root_code = 0;

  Status Read(std::string_view payload, std::uint32_t rows) {
    PageDirectory directory;
    TS_TRY(directory.Parse(payload, rows));
    TS_TRY(Load(directory, StreamKind::kSpanIds, ids));
    TS_TRY(Load(directory, StreamKind::kPops, pops));
    TS_TRY(Load(directory, StreamKind::kRootCode, root_codes));
    TS_TRY(Load(directory, StreamKind::kOutsideIds, outside));
    if (ids.size() != rows || pops.size() != rows)
      return Damaged("a stream doesn't have a value a row");
    return {};
  }
  // The parent of a row that has none in the page.
  Result<SpanId> OutsideParent() {
    if (next_root_code >= root_codes.size())
      return Damaged("it has fewer root codes than roots");
    const std::uint64_t code = root_codes[next_root_code++];
    if (code == 0) return SpanId{};
    if (code > outside.size()) return Damaged("a row names an outside parent that is not there");
    return SpanId{outside[static_cast<std::size_t>(code - 1)]};
  }
};

}  // namespace

Status ReadPageEdges(std::string_view payload, std::uint32_t first_row, std::uint32_t rows,
                     const TraceTable& traces, std::vector<SpanEdge>& out) {
  TreeStreams streams;
  TS_TRY(streams.Read(payload, rows));
  std::size_t trace = traces.PartOf(first_row);
  std::vector<std::uint32_t> open;  // rows of the page from the root to the one before
  for (std::uint32_t row = 0; row < rows; ++row) {
    const TracePart& part = traces.parts[trace];
    if (first_row + row >= part.first_row + part.rows) {
      if (++trace >= traces.parts.size())
        return Damaged("it has more rows than the segment's traces");
      open.clear();
    }
    if (streams.pops[row] > open.size()) return Damaged("a row pops more levels than there are");
    open.resize(open.size() - static_cast<std::size_t>(streams.pops[row]));
    SpanEdge edge{SpanId{streams.ids[row]}, {}, first_row + row};
    if (open.empty()) {
      TS_TRY_ASSIGN(edge.parent_id, streams.OutsideParent());
    } else {
      edge.parent_id.value = streams.ids[open.back()];
    }
    open.push_back(row);
    out.push_back(edge);
  }
  return {};
}

}  // namespace tracestore::store
