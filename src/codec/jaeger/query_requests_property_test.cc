// Requests as protobuf's own classes write them, and what the encoder of answers writes, read by
// them.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "api_v2/query.pb.h"
#include "codec/jaeger/protobuf_decoder.h"
#include "codec/jaeger/protobuf_encoder.h"
#include "codec/jaeger/query_requests.h"
#include "codec/jaeger/testing/reference_protobuf.h"
#include "codec/testing/arbitrary_batch.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

namespace api = jaeger::api_v2;
using model::SpanBatch;

std::vector<std::uint32_t> AllRows(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

api::FindTracesRequest ArbitraryFind(std::uint64_t seed) {
  Random random(seed);
  api::FindTracesRequest request;
  if (random.Percent(5)) return request;
  auto& query = *request.mutable_query();
  if (random.Percent(70)) query.set_service_name("service " + std::to_string(random.Below(9)));
  if (random.Percent(70)) query.set_operation_name("operation " + std::to_string(random.Below(9)));
  for (std::uint64_t i = random.Below(5); i > 0; --i)
    (*query.mutable_tags())["key " + std::to_string(i)] = std::to_string(random.Below(1000));
  if (random.Percent(70)) {
    query.mutable_start_time_min()->set_seconds(static_cast<std::int64_t>(random.Below(1u << 31)));
    query.mutable_start_time_min()->set_nanos(
        static_cast<std::int32_t>(random.Below(1'000'000'000)));
  }
  if (random.Percent(70)) query.mutable_duration_max()->set_nanos(17);
  query.set_search_depth(static_cast<std::int32_t>(random.Below(100)) - 50);
  query.set_raw_traces(random.Percent(50));
  return request;
}

TEST(JaegerQueryRequestsProperty, ReadsWhatProtobufWrites) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const api::FindTracesRequest request = ArbitraryFind(seed);
    const std::string bytes = request.SerializeAsString();
    const auto read = DecodeJaegerFindTraces(bytes);
    ASSERT_TRUE(read.has_value()) << read.error().message();
    const auto& query = request.query();
    EXPECT_EQ(read->has_query, request.has_query());
    EXPECT_EQ(read->service, query.service_name());
    EXPECT_EQ(read->operation, query.operation_name());
    EXPECT_EQ(read->attributes,
              (std::map<std::string, std::string>(query.tags().begin(), query.tags().end())));
    EXPECT_EQ(read->start_min_ns.has_value(), query.has_start_time_min());
    EXPECT_EQ(read->start_min_ns.value_or(0),
              static_cast<std::uint64_t>(query.start_time_min().seconds()) * 1'000'000'000 +
                  static_cast<std::uint64_t>(query.start_time_min().nanos()));
    EXPECT_EQ(read->duration_max_ns, query.duration_max().nanos());
    EXPECT_EQ(read->depth, query.search_depth());
    EXPECT_EQ(read->raw, query.raw_traces());
    // A cut message is refused where protobuf refuses it, and breaks nothing.
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::string cut = bytes.substr(0, size);
      EXPECT_EQ(DecodeJaegerFindTraces(cut).has_value(),
                api::FindTracesRequest().ParseFromString(cut));
    }
  }
}

// A chunk's bytes are also those of a Batch, which the decoder reads.
TEST(JaegerQueryRequestsProperty, SpansOfAChunkAreThoseOfTheBatch) {
  SilenceJaegerProtobufLog();
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = Origin::kJaeger;
    const SpanBatch batch = ArbitraryBatch(seed, options);
    std::string chunk;
    EncodeJaegerSpans(batch, AllRows(batch), {}, chunk);
    std::string request;
    WireWriter(request).BytesAlways(1, chunk);
    SpanBatch again;
    const auto report = DecodeJaegerProtobuf(request, again);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ(again.size(), batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i)
      ASSERT_TRUE(SpansEqual(batch, batch.spans[i], again, again.spans[i])) << "row " << i;
  }
}

TEST(JaegerQueryRequestsProperty, SortsTagsAndAddsWarnings) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = seed % 2 == 0 ? Origin::kOtlp : Origin::kJaeger;
    const SpanBatch batch = ArbitraryBatch(seed, options);
    const auto rows = AllRows(batch);
    std::string bytes, plain_bytes;
    const std::vector<std::vector<std::string>> warnings(rows.size(), {"a clock", "another"});
    EncodeJaegerSpans(batch, rows, {true, warnings}, bytes);
    EncodeJaegerSpans(batch, rows, {}, plain_bytes);
    api::SpansResponseChunk sorted, plain;
    ASSERT_TRUE(sorted.ParseFromString(bytes));
    ASSERT_TRUE(plain.ParseFromString(plain_bytes));
    ASSERT_EQ(sorted.spans_size(), plain.spans_size());
    const auto by_key = [](const api::KeyValue& a, const api::KeyValue& b) {
      return a.key() < b.key();
    };
    for (int i = 0; i < sorted.spans_size(); ++i) {
      api::Span expected = plain.spans(i);
      std::stable_sort(expected.mutable_tags()->begin(), expected.mutable_tags()->end(), by_key);
      auto& process_tags = *expected.mutable_process()->mutable_tags();
      std::stable_sort(process_tags.begin(), process_tags.end(), by_key);
      for (api::Log& log : *expected.mutable_logs()) {
        auto& fields = *log.mutable_fields();
        const auto event = std::find_if(fields.begin(), fields.end(), [](const api::KeyValue& one) {
          return one.key() == "event";
        });
        auto rest = fields.begin();
        if (event != fields.end()) {
          std::rotate(fields.begin(), event, event + 1);
          ++rest;
        }
        std::stable_sort(rest, fields.end(), by_key);
      }
      expected.add_warnings("a clock");
      expected.add_warnings("another");
      ASSERT_EQ(sorted.spans(i).SerializeAsString(), expected.SerializeAsString()) << "span " << i;
    }
  }
}

}  // namespace
}  // namespace tracestore::codec
