#include "codec/detect/compress.h"

#include <gtest/gtest.h>

namespace tracestore::codec {
namespace {

// Not so regular that it would shrink to nothing.
std::string Text(std::size_t size) {
  std::string text;
  for (std::uint64_t i = 0; text.size() < size; ++i) text += std::to_string(i * 2654435761U) + ",";
  text.resize(size);
  return text;
}

std::string Packed(Compression kind, std::string_view text, std::size_t piece) {
  auto made = Compressor::Make(kind);
  EXPECT_TRUE(made.has_value()) << made.error().message();
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece)
    EXPECT_TRUE((*made)->Add(text.substr(at, piece), out).has_value());
  EXPECT_TRUE((*made)->Finish(out).has_value());
  return out;
}

TEST(Compressor, GivesWhatDecompressReads) {
  for (const Compression kind : {Compression::kNone, Compression::kGzip, Compression::kZstd}) {
    for (const std::size_t size : {0U, 1U, 1000U, 65536U, 1000000U}) {
      for (const std::size_t piece : {777U, 65536U, 2000000U}) {
        const std::string text = Text(size);
        const std::string packed = Packed(kind, text, piece);
        if (size > 0 || kind != Compression::kNone) {
          EXPECT_EQ(DetectCompression(packed), kind) << size;
        }
        if (size > 1000 && kind != Compression::kNone) {
          EXPECT_LT(packed.size(), size);
        }
        const auto back = Decompress(packed, 1 << 30);
        ASSERT_TRUE(back.has_value()) << back.error().message();
        EXPECT_EQ(*back, text);
      }
    }
  }
}

TEST(Compressor, IsChosenByAFilesName) {
  EXPECT_EQ(CompressionForName("a/b.json.gz"), Compression::kGzip);
  EXPECT_EQ(CompressionForName("b.zst"), Compression::kZstd);
  EXPECT_EQ(CompressionForName("gz"), Compression::kNone);
  EXPECT_EQ(CompressionForName("-"), Compression::kNone);
}

}  // namespace
}  // namespace tracestore::codec
