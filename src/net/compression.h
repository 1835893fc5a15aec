// Content codings of HTTP and gRPC messages, with a bound on what comes out.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tracestore::net {

enum class Coding : unsigned char { kIdentity, kGzip, kDeflate, kZstd };

// "gzip", "x-gzip", "deflate", "zstd", "identity", "" in any case; nullopt for anything else, a
// list of codings included.
std::optional<Coding> ParseCoding(std::string_view name) noexcept;

// Whether an Accept-Encoding header takes gzip (a q of 0 refuses it; no header, no compression).
bool AcceptsGzip(std::string_view accept_encoding) noexcept;

struct Decompressed {
  enum class Outcome : unsigned char { kOk, kTooLarge, kCorrupt };
  Outcome outcome = Outcome::kOk;
  std::string bytes;    // whole if kOk, else empty
  std::string message;  // one sentence if not kOk
};

// At most `max_bytes` come out, and memory is taken only as they do, so that a bomb costs no more
// than an honest body of the greatest size. Several gzip members or zstd frames in a row are one
// body. deflate means zlib's format (RFC 9110); raw deflate, which some clients send, is taken too.
Decompressed Decompress(Coding coding, std::string_view bytes, std::size_t max_bytes);

// nullopt if memory is short.
std::optional<std::string> CompressGzip(std::string_view bytes);

// A gzip body that is made piece by piece. Memory: some 300 KB, whatever comes through. One thread
// at a time.
class GzipStream {
 public:
  // Null if memory is short.
  static std::unique_ptr<GzipStream> Make();
  virtual ~GzipStream() = default;
  // The compressed bytes that are ready with `piece`, none perhaps; with `last` all that is left,
  // and no further calls.
  virtual std::string Next(std::string_view piece, bool last) = 0;
};

}  // namespace tracestore::net
