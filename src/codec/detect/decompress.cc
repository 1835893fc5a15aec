#include "codec/detect/decompress.h"

#include <algorithm>
#include <memory>

#ifdef TRACESTORE_HAS_ZLIB
#include <zlib.h>
#endif
#include <zstd.h>

#include "base/stop.h"
#include "base/try.h"

namespace tracestore::codec {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;

Error Bad(const std::string& what, std::size_t at, const std::string& why = "") {
  return Error(ErrorCode::kInvalidArgument, what + " at byte " + std::to_string(at) +
                                                (why.empty() ? "" : " (" + why + ")"));
}

Error TooLong(std::uint64_t max_bytes) {
  return Error(ErrorCode::kInvalidArgument,
               "the content is longer than " + std::to_string(max_bytes) + " bytes");
}

// Appends `bytes`, unless that would exceed the bound.
Status Append(std::string_view bytes, std::uint64_t max_bytes, std::string& out) {
  if (bytes.size() > max_bytes - out.size()) return TooLong(max_bytes);
  out.append(bytes);
  return {};
}

#ifdef TRACESTORE_HAS_ZLIB

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

Result<std::string> Gunzip(std::string_view bytes, std::uint64_t max_bytes, StopCheck stop) {
  z_stream stream{};
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, EndInflate> guard(&stream);
  const auto chunk = std::make_unique<Bytef[]>(kChunk);
  std::string out;
  std::size_t at = 0;  // bytes of the input given to zlib and taken by it
  for (;;) {
    if (stop.Ask()) return stop.status().error();
    // zlib counts input in 32 bits.
    const auto given = static_cast<uInt>(std::min<std::size_t>(bytes.size() - at, 1U << 30));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + at));
    stream.avail_in = given;
    stream.next_out = chunk.get();
    stream.avail_out = static_cast<uInt>(kChunk);
    const int code = inflate(&stream, Z_NO_FLUSH);
    at += given - stream.avail_in;
    const std::size_t made = kChunk - stream.avail_out;
    TS_TRY(Append({reinterpret_cast<const char*>(chunk.get()), made}, max_bytes, out));
    if (code == Z_STREAM_END) {
      const std::string_view rest = bytes.substr(at);
      if (rest.find_first_not_of('\0') == std::string_view::npos) return out;
      if (DetectCompression(rest) != Compression::kGzip)
        return Bad("bytes that are no gzip data after its end", at);
      inflateReset(&stream);
    } else if (code == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return Bad("damaged gzip data", at, stream.msg == nullptr ? "" : stream.msg);
    } else if (at == bytes.size() && made < kChunk) {
      return Bad("truncated gzip data", at);
    }
  }
}

#else

Result<std::string> Gunzip(std::string_view, std::uint64_t, StopCheck) {
  return Error(ErrorCode::kUnsupported, "this build reads no gzip data");
}

#endif

struct FreeZstd {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Result<std::string> Unzstd(std::string_view bytes, std::uint64_t max_bytes, StopCheck stop) {
  const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  if (context == nullptr) throw std::bad_alloc();
  const auto chunk = std::make_unique<char[]>(kChunk);
  std::string out;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  std::size_t missing = 0;  // 0: a frame has just ended
  for (;;) {
    if (stop.Ask()) return stop.status().error();
    ZSTD_outBuffer produced{chunk.get(), kChunk, 0};
    missing = ZSTD_decompressStream(context.get(), &produced, &in);
    if (ZSTD_isError(missing))
      return Bad("damaged zstd data", in.pos, ZSTD_getErrorName(missing));
    TS_TRY(Append({chunk.get(), produced.pos}, max_bytes, out));
    const bool drained = produced.pos < kChunk;
    if (in.pos == bytes.size() && missing == 0) return out;
    if (in.pos == bytes.size() && drained) return Bad("truncated zstd data", in.pos);
  }
}

}  // namespace

Compression DetectCompression(std::string_view bytes) noexcept {
  if (bytes.substr(0, 2) == "\x1F\x8B") return Compression::kGzip;
  if (bytes.substr(0, 4) == "\x28\xB5\x2F\xFD") return Compression::kZstd;
  // A skippable frame of zstd: its first byte is 0x50 to 0x5F.
  const bool skippable = bytes.size() >= 4 && (bytes[0] & 0xF0) == 0x50 &&
                         bytes.substr(1, 3) == "\x2A\x4D\x18";
  return skippable ? Compression::kZstd : Compression::kNone;
}

Result<std::string> Decompress(std::string_view bytes, std::uint64_t max_bytes,
                               const StopWhen* stop) {
  switch (DetectCompression(bytes)) {
    case Compression::kGzip: return Gunzip(bytes, max_bytes, StopCheck(stop));
    case Compression::kZstd: return Unzstd(bytes, max_bytes, StopCheck(stop));
    case Compression::kNone: break;
  }
  if (bytes.size() > max_bytes) return TooLong(max_bytes);
  return std::string(bytes);
}

}  // namespace tracestore::codec
