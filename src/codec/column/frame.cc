// Layout: varint (raw size * 2 + compressed), [varint stored size], bytes.
#include "codec/column/frame.h"

#include <cstdint>
#include <memory>
#include <new>

#include <zstd.h>

#include "base/thread_scratch.h"

namespace tracestore::column {
namespace {

constexpr int kLevel = 1;
// Every zstd frame starts with these four bytes; they are left out on disk. With dozens of streams
// a page of 1,000 rows they would be 0.1 byte a row.
constexpr std::string_view kMagic("\x28\xB5\x2F\xFD", 4);

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

using Compressor = std::unique_ptr<ZSTD_CCtx, FreeContext>;

Compressor MakeCompressor(FrameContent content) {
  Compressor made(ZSTD_createCCtx());
  if (!made) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(made.get(), ZSTD_c_compressionLevel, kLevel);
  // The raw size stands in our own header, and the page has a checksum.
  ZSTD_CCtx_setParameter(made.get(), ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(made.get(), ZSTD_c_checksumFlag, 0);
  if (content == FrameContent::kSymbols) {
    ZSTD_CCtx_setParameter(made.get(), ZSTD_c_minMatch, 7);
  }
  return made;
}

ZSTD_CCtx* CompressorFor(FrameContent content) {
  if (content == FrameContent::kSymbols) {
    thread_local const Compressor symbols = MakeCompressor(FrameContent::kSymbols);
    return symbols.get();
  }
  thread_local const Compressor text = MakeCompressor(FrameContent::kText);
  return text.get();
}

ZSTD_DCtx* Decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context = [] {
    std::unique_ptr<ZSTD_DCtx, FreeContext> made(ZSTD_createDCtx());
    if (!made) throw std::bad_alloc();
    return made;
  }();
  return context.get();
}

using Scratch = base::ThreadScratch<struct FrameBytes>;

Error Corrupt(const char* what) { return {ErrorCode::kCorruption, std::string("frame: ") + what}; }

}  // namespace

void AppendRawFrame(std::string_view raw, std::string& out) {
  base::ByteWriter writer(out);
  writer.Varint(static_cast<std::uint64_t>(raw.size()) << 1);
  writer.Raw(raw);
}

void AppendFrame(std::string_view raw, std::string& out, FrameContent content) {
  if (raw.size() < kLeastCompressedBytes) return AppendRawFrame(raw, out);
  // Room for what would be worth taking only: zstd stops early where the bytes don't shrink.
  const Scratch scratch;
  char* const to = scratch.AtLeast(raw.size() + kMagic.size());
  const std::size_t size = ZSTD_compress2(CompressorFor(content), to, raw.size() + kMagic.size(),
                                          raw.data(), raw.size());
  // Two bytes for the stored size and one of margin.
  if (ZSTD_isError(size) || size < kMagic.size() || size - kMagic.size() + 3 > raw.size()) {
    return AppendRawFrame(raw, out);
  }
  base::ByteWriter writer(out);
  writer.Varint((static_cast<std::uint64_t>(raw.size()) << 1) | 1);
  writer.Bytes(std::string_view(to + kMagic.size(), size - kMagic.size()));
}

Result<std::string_view> ReadFrame(base::ByteReader& in, std::size_t max_raw_bytes,
                                   std::string& scratch) {
  const std::uint64_t header = in.Varint();
  const std::uint64_t raw_size = header >> 1;
  if (!in.ok()) return Corrupt("the header is cut short");
  if (raw_size > max_raw_bytes) return Corrupt("larger than allowed");
  if ((header & 1) == 0) {
    const std::string_view raw = in.Raw(raw_size);
    if (!in.ok()) return Corrupt("the bytes are cut short");
    return raw;
  }
  const std::string_view stored = in.Bytes();
  if (!in.ok()) return Corrupt("the compressed bytes are cut short");
  const Scratch with_magic;
  char* const from = with_magic.AtLeast(stored.size() + kMagic.size());
  kMagic.copy(from, kMagic.size());
  stored.copy(from + kMagic.size(), stored.size());
  const auto size_bytes = static_cast<std::size_t>(raw_size);
  if (scratch.size() < size_bytes) scratch.resize(size_bytes);
  const std::size_t size =
      ZSTD_decompressDCtx(Decompressor(), scratch.data(), size_bytes, from,
                          stored.size() + kMagic.size());
  if (ZSTD_isError(size)) return Corrupt("zstd can't decompress it");
  if (size != size_bytes) return Corrupt("the decompressed size differs from the header");
  return std::string_view(scratch.data(), size_bytes);
}

}  // namespace tracestore::column
