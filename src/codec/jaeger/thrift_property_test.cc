// Properties of Jaeger's Thrift codec on generated and damaged input, held to libthrift's structs.
#include <gtest/gtest.h>

#include <numeric>

#include "codec/jaeger/testing/reference_thrift.h"
#include "codec/jaeger/thrift_decoder.h"
#include "codec/jaeger/thrift_encoder.h"
#include "codec/testing/arbitrary_batch.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

constexpr ThriftProtocol kBoth[] = {ThriftProtocol::kBinary, ThriftProtocol::kCompact};

std::vector<std::uint32_t> AllRows(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

// Thrift has no field for warnings: they stand behind the tags and go.
SpanBatch WithoutWarnings(SpanBatch batch) {
  for (model::SpanRecord& span : batch.spans) {
    while (span.attributes.count > 0) {
      const auto& last = batch.attributes[span.attributes.begin + span.attributes.count - 1];
      if (!last.synthetic()) break;
      --span.attributes.count;
    }
  }
  return batch;
}

SpanBatch Arbitrary(std::uint64_t seed, Origin origin = Origin::kJaeger, std::uint32_t spans = 30) {
  ArbitraryOptions options;
  options.origin = origin;
  options.spans = spans;
  options.resources = 1;  // spans keep their order within one process
  options.invalid_utf8 = seed % 3 == 0;
  return WithoutWarnings(ArbitraryBatch(seed, options));
}

void ExpectSame(const SpanBatch& a, const SpanBatch& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(SpansEqual(a, a.spans[i], b, b.spans[i])) << "row " << i << "\n"
                                                          << DescribeSpan(a, a.spans[i]) << "\n"
                                                          << DescribeSpan(b, b.spans[i]);
  }
}

std::string BareBatch(const SpanBatch& batch, ThriftProtocol protocol) {
  std::vector<std::string> messages;
  EXPECT_TRUE(EncodeJaegerBatches(batch, AllRows(batch), protocol, messages).has_value());
  EXPECT_EQ(messages.size(), 1U);
  return messages.empty() ? "" : messages[0];
}

TEST(JaegerThriftProperty, DecodesWhatItEncoded) {
  for (const ThriftProtocol protocol : kBoth) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      const SpanBatch batch = Arbitrary(seed);
      const std::string bytes = BareBatch(batch, protocol);
      SpanBatch again;
      std::vector<JaegerBatchInfo> infos;
      const auto report =
          DecodeJaegerThrift(bytes, protocol, JaegerThriftShape::kBatch, again, &infos);
      ASSERT_TRUE(report.has_value()) << report.error().message();
      ASSERT_EQ(report->first_error, "");
      ASSERT_NO_FATAL_FAILURE(ExpectSame(batch, again));
      ASSERT_EQ(infos.size(), 1U);
      ASSERT_EQ(infos[0].spans, batch.size());
      ASSERT_EQ(CompareJaegerThriftDecoders(bytes, protocol), "");
    }
  }
}

TEST(JaegerThriftProperty, EveryShapeHoldsTheSameSpans) {
  for (const ThriftProtocol protocol : kBoth) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      const SpanBatch batch = Arbitrary(seed);
      const auto rows = AllRows(batch);
      std::vector<std::string> emitted;
      std::string call, arguments;
      ASSERT_TRUE(EncodeEmitBatches(batch, rows, protocol, emitted).has_value());
      ASSERT_TRUE(EncodeSubmitBatches(batch, rows, protocol, true, call).has_value());
      ASSERT_TRUE(EncodeSubmitBatches(batch, rows, protocol, false, arguments).has_value());
      const std::pair<std::string, JaegerThriftShape> messages[] = {
          {emitted.at(0), JaegerThriftShape::kMessage},
          {call, JaegerThriftShape::kMessage},
          {arguments, JaegerThriftShape::kArguments}};
      for (const auto& [message, shape] : messages) {
        SpanBatch again;
        const auto report = DecodeJaegerThrift(message, protocol, shape, again);
        ASSERT_TRUE(report.has_value()) << report.error().message();
        ASSERT_NO_FATAL_FAILURE(ExpectSame(batch, again));
      }
    }
  }
}

// Spans of several processes go out as a batch each and come back, every one with its process.
TEST(JaegerThriftProperty, KeepsEverySpansProcess) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = Origin::kJaeger;
    options.resources = 5;
    const SpanBatch batch = WithoutWarnings(ArbitraryBatch(seed, options));
    std::string call;
    ASSERT_TRUE(EncodeSubmitBatches(batch, AllRows(batch), ThriftProtocol::kBinary, true, call)
                    .has_value());
    SpanBatch again;
    ASSERT_TRUE(
        DecodeJaegerThrift(call, ThriftProtocol::kBinary, JaegerThriftShape::kMessage, again)
            .has_value());
    ASSERT_EQ(again.size(), batch.size());
    // By process in order of appearance, in their order within each.
    std::vector<std::uint32_t> order = AllRows(batch);
    std::vector<std::size_t> first(batch.resources.size(), batch.size());
    for (const std::uint32_t row : order) {
      std::size_t& at = first[batch.spans[row].resource];
      at = std::min<std::size_t>(at, row);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return first[batch.spans[a].resource] < first[batch.spans[b].resource];
    });
    for (std::size_t i = 0; i < order.size(); ++i)
      ASSERT_TRUE(SpansEqual(batch, batch.spans[order[i]], again, again.spans[i])) << "row " << i;
  }
}

// What Jaeger's format can't say is lost once; from then on nothing changes.
TEST(JaegerThriftProperty, ConvertsEveryOriginToStableThrift) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SpanBatch batch = Arbitrary(seed, seed % 2 == 0 ? Origin::kOtlp : Origin::kZipkin);
    const std::string bytes = BareBatch(batch, ThriftProtocol::kCompact);
    SpanBatch jaeger, again;
    const auto report =
        DecodeJaegerThrift(bytes, ThriftProtocol::kCompact, JaegerThriftShape::kBatch, jaeger);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ(report->first_error, "");
    ASSERT_EQ(jaeger.size(), batch.size());
    const std::string second = BareBatch(jaeger, ThriftProtocol::kBinary);
    ASSERT_TRUE(
        DecodeJaegerThrift(second, ThriftProtocol::kBinary, JaegerThriftShape::kBatch, again)
            .has_value());
    ASSERT_NO_FATAL_FAILURE(ExpectSame(jaeger, again));
  }
}

TEST(JaegerThriftProperty, RefusesEveryTruncation) {
  for (const ThriftProtocol protocol : kBoth) {
    const std::string bytes = BareBatch(Arbitrary(7, Origin::kJaeger, 4), protocol);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      SpanBatch batch;
      std::vector<JaegerBatchInfo> infos;
      const auto report = DecodeJaegerThrift(std::string_view(bytes).substr(0, cut), protocol,
                                             JaegerThriftShape::kBatch, batch, &infos);
      ASSERT_FALSE(report.has_value()) << cut;
      ASSERT_TRUE(batch.spans.empty() && batch.attributes.empty() && batch.resources.empty());
      ASSERT_TRUE(infos.empty());
    }
  }
}

TEST(JaegerThriftProperty, AgreesWithLibthriftOnDamagedBytes) {
  for (const ThriftProtocol protocol : kBoth) {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Random random(seed);
      std::string bytes = BareBatch(Arbitrary(seed % 10, Origin::kJaeger, 3), protocol);
      for (std::uint64_t hits = 1 + random.Below(3); hits > 0; --hits) {
        char& byte = bytes[random.Below(bytes.size())];
        byte = static_cast<char>(random.Percent(50) ? random.Below(16) : random.Next());
      }
      ASSERT_EQ(CompareJaegerThriftDecoders(bytes, protocol), "");
    }
  }
}

}  // namespace
}  // namespace tracestore::codec
