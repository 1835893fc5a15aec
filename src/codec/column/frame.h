// A frame: a run of bytes with its size, compressed with zstd where that is smaller
// (docs/format/column-encodings.md, "Frame"). The unit in which all columns store bytes.
//
// Threads: all functions may be called from any thread; the zstd contexts are reused per thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include <tracestore/status.h>

namespace tracestore::column {

// Shorter runs are never compressed: zstd's own header and tables eat what it wins.
inline constexpr std::size_t kLeastCompressedBytes = 65;

// What the bytes are, so that the compressor looks for the right thing. Not stored.
enum class FrameContent {
  kText,
  // One symbol a byte, or several packed: mostly entropy coding. Short matches cost more than the
  // literals they replace (up to 10 % on page-sized streams of buckets and ranks), so only those of
  // 7 bytes and more are taken.
  kSymbols,
};

// Appends `raw` as one frame. Cost: zstd level 1 for runs of kLeastCompressedBytes and more;
// higher levels gain under 1 % once structure is out of the columns (docs/benchmarks.md).
void AppendFrame(std::string_view raw, std::string& out,
                 FrameContent content = FrameContent::kText);

// Appends `raw` as one frame without trying to compress it.
void AppendRawFrame(std::string_view raw, std::string& out);

// Reads one frame. The view points into the bytes of `in` (stored raw: no copy) or into `scratch`,
// whose content is replaced and may be larger than the view. `scratch` must outlive the view.
// Errors: kCorruption, also where the frame claims more than `max_raw_bytes`; no more memory than
// that is ever taken.
Result<std::string_view> ReadFrame(base::ByteReader& in, std::size_t max_raw_bytes,
                                   std::string& scratch);

}  // namespace tracestore::column
