#include "store/engine/batch_codec.h"

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "base/testing/source_dir.h"
#include "codec/testing/arbitrary_batch.h"

namespace tracestore::store {
namespace {

using model::SpanBatch;

SpanBatch Arbitrary(std::uint64_t seed) {
  codec::ArbitraryOptions options;
  options.spans = static_cast<std::uint32_t>(seed * 7 % 60);
  options.beyond_origin = true;
  options.invalid_utf8 = true;
  options.unknown_fields = true;
  return codec::ArbitraryBatch(seed, options);
}

TEST(BatchCodec, GivesBackEveryFieldOfEverySpan) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SpanBatch batch = Arbitrary(seed);
    const auto back = DecodeBatch(EncodeBatch(batch));
    ASSERT_TRUE(back.has_value()) << back.error().message();
    ASSERT_EQ(batch.size(), back->size());
    for (std::size_t i = 0; i < batch.size(); ++i)
      ASSERT_TRUE(SpansEqual(batch, batch.spans[i], *back, back->spans[i])) << i;
  }
}

TEST(BatchCodec, RefusesWhatIsCutShortOrGoesOn) {
  const std::string bytes = EncodeBatch(Arbitrary(5));
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 32) {
    const auto back = DecodeBatch(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(back.has_value()) << size;
    EXPECT_EQ(ErrorCode::kCorruption, back.error().code());
  }
  EXPECT_FALSE(DecodeBatch(bytes + '\0').has_value());
}

TEST(BatchCodec, NamesANewerVersion) {
  const auto back = DecodeBatch("\x02");
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(ErrorCode::kUnsupported, back.error().code());
  EXPECT_EQ("a batch in the log has version 2; this build reads version 1: use a newer tracestore",
            back.error().message());
}

// A few bytes must not stand for many attributes: spans that all claim the same ones.
TEST(BatchCodec, RefusesRangesThatAddUpToFarMoreThanThereIs) {
  SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  for (int i = 0; i < 100; ++i) batch.AddInt(0, i);
  for (int i = 0; i < 100; ++i) {
    model::SpanRecord span;
    span.attributes = {0, 100};
    batch.spans.push_back(span);
  }
  EXPECT_FALSE(DecodeBatch(EncodeBatch(batch)).has_value());
}

// Holds the dump of docs/format/batch.md.
TEST(BatchCodec, TheSmallestBatchIsThePagesDump) {
  SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  model::SpanRecord span;
  span.trace_id.low = 1;
  span.span_id.value = 2;
  span.start_ns = 3;
  span.duration_ns = 4;
  span.presence = model::kHasStart | model::kHasDuration;
  span.kind = SpanKind::kInternal;
  span.name = batch.strings.Intern("a");
  batch.spans.push_back(span);

  std::ifstream file(base::SourceDir() + "/docs/format/batch.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  const std::string open = "```hex\n";
  const auto begin = page.find(open);
  ASSERT_NE(std::string::npos, begin);
  std::string expected = page.substr(begin + open.size());
  expected.resize(expected.find("```"));

  std::string dump;
  const std::string bytes = EncodeBatch(batch);
  constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    dump += kDigits[byte >> 4];
    dump += kDigits[byte & 15];
    dump += at % 16 == 15 || at + 1 == bytes.size() ? '\n' : ' ';
  }
  EXPECT_EQ(expected, dump);
}

}  // namespace
}  // namespace tracestore::store
