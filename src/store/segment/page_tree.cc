#include "store/segment/page_tree.h"

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

// The streams that the tree is made of. One a thread, so that their memory is taken once.
struct TreeStreams {
  PageDirectory directory;
  std::vector<std::uint64_t> pops, root_codes, outside;
  std::vector<std::uint32_t> open;  // rows of the page from the root to the one before
  std::size_t next_root_code = 0;

  Status Load(StreamKind kind, std::vector<std::uint64_t>& values) {
    values.clear();
    const auto* stream = directory.Find(static_cast<std::uint32_t>(kind));
    if (stream == nullptr) return {};
    base::ByteReader in(stream->bytes);
    TS_TRY(column::DecodeInts(in, stream->count, values));
    if (!in.done()) return Damaged("bytes follow the values of a stream");
    return {};
  }
  Status Read(std::string_view payload, std::uint32_t rows, std::vector<std::uint64_t>& ids) {
    next_root_code = 0;
    open.clear();
    TS_TRY(directory.Parse(payload, rows));
    TS_TRY(Load(StreamKind::kSpanIds, ids));
    TS_TRY(Load(StreamKind::kPops, pops));
    TS_TRY(Load(StreamKind::kRootCode, root_codes));
    TS_TRY(Load(StreamKind::kOutsideIds, outside));
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

Status ReadPageTree(std::string_view payload, std::uint32_t first_row, std::uint32_t rows,
                    const TraceTable& traces, PageTree& out) {
  thread_local TreeStreams streams;
  out.parents.clear();
  out.roots.clear();
  TS_TRY(streams.Read(payload, rows, out.ids));
  std::vector<std::uint32_t>& open = streams.open;
  std::size_t trace = traces.PartOf(first_row);
  for (std::uint32_t row = 0; row < rows; ++row) {
    const TracePart& part = traces.parts[trace];
    if (first_row + row >= part.first_row + part.rows) {
      if (++trace >= traces.parts.size())
        return Damaged("it has more rows than the segment's traces");
      open.clear();
    }
    if (streams.pops[row] > open.size()) return Damaged("a row pops more levels than there are");
    open.resize(open.size() - static_cast<std::size_t>(streams.pops[row]));
    if (open.empty()) {
      TS_TRY_ASSIGN(const SpanId parent, streams.OutsideParent());
      out.roots.push_back({row, parent});
      out.parents.push_back(kNoRow);
    } else {
      out.parents.push_back(open.back());
    }
    open.push_back(row);
  }
  return {};
}

}  // namespace tracestore::store
