// Files that stand compressed: gzip and zstd, told by their first bytes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <tracestore/query.h>
#include <tracestore/status.h>

namespace tracestore::codec {

enum class Compression : std::uint8_t { kNone, kGzip, kZstd };

Compression DetectCompression(std::string_view bytes) noexcept;

// The content of gzip (any number of members, zeros after the last are skipped) or zstd (any number
// of frames), and other bytes as they are. Memory grows with what comes out, never with a size that
// the input announces; zstd windows above 128 MiB are refused.
// Errors: kInvalidArgument where the data is damaged or ends early (names the byte of the input) or
// gives more than `max_bytes`; kUnsupported for gzip in a build without any codec of JSON;
// kCancelled once `stop` says so, which is asked at least every 256 KiB that come out. It may be
// null.
Result<std::string> Decompress(std::string_view bytes, std::uint64_t max_bytes,
                               const StopWhen* stop = nullptr);

}  // namespace tracestore::codec
