// Reading that is told to stop: what stops it is a count of questions, never a clock.
#include <gtest/gtest.h>

#include <string>

#include "base/stop.h"
#include "codec/detect/any_format.h"
#include "codec/detect/compress.h"
#include "codec/detect/decompress.h"
#include "codec/testing/arbitrary_batch.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

constexpr Format kFormats[] = {Format::kOtlpProtobuf, Format::kOtlpJson, Format::kOtlpJsonLines,
                               Format::kJaegerJson, Format::kJaegerThrift, Format::kJaegerProtobuf,
                               Format::kZipkinJson, Format::kZipkinProtobuf, Format::kZipkinV1Json,
                               Format::kZipkinV1Thrift};

// Says to stop at the question `at` (from 1) and counts them.
struct StopAt {
  explicit StopAt(std::uint64_t at) : at_(at) {
    when.poll = [this] { return ++asked >= at_; };
  }
  std::uint64_t asked = 0;
  StopWhen when;

 private:
  std::uint64_t at_;
};

std::string Encoded(Format format, std::uint32_t spans) {
  ArbitraryOptions options;
  options.spans = spans;
  options.traces = spans / 4 + 1;
  options.weird_graph = false;
  std::string text;
  const SpanBatch batch = ArbitraryBatch(3, options);
  EXPECT_TRUE(EncodeAny(batch, GroupByTrace(batch), format, text).has_value());
  return text;
}

TEST(Stop, EveryDecoderAsksAndThenKeepsNothing) {
  constexpr std::uint32_t kSpans = 2000;
  for (const Format format : kFormats) {
    SCOPED_TRACE(FormatName(format));
    const std::string text = Encoded(format, kSpans);
    StopAt never(std::uint64_t{1} << 40);
    SpanBatch all;
    ASSERT_TRUE(DecodeAny(text, format, all, &never.when).has_value());
    ASSERT_GE(never.asked, all.size() / 2 / StopCheck::kSteps);
    for (std::uint64_t at = 1; at <= never.asked; ++at) {
      SpanBatch out = ArbitraryBatch(5);
      const std::size_t before = out.size();
      StopAt stop(at);
      const auto report = DecodeAny(text, format, out, &stop.when);
      ASSERT_FALSE(report.has_value());
      EXPECT_EQ(report.error().code(), ErrorCode::kCancelled);
      EXPECT_EQ(report.error().message(), "the reading was cancelled");
      EXPECT_EQ(out.size(), before);
      EXPECT_EQ(stop.asked, at);  // once told, nobody is asked again
    }
  }
}

// What holds no span is no way around it: 4 bytes an empty list of spans, a byte an empty line.
TEST(Stop, EmptyListsAndLinesCountToo) {
  std::string lists;
  for (int i = 0; i < 5000; ++i) lists += std::string("\x0A\x02\x12\x00", 4);
  StopAt second(2);
  SpanBatch out;
  EXPECT_EQ(DecodeAny(lists, Format::kOtlpProtobuf, out, &second.when).error().code(),
            ErrorCode::kCancelled);
  second.asked = 0;
  EXPECT_EQ(DecodeAny(std::string(5000, '\n'), Format::kOtlpJsonLines, out, &second.when)
                .error()
                .code(),
            ErrorCode::kCancelled);
}

TEST(Stop, DeadlineAndFlagHaveTheirSentences) {
  const std::string text = Encoded(Format::kOtlpProtobuf, 300);
  SpanBatch out;
  StopWhen late;
  late.deadline = std::chrono::steady_clock::time_point{};
  EXPECT_EQ(DecodeAny(text, std::nullopt, out, &late).error().message(),
            "the reading's deadline has passed");
  const std::atomic<bool> cancel{true};
  StopWhen cancelled;
  cancelled.cancel = &cancel;
  EXPECT_EQ(DecodeAny(text, std::nullopt, out, &cancelled).error().message(),
            "the reading was cancelled");
  EXPECT_TRUE(out.empty());
}

TEST(Stop, UnpackingAsksForEveryPieceThatComesOut) {
  const std::string zeros(3 << 20, '\0');
  for (const Compression kind : {Compression::kGzip, Compression::kZstd}) {
    auto compressor = Compressor::Make(kind);
    ASSERT_TRUE(compressor.has_value());
    std::string packed;
    ASSERT_TRUE((*compressor)->Add(zeros, packed).has_value());
    ASSERT_TRUE((*compressor)->Finish(packed).has_value());
    StopAt never(std::uint64_t{1} << 40);
    ASSERT_TRUE(Decompress(packed, zeros.size(), &never.when).has_value());
    ASSERT_GE(never.asked, 12U);  // 3 MiB by 256 KiB
    for (std::uint64_t at = 1; at <= never.asked; ++at) {
      StopAt stop(at);
      const auto out = Decompress(packed, zeros.size(), &stop.when);
      ASSERT_FALSE(out.has_value());
      EXPECT_EQ(out.error().code(), ErrorCode::kCancelled);
      EXPECT_EQ(stop.asked, at);
    }
  }
}

}  // namespace
}  // namespace tracestore::codec
