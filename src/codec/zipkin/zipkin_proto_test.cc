#include "codec/zipkin/zipkin_proto.h"

#include <gtest/gtest.h>

#include <numeric>

#include "codec/wire/wire_reader.h"
#include "codec/zipkin/zipkin_json.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

constexpr std::string_view kTraceId("\0\0\0\0\0\0\0\x0A", 8);
constexpr std::string_view kSpanId("\0\0\0\0\0\0\0\x0B", 8);

// A message of one span with ids, to which `more` adds fields.
template <typename More>
std::string One(More more, bool ids = true) {
  std::string out;
  WireWriter wire(out);
  const std::size_t begin = wire.Begin(1);
  if (ids) {
    wire.Bytes(1, kTraceId);
    wire.Bytes(3, kSpanId);
  }
  more(wire);
  wire.End(begin);
  return out;
}

std::string Json(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string out;
  EncodeZipkinSpans(batch, rows, out);
  return out;
}

std::string Normal(const std::string& bytes) {
  SpanBatch batch;
  const auto report = DecodeZipkinProtobuf(bytes, batch, {.strict = true});
  return report.has_value() ? Json(batch) : report.error().message();
}

std::string Refused(const std::string& bytes) {
  SpanBatch batch;
  const auto report = DecodeZipkinProtobuf(bytes, batch);
  if (!report.has_value()) return report.error().message();
  EXPECT_EQ((*report).accepted, 0U);
  EXPECT_EQ((*report).rejected, 1U);
  return (*report).first_error;
}

constexpr std::uint64_t kTooLate = 18446744073709552;
constexpr const char* kIds = R"("traceId":"000000000000000a","id":"000000000000000b")";

TEST(ZipkinProto, WritesBackWhatItRead) {
  const std::string json =
      R"([{"traceId":"463ac35c9f6413ad48485a3953bb6124","parentId":"5b4185666d50f68b",)"
      R"("id":"48485a3953bb6124","kind":"SERVER","name":"get /","timestamp":1521186011929043,)"
      R"("duration":14,"localEndpoint":{"serviceName":"backend","ipv4":"192.168.0.10",)"
      R"("ipv6":"2001:db8::c001","port":8080},"remoteEndpoint":{"serviceName":"front",)"
      R"("ipv4":"127.0.0.1","port":61},"annotations":[{"timestamp":1521186011929050,"value":"a"}],)"
      R"("tags":{"":"x","error":"","http.path":"/"},"debug":true,"shared":true},)"
      R"({"traceId":"48485a3953bb6124","id":"0000000000000001"}])";
  SpanBatch batch;
  ASSERT_TRUE(DecodeZipkinJson(json, batch).has_value());
  std::string bytes;
  EncodeZipkinProtobuf(batch, std::vector<std::uint32_t>{0, 1}, bytes);
  EXPECT_EQ(Normal(bytes), json);
}

TEST(ZipkinProto, BringsSpansIntoNormalForm) {
  const std::string bare = std::string("[{") + kIds + "}]";
  EXPECT_EQ(Normal(One([](WireWriter&) {})), bare);
  EXPECT_EQ(Normal(""), "[]");
  // A parent of zeros, or the span itself; times below zero; an unknown kind; unknown fields.
  EXPECT_EQ(Normal(One([](WireWriter& w) { w.BytesAlways(2, std::string(8, '\0')); })), bare);
  EXPECT_EQ(Normal(One([](WireWriter& w) { w.Bytes(2, kSpanId); })), bare);
  EXPECT_EQ(Normal(One([](WireWriter& w) {
              w.Fixed64(6, ~std::uint64_t{0});
              w.Uint(7, ~std::uint64_t{0});
              w.Uint(4, 9);
              w.Uint(100, 7);
            })),
            bare);
  // Short ids are padded.
  EXPECT_EQ(Normal(One(
                [](WireWriter& w) {
                  w.Bytes(1, "\x0A");
                  w.Bytes(3, "\x0B");
                },
                false)),
            bare);
  EXPECT_EQ(
      Normal(One([](WireWriter& w) {
        const std::size_t endpoint = w.Begin(8);
        w.Bytes(1, "Front");
        w.Bytes(2, std::string("\0\0\0\0", 4));
        w.Bytes(3, std::string(10, '\0') + "\xFF\xFF\x01\x02\x03\x04");
        w.UintAlways(4, ~std::uint64_t{0});  // -1
        w.End(endpoint);
      })),
      std::string("[{") + kIds + R"(,"localEndpoint":{"serviceName":"front","ipv4":"1.2.3.4"}}])");
}

TEST(ZipkinProto, StrictRefusesTheMessageInZipkinsWords) {
  const std::string tail = " reading List<Span> from proto3";
  const auto without_ids = [](std::string_view trace_id, std::string_view id) {
    return One(
        [&](WireWriter& w) {
          w.Bytes(1, trace_id);
          w.Bytes(3, id);
        },
        false);
  };
  EXPECT_EQ(Normal(One([](WireWriter& w) { w.Bytes(5, "x"); }, false)),
            "Missing : traceId id" + tail);
  // An id that is there and empty.
  const auto with_empty = [](std::uint32_t field, std::uint32_t other) {
    return One(
        [&](WireWriter& w) {
          w.BytesAlways(field, "");
          if (other != 0) w.Bytes(other, kSpanId);
        },
        false);
  };
  EXPECT_EQ(Normal(with_empty(1, 0)), "traceId == null" + tail);
  EXPECT_EQ(Normal(with_empty(1, 3)), "traceId == null" + tail);
  EXPECT_EQ(Normal(with_empty(3, 1)), "id == null" + tail);
  // A span of no bytes is passed over.
  EXPECT_EQ(Normal(One([](WireWriter&) {}) + One([](WireWriter&) {}, false)),
            std::string("[{") + kIds + "}]");
  EXPECT_EQ(Normal(without_ids(kTraceId, "")), "Missing : id" + tail);
  EXPECT_EQ(Normal(without_ids(std::string(16, '\0'), kSpanId)), "traceId is all zeros" + tail);
  EXPECT_EQ(Normal(without_ids(kTraceId, std::string(8, '\0'))), "id is all zeros" + tail);
  EXPECT_EQ(Normal(without_ids(kTraceId, "123456789")), "id.length > 16" + tail);
  EXPECT_EQ(Normal(without_ids(kTraceId, std::string(17, 'x'))), "id.length > 16" + tail);
  EXPECT_EQ(Normal(without_ids(std::string(17, 'x'), kSpanId)), "traceId.length > 32" + tail);
  EXPECT_EQ(Normal(One([](WireWriter& w) { w.Bytes(2, std::string(17, 'x')); })),
            "parentId.length > 16" + tail);
  EXPECT_EQ(Normal(One([](WireWriter& w) {
              const std::size_t endpoint = w.Begin(9);
              w.Uint(4, 70000);
              w.End(endpoint);
            })),
            "invalid port 70000" + tail);
  EXPECT_EQ(Normal("\x0A\x05"
                   "abc"),
            "Malformed" + tail);
  EXPECT_EQ(Normal("\xFF"), "Malformed" + tail);
}

TEST(ZipkinProto, KeepsTheGoodSpansOfAFile) {
  SpanBatch batch;
  const std::string bytes = One([](WireWriter&) {}) + One([](WireWriter&) {}, false) +
                            One([](WireWriter& w) { w.Bytes(5, "Named"); });
  const auto report = DecodeZipkinProtobuf(bytes, batch);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ((*report).accepted, 2U);
  EXPECT_EQ((*report).first_error, "span 1: it is without traceId id");
  EXPECT_EQ(Refused(One([](WireWriter& w) { w.Fixed64(6, kTooLate); })),
            "span 0 of trace 000000000000000a: timestamp '18446744073709552' is no number of "
            "microseconds");
  EXPECT_EQ(Refused("\x0A\x05"
                    "abc"),
            "Zipkin message is malformed at byte 2 of 5: a field runs past the end of its message");
  SpanBatch none;
  EXPECT_EQ(DecodeZipkinProtobuf(bytes, none, {.max_message_bytes = 10}).error().message(),
            "Zipkin message of " + std::to_string(bytes.size()) +
                " bytes is longer than the limit of 10");
}

}  // namespace
}  // namespace tracestore::codec
