#include "codec/detect/compress.h"

#include <algorithm>
#include <new>

#ifdef TRACESTORE_HAS_ZLIB
#include <zlib.h>
#endif
#include <zstd.h>

#include "base/try.h"

namespace tracestore::codec {
namespace {

constexpr std::size_t kChunk = std::size_t{64} << 10;

class Plain final : public Compressor {
 public:
  Status Add(std::string_view bytes, std::string& out) override {
    out += bytes;
    return {};
  }
  Status Finish(std::string&) override { return {}; }
};

#ifdef TRACESTORE_HAS_ZLIB

class Gzip final : public Compressor {
 public:
  Gzip() {
    // 15: the greatest window; +16: gzip; 8: zlib's default memory level. See zlib.h, deflateInit2.
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~Gzip() override { deflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  Status Add(std::string_view bytes, std::string& out) override {
    while (!bytes.empty()) {
      // zlib counts input in 32 bits.
      const std::string_view piece = bytes.substr(0, std::size_t{1} << 30);
      TS_TRY(Run(piece, Z_NO_FLUSH, out));
      bytes.remove_prefix(piece.size());
    }
    return {};
  }
  Status Finish(std::string& out) override { return Run({}, Z_FINISH, out); }

 private:
  Status Run(std::string_view piece, int flush, std::string& out) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    int code = Z_OK;
    do {
      stream_.next_out = chunk_.get();
      stream_.avail_out = static_cast<uInt>(kChunk);
      code = deflate(&stream_, flush);
      if (code == Z_STREAM_ERROR) return Error(ErrorCode::kIo, "gzip could not compress");
      out.append(reinterpret_cast<const char*>(chunk_.get()), kChunk - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return {};
  }

  z_stream stream_{};
  std::unique_ptr<Bytef[]> chunk_ = std::make_unique<Bytef[]>(kChunk);
};

#endif

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

class Zstd final : public Compressor {
 public:
  Zstd() : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }
  Status Add(std::string_view bytes, std::string& out) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (in.pos < in.size) {
      TS_TRY(Run(in, ZSTD_e_continue, out));
    }
    return {};
  }
  Status Finish(std::string& out) override {
    ZSTD_inBuffer none{nullptr, 0, 0};
    std::size_t left = 1;
    while (left != 0) {
      TS_TRY_ASSIGN(left, Run(none, ZSTD_e_end, out));
    }
    return {};
  }

 private:
  Result<std::size_t> Run(ZSTD_inBuffer& in, ZSTD_EndDirective what, std::string& out) {
    ZSTD_outBuffer produced{chunk_.get(), kChunk, 0};
    const std::size_t left = ZSTD_compressStream2(context_.get(), &produced, &in, what);
    if (ZSTD_isError(left)) {
      return Error(ErrorCode::kIo,
                   std::string("zstd could not compress: ") + ZSTD_getErrorName(left));
    }
    out.append(chunk_.get(), produced.pos);
    return left;
  }

  std::unique_ptr<ZSTD_CCtx, FreeZstd> context_;
  std::unique_ptr<char[]> chunk_ = std::make_unique<char[]>(kChunk);
};

}  // namespace

Compression CompressionForName(std::string_view file_name) noexcept {
  if (file_name.ends_with(".gz")) return Compression::kGzip;
  return file_name.ends_with(".zst") ? Compression::kZstd : Compression::kNone;
}

Result<std::unique_ptr<Compressor>> Compressor::Make(Compression kind) {
  switch (kind) {
    case Compression::kGzip:
#ifdef TRACESTORE_HAS_ZLIB
      return std::unique_ptr<Compressor>(std::make_unique<Gzip>());
#else
      return Error(ErrorCode::kUnsupported, "this build writes no gzip data");
#endif
    case Compression::kZstd: return std::unique_ptr<Compressor>(std::make_unique<Zstd>());
    case Compression::kNone: break;
  }
  return std::unique_ptr<Compressor>(std::make_unique<Plain>());
}

}  // namespace tracestore::codec
