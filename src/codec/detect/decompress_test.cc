#include "codec/detect/decompress.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace tracestore::codec {
namespace {

std::string Gzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// Not so regular that it would shrink to nothing.
std::string Text(std::size_t size) {
  std::string text;
  for (std::uint64_t i = 0; text.size() < size; ++i) text += std::to_string(i * 2654435761U) + ",";
  text.resize(size);
  return text;
}

constexpr std::uint64_t kMost = 1 << 30;

std::string Unpacked(std::string_view bytes, std::uint64_t most = kMost) {
  const auto text = Decompress(bytes, most);
  return text.has_value() ? *text : "error: " + text.error().message();
}

TEST(Decompress, GivesBackWhatWasPacked) {
  for (const std::size_t size : {0U, 1U, 1000U, 262144U, 1000000U}) {
    const std::string text = Text(size);
    EXPECT_EQ(Unpacked(Gzip(text)), text);
    EXPECT_EQ(Unpacked(Zstd(text)), text);
    EXPECT_EQ(Unpacked(text), text);
  }
}

TEST(Decompress, TakesSeveralMembersAndFrames) {
  EXPECT_EQ(Unpacked(Gzip("one ") + Gzip("") + Gzip("two")), "one two");
  EXPECT_EQ(Unpacked(Gzip("one") + std::string(1000, '\0')), "one");
  EXPECT_EQ(Unpacked(Zstd("one ") + Zstd("") + Zstd("two")), "one two");
  const std::string skippable("\x5A\x2A\x4D\x18\x02\0\0\0xx", 10);
  EXPECT_EQ(Unpacked(skippable + Zstd("two")), "two");
}

TEST(Decompress, NamesWhereTruncatedDataEnds) {
  const std::string text = Text(1000);
  const std::string gzip = Gzip(text);
  for (std::size_t cut = 2; cut < gzip.size(); ++cut) {
    ASSERT_EQ(Unpacked(gzip.substr(0, cut)),
              "error: truncated gzip data at byte " + std::to_string(cut));
  }
  const std::string zstd = Zstd(text);
  for (std::size_t cut = 4; cut < zstd.size(); ++cut) {
    ASSERT_EQ(Unpacked(zstd.substr(0, cut)),
              "error: truncated zstd data at byte " + std::to_string(cut));
  }
}

TEST(Decompress, RefusesDamage) {
  std::string gzip = Gzip(Text(5000));
  gzip[gzip.size() - 6] = static_cast<char>(gzip[gzip.size() - 6] ^ 1);  // the CRC
  EXPECT_EQ(Unpacked(gzip).substr(0, 26), "error: damaged gzip data a");
  EXPECT_EQ(Unpacked(Gzip("x") + "tail"),
            "error: bytes that are no gzip data after its end at byte 21");
  EXPECT_EQ(Unpacked(Zstd("x") + "tail").substr(0, 26), "error: damaged zstd data a");
  for (const std::string& good : {Gzip(Text(800)), Zstd(Text(800))}) {
    for (std::size_t at = 4; at < good.size(); ++at) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
      (void)Decompress(bad, kMost);
    }
  }
}

// A frame of 12 bytes that announces 1 GiB: refused for its window before memory is taken.
TEST(Decompress, TrustsNoAnnouncedSize) {
  const std::string frame("\x28\xB5\x2F\xFD\xA0\x00\x00\x00\x40\x01\x00\x00", 12);
  EXPECT_EQ(Unpacked(frame).substr(0, 26), "error: damaged zstd data a");
  // The length at the end of a gzip member is not read before the data.
  std::string gzip = Gzip("x");
  gzip.replace(gzip.size() - 4, 4, "\xFF\xFF\xFF\x3F");
  EXPECT_EQ(Unpacked(gzip).substr(0, 26), "error: damaged gzip data a");
}

TEST(Decompress, StopsAtTheBound) {
  const std::string zeros(20 << 20, '\0');
  for (const std::string& packed : {Gzip(zeros), Zstd(zeros)}) {
    EXPECT_EQ(Unpacked(packed, 1000), "error: the content is longer than 1000 bytes");
    EXPECT_EQ(Unpacked(packed, zeros.size() - 1),
              "error: the content is longer than " + std::to_string(zeros.size() - 1) + " bytes");
    EXPECT_TRUE(Decompress(packed, zeros.size()).has_value());
  }
  EXPECT_EQ(Unpacked("abc", 2), "error: the content is longer than 2 bytes");
}

}  // namespace
}  // namespace tracestore::codec
