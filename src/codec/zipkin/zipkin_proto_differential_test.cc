// Our decoder against protobuf's own parser, and properties of both directions.
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <numeric>

#include "codec/testing/arbitrary_batch.h"
#include "codec/zipkin/testing/zipkin_reference.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_proto.h"
#include "zipkin.pb.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

std::vector<std::uint32_t> AllRows(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

std::string Encode(const SpanBatch& batch) {
  std::string out;
  EncodeZipkinProtobuf(batch, AllRows(batch), out);
  return out;
}

std::string Json(const SpanBatch& batch) {
  std::string out;
  EncodeZipkinSpans(batch, AllRows(batch), out);
  return out;
}

void ExpectSame(const SpanBatch& a, const SpanBatch& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(SpansEqual(a, a.spans[i], b, b.spans[i])) << "row " << i << "\n"
                                                          << DescribeSpan(a, a.spans[i]) << "\n"
                                                          << DescribeSpan(b, b.spans[i]);
  }
}

// Both decoders on the same bytes. Where protobuf takes them, so must we, with equal spans.
void Compare(const std::string& bytes) {
  SpanBatch ours, theirs;
  const auto report = DecodeZipkinProtobuf(bytes, ours);
  const auto reference = ReferenceDecodeZipkin(bytes, theirs);
  // Texts that are no UTF-8 are refused by protobuf and kept by us.
  if (!reference) return;
  ASSERT_TRUE(report.has_value()) << report.error().message();
  ASSERT_EQ((*report).accepted, reference->accepted);
  ASSERT_EQ((*report).rejected, reference->rejected);
  ASSERT_NO_FATAL_FAILURE(ExpectSame(theirs, ours));
}

TEST(ZipkinProtoDifferential, ReadsWhatProtobufReads) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = static_cast<Origin>(seed % 3);
    const SpanBatch batch = ArbitraryBatch(seed, options);
    ASSERT_NO_FATAL_FAILURE(Compare(Encode(batch)));
  }
}

TEST(ZipkinProtoDifferential, ReadsMutatedBytesAsProtobufDoes) {
  google::protobuf::LogSilencer silent;  // it logs every text that is no UTF-8
  std::size_t taken = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    ArbitraryOptions options;
    options.origin = Origin::kZipkin;
    options.spans = 4;
    std::string bytes = Encode(ArbitraryBatch(seed % 50, options));
    for (std::uint64_t i = 1 + random.Below(3); i > 0; --i) {
      const std::size_t at = random.Below(bytes.size());
      switch (random.Below(4)) {
        case 0: bytes[at] = static_cast<char>(random.Next()); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.Below(8))); break;
        case 2: bytes.insert(at, bytes.substr(at, random.Below(40))); break;
        default: bytes.erase(at, 1 + random.Below(4)); break;
      }
      if (bytes.empty()) break;
    }
    SpanBatch theirs;
    if (ReferenceDecodeZipkin(bytes, theirs)) ++taken;
    ASSERT_NO_FATAL_FAILURE(Compare(bytes));
    SpanBatch strict;
    const bool whole = DecodeZipkinProtobuf(bytes, strict, {.strict = true}).has_value();
    ASSERT_TRUE(whole || strict.empty());
  }
  EXPECT_GT(taken, 300U);  // else the test compares nothing
}

TEST(ZipkinProtoProperty, DecodesWhatItEncodedAsJsonDoes) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = Origin::kZipkin;
    SpanBatch json;
    ASSERT_TRUE(DecodeZipkinJson(Json(ArbitraryBatch(seed, options)), json).has_value());
    SpanBatch again;
    const auto report = DecodeZipkinProtobuf(Encode(json), again, {.strict = true});
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_NO_FATAL_FAILURE(ExpectSame(json, again));
    ASSERT_EQ(Json(again), Json(json));
  }
}

TEST(ZipkinProtoProperty, EndsCleanlyAtEveryTruncation) {
  ArbitraryOptions options;
  options.origin = Origin::kZipkin;
  options.spans = 6;
  const SpanBatch batch = ArbitraryBatch(3, options);
  const std::string bytes = Encode(batch);
  std::size_t whole = 0;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    SpanBatch out;
    const auto report = DecodeZipkinProtobuf(std::string_view(bytes).substr(0, cut), out);
    if (report.has_value()) {
      ++whole;  // between two spans
      continue;
    }
    ASSERT_EQ(report.error().code(), ErrorCode::kInvalidArgument);
    ASSERT_TRUE(out.spans.empty() && out.attributes.empty());
  }
  EXPECT_EQ(whole, batch.size());
}

}  // namespace
}  // namespace tracestore::codec
