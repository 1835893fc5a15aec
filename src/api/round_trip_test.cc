// Decode, store, encode in the same format: what comes out says what went in, span by span and
// field by field, for random spans of every format and for real files of others.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <tracestore/store.h>

#include "api/deletes_test_support.h"
#include "base/testing/source_dir.h"
#include "codec/detect/any_format.h"
#include "codec/detect/decompress.h"
#include "codec/detect/detect_format.h"
#include "codec/testing/arbitrary_batch.h"
#include "model/span_batch.h"

namespace tracestore {
namespace {

namespace files = std::filesystem;
using api::testing::OpenOrFail;
using api::testing::TemporaryDirectory;
using model::SpanBatch;

constexpr Format kFormats[] = {Format::kOtlpProtobuf, Format::kOtlpJson, Format::kOtlpJsonLines,
                               Format::kJaegerJson, Format::kJaegerThrift, Format::kJaegerProtobuf,
                               Format::kZipkinJson, Format::kZipkinProtobuf, Format::kZipkinV1Json,
                               Format::kZipkinV1Thrift};

SpanBatch Decoded(const std::string& content, Format format) {
  SpanBatch batch;
  const auto report = codec::DecodeAny(content, format, batch);
  EXPECT_TRUE(report.has_value()) << report.error().message();
  return batch;
}

std::string Encoded(const SpanBatch& batch, const std::vector<std::uint32_t>& rows,
                    Format format) {
  std::string text;
  EXPECT_TRUE(codec::EncodeAny(batch, {&rows, 1}, format, text).has_value());
  return text;
}

// Each span of one list has its equal in the other: an order is not promised.
void ExpectSameSpans(const SpanBatch& expected, const std::vector<std::uint32_t>& rows,
                     const SpanBatch& found) {
  ASSERT_EQ(found.size(), rows.size());
  std::vector<bool> taken(found.size());
  for (const std::uint32_t row : rows) {
    std::size_t at = 0;
    while (at < found.size() && (taken[at] || !SpansEqual(expected, expected.spans[row], found,
                                                          found.spans[at])))
      ++at;
    ASSERT_LT(at, found.size()) << "not found: "
                                << codec::DescribeSpan(expected, expected.spans[row]);
    taken[at] = true;
  }
}

// Of the head, of a segment, and of a store that was opened again. Gives how many spans there are.
std::size_t ExpectRoundTrip(const std::string& content, Format format) {
  const SpanBatch expected = Decoded(content, format);
  const TemporaryDirectory directory;
  auto store = OpenOrFail(directory.path());
  EXPECT_NE(store, nullptr);
  const auto appended = store->Append(content, format);
  EXPECT_TRUE(appended.has_value()) << appended.error().message();
  EXPECT_EQ(appended->accepted, expected.size());
  for (const char* place : {"head", "segment", "opened again"}) {
    SCOPED_TRACE(place);
    if (place == std::string_view("segment")) {
      EXPECT_TRUE(store->Seal().has_value());
    }
    if (place == std::string_view("opened again")) {
      store.reset();
      store = OpenOrFail(directory.path(), OpenMode::kRead);
    }
    for (const std::vector<std::uint32_t>& rows : codec::GroupByTrace(expected)) {
      const auto spans = store->Get(expected.spans[rows[0]].trace_id);
      EXPECT_TRUE(spans.has_value()) << spans.error().message();
      if (!spans.has_value()) continue;
      ExpectSameSpans(expected, rows, *spans->batch());
      const auto text = Encode(*spans, format);
      EXPECT_TRUE(text.has_value()) << text.error().message();
      // What the format itself can't say of these spans, or puts in order, is no fault of the
      // store.
      const SpanBatch again = Decoded(Encoded(expected, rows, format), format);
      std::vector<std::uint32_t> all(again.size());
      for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
      ExpectSameSpans(again, all, Decoded(*text, format));
    }
  }
  return expected.size();
}

codec::ArbitraryOptions OptionsOf(Format format) {
  codec::ArbitraryOptions options;
  switch (format) {
    case Format::kOtlpProtobuf:
    case Format::kOtlpJson:
    case Format::kOtlpJsonLines: break;
    case Format::kJaegerJson:
    case Format::kJaegerThrift:
    case Format::kJaegerProtobuf: options.origin = Origin::kJaeger; break;
    default: options.origin = Origin::kZipkin;
  }
  return options;
}

TEST(RoundTrip, OfRandomSpansInEveryFormat) {
  for (const Format format : kFormats) {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      SCOPED_TRACE(std::string(FormatName(format)) + " seed " + std::to_string(seed));
      const SpanBatch batch = codec::ArbitraryBatch(seed, OptionsOf(format));
      std::string text;
      ASSERT_TRUE(codec::EncodeAny(batch, codec::GroupByTrace(batch), format, text).has_value());
      ASSERT_GT(ExpectRoundTrip(text, format), 0U);
      if (HasFailure()) return;
    }
  }
}

bool IsTraceFile(const files::path& path) {
  const std::string folder = path.parent_path().filename().string();
  const std::string name = path.filename().string();
  if (folder == "jaeger-ui")
    return name.find("Trace") != std::string::npos || name.find("2jaeger") != std::string::npos;
  if (folder == "otlp-examples") return name == "trace.json";
  if (folder == "wire") return name.ends_with(".bin");
  return path.extension() == ".json";
}

TEST(RoundTrip, OfEveryRealFile) {
  if (!base::SharedDataIsThere()) return;
  std::size_t read = 0;
  std::size_t spans = 0;
  std::set<std::string> unknown;
  for (const char* folder :
       {"zipkin-lens", "deathstarbench", "crisp", "otlp-examples", "jaeger-ui", "wire"}) {
    for (const auto& entry : files::directory_iterator(base::SharedData() / folder)) {
      if (!IsTraceFile(entry.path())) continue;
      SCOPED_TRACE(entry.path().string());
      std::ifstream in(entry.path(), std::ios::binary);
      std::ostringstream bytes;
      bytes << in.rdbuf();
      const auto content = codec::Decompress(bytes.str(), codec::kMaxContentBytes);
      ASSERT_TRUE(content.has_value()) << content.error().message();
      const auto format = codec::DetectFormat(*content);
      if (!format.has_value()) {
        unknown.insert(entry.path().filename().string());
        continue;
      }
      spans += ExpectRoundTrip(*content, *format);
      ++read;
    }
  }
  std::cout << read << " files, " << spans << " spans\n";
  EXPECT_GE(read, 65U);
  // Zipkin's Thrift in its compact protocol, which is no file format, and a message that its client
  // makes wrong: Jaeger and Zipkin refuse it, too.
  EXPECT_EQ(unknown,
            (std::set<std::string>{"jaeger-client-python-3.7.1-zipkin_thrift_compact.bin",
                                   "zipkin-js-0.22.0-zipkin_v1_thrift.bin"}));
}

}  // namespace
}  // namespace tracestore
