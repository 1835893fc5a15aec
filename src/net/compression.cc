#include "net/compression.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>
#include <memory>

#include "net/http.h"

namespace tracestore::net {
namespace {

using Outcome = Decompressed::Outcome;

constexpr std::size_t kFirstOutput = 64 * 1024;  // grown by doubling: at most twice what came out
// zlib's counters are 32 bits wide; a bigger input is fed in pieces of this size.
constexpr std::size_t kMaxPiece = std::size_t{1} << 30;
// 8 MiB, the window that RFC 8878 asks every decoder to support.
constexpr int kLeastZstdWindowLog = 23;

Decompressed TooLarge(std::size_t max_bytes) {
  return {Outcome::kTooLarge, {},
          "the decompressed body is larger than the limit of " + std::to_string(max_bytes) +
              " bytes"};
}

Decompressed Corrupt(const char* coding, const char* why) {
  return {Outcome::kCorrupt, {}, std::string("the ") + coding + " body " + why};
}

// Makes room after `used` bytes. One byte more than allowed may be asked for: it tells a body of
// the greatest size from a larger one.
bool Grow(std::string& out, std::size_t used, std::size_t max_bytes) {
  if (used > max_bytes) return false;
  if (used == out.size()) out.resize(std::min(std::max(kFirstOutput, used * 2), max_bytes + 1));
  return true;
}

class Inflater {
 public:
  // 15: the greatest window; +16: gzip; negative: raw deflate. See zlib.h, inflateInit2.
  explicit Inflater(int window_bits) : ok_(inflateInit2(&stream_, window_bits) == Z_OK) {}
  ~Inflater() {
    if (ok_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  bool ok() const noexcept { return ok_; }
  z_stream& stream() noexcept { return stream_; }

 private:
  z_stream stream_{};
  bool ok_;
};

Decompressed Inflate(const char* name, int window_bits, std::string_view in,
                     std::size_t max_bytes) {
  Inflater inflater(window_bits);
  if (!inflater.ok()) return Corrupt(name, "could not be read: out of memory");
  z_stream& z = inflater.stream();
  Decompressed result;
  std::size_t used = 0;
  for (;;) {
    if (!Grow(result.bytes, used, max_bytes)) return TooLarge(max_bytes);
    const std::size_t in_piece = std::min(in.size(), kMaxPiece);
    const std::size_t out_piece = std::min(result.bytes.size() - used, kMaxPiece);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));  // NOLINT: zlib isn't const
    z.avail_in = static_cast<uInt>(in_piece);
    z.next_out = reinterpret_cast<Bytef*>(result.bytes.data() + used);
    z.avail_out = static_cast<uInt>(out_piece);
    const int code = inflate(&z, Z_NO_FLUSH);
    const std::size_t taken = in_piece - z.avail_in;
    const std::size_t made = out_piece - z.avail_out;
    in.remove_prefix(taken);
    used += made;
    if (code == Z_STREAM_END) {
      if (in.empty()) break;
      if (window_bits <= 15) return Corrupt(name, "goes on after its end");
      if (inflateReset(&z) != Z_OK) return Corrupt(name, "is damaged");
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return Corrupt(name, "is damaged");
    } else if (taken == 0 && made == 0 && in.empty()) {
      return Corrupt(name, "ends too early");
    }
  }
  if (used > max_bytes) return TooLarge(max_bytes);
  result.bytes.resize(used);
  return result;
}

struct FreeZstd {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

Decompressed DecompressZstd(std::string_view bytes, std::size_t max_bytes) {
  const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  if (context == nullptr) return Corrupt("zstd", "could not be read: out of memory");
  // A frame made in one go has a window as large as its content, so that much must be allowed, and
  // no more: the window is memory that the sender chooses.
  const int log = std::clamp(static_cast<int>(std::bit_width(max_bytes)), kLeastZstdWindowLog, 27);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, log);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  Decompressed result;
  std::size_t used = 0;
  std::size_t hint = 1;  // 0: a frame has just ended
  for (;;) {
    if (!Grow(result.bytes, used, max_bytes)) return TooLarge(max_bytes);
    ZSTD_outBuffer out{result.bytes.data(), result.bytes.size(), used};
    const std::size_t in_before = in.pos;
    hint = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(hint)) return Corrupt("zstd", "is damaged");
    const bool moved = out.pos != used || in.pos != in_before;
    used = out.pos;
    if (hint == 0 && in.pos == in.size) break;
    if (!moved && in.pos == in.size) return Corrupt("zstd", "ends too early");
  }
  if (used > max_bytes) return TooLarge(max_bytes);
  result.bytes.resize(used);
  return result;
}

Decompressed DecompressDeflate(std::string_view bytes, std::size_t max_bytes) {
  // RFC 1950: the two header bytes, big-endian, are a multiple of 31, and the method is 8.
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const bool zlib =
      bytes.size() >= 2 && (byte(0) & 0x0F) == 8 && (byte(0) * 256 + byte(1)) % 31 == 0;
  return Inflate("deflate", zlib ? 15 : -15, bytes, max_bytes);
}

std::string_view Trim(std::string_view text) noexcept {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// False for ";q=0", "; q=0.000"; true for every other weight and for none.
bool HasWeight(std::string_view parameters) noexcept {
  const auto equals = parameters.find('=');
  if (equals == std::string_view::npos) return true;
  return Trim(parameters.substr(equals + 1)).find_first_not_of("0.") != std::string_view::npos;
}

}  // namespace

std::optional<Coding> ParseCoding(std::string_view name) noexcept {
  name = Trim(name);
  if (name.empty() || EqualsIgnoreCase(name, "identity")) return Coding::kIdentity;
  if (EqualsIgnoreCase(name, "gzip") || EqualsIgnoreCase(name, "x-gzip")) return Coding::kGzip;
  if (EqualsIgnoreCase(name, "deflate")) return Coding::kDeflate;
  if (EqualsIgnoreCase(name, "zstd")) return Coding::kZstd;
  return std::nullopt;
}

bool AcceptsGzip(std::string_view accept_encoding) noexcept {
  bool any = false;
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    const auto item = accept_encoding.substr(0, comma);
    accept_encoding =
        comma == std::string_view::npos ? std::string_view() : accept_encoding.substr(comma + 1);
    const auto semicolon = item.find(';');
    const auto name = Trim(item.substr(0, semicolon));
    const bool wanted = semicolon == std::string_view::npos || HasWeight(item.substr(semicolon));
    if (EqualsIgnoreCase(name, "gzip") || EqualsIgnoreCase(name, "x-gzip")) return wanted;
    if (name == "*") any = wanted;
  }
  return any;
}

Decompressed Decompress(Coding coding, std::string_view bytes, std::size_t max_bytes) {
  switch (coding) {
    case Coding::kGzip: return Inflate("gzip", 15 + 16, bytes, max_bytes);
    case Coding::kDeflate: return DecompressDeflate(bytes, max_bytes);
    case Coding::kZstd: return DecompressZstd(bytes, max_bytes);
    case Coding::kIdentity: break;
  }
  if (bytes.size() > max_bytes) return TooLarge(max_bytes);
  return {Outcome::kOk, std::string(bytes), {}};
}

namespace {

// Level 1: clients are near, so CPU is dearer than bytes. 8 is zlib's default memory level.
bool InitGzip(z_stream& z) {
  return deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
}

class Deflater final : public GzipStream {
 public:
  Deflater() : ok_(InitGzip(stream_)) {}
  ~Deflater() override {
    if (ok_) deflateEnd(&stream_);
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  bool ok() const noexcept { return ok_; }

  std::string Next(std::string_view piece, bool last) override {
    std::string out;
    do {
      const std::string_view some = piece.substr(0, kMaxPiece);
      piece.remove_prefix(some.size());
      Run(some, last && piece.empty() ? Z_FINISH : Z_NO_FLUSH, out);
    } while (!piece.empty());
    return out;
  }

 private:
  void Run(std::string_view piece, int flush, std::string& out) {
    // zlib reads it only, and asks for more.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      const std::size_t used = out.size();
      out.resize(used + kFirstOutput);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + used);
      stream_.avail_out = static_cast<uInt>(kFirstOutput);
      deflate(&stream_, flush);
      out.resize(out.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
  bool ok_;
};

}  // namespace

std::unique_ptr<GzipStream> GzipStream::Make() {
  auto made = std::make_unique<Deflater>();
  if (!made->ok()) return nullptr;
  return made;
}

std::optional<std::string> CompressGzip(std::string_view bytes) {
  if (bytes.size() > std::numeric_limits<uInt>::max()) return std::nullopt;
  z_stream z{};
  if (!InitGzip(z)) return std::nullopt;
  std::string out;
  const uLong bound = deflateBound(&z, static_cast<uLong>(bytes.size()));
  if (bound > std::numeric_limits<uInt>::max()) {
    deflateEnd(&z);
    return std::nullopt;
  }
  out.resize(bound);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // NOLINT: not written
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&z, Z_FINISH);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  if (code != Z_STREAM_END) return std::nullopt;
  return out;
}

}  // namespace tracestore::net
