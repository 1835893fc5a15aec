// Bytes on their way into a compressed file: gzip and zstd, piece by piece.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include <tracestore/status.h>

#include "codec/detect/decompress.h"

namespace tracestore::codec {

// What a file of that name is compressed with: gzip for ".gz", zstd for ".zst", none for others.
Compression CompressionForName(std::string_view file_name) noexcept;

// One thread. Memory: some 300 KB (gzip) or 1 MB (zstd), whatever comes through.
class Compressor {
 public:
  // kNone gives the bytes as they are. Errors: kUnsupported for gzip in a build without any codec
  // of JSON.
  static Result<std::unique_ptr<Compressor>> Make(Compression kind);
  virtual ~Compressor() = default;

  // Appends to `out` what is ready of the compressed form. kIo where the compressor fails.
  virtual Status Add(std::string_view bytes, std::string& out) = 0;
  // Appends the rest. No further calls.
  virtual Status Finish(std::string& out) = 0;
};

}  // namespace tracestore::codec
