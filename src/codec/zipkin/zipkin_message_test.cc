#include "codec/zipkin/zipkin_message.h"

#include <gtest/gtest.h>

namespace tracestore::codec {
namespace {

std::string Answer(std::string_view message, ZipkinEncoding encoding) {
  model::SpanBatch batch;
  const auto report = DecodeZipkinMessage(message, encoding, batch);
  if (!report.has_value()) {
    EXPECT_TRUE(batch.empty());
    return report.error().message();
  }
  EXPECT_EQ((*report).accepted, batch.size());
  return std::to_string(batch.size()) + " spans";
}

constexpr ZipkinEncoding kAll[] = {ZipkinEncoding::kJsonV1, ZipkinEncoding::kJsonV2,
                                   ZipkinEncoding::kThrift, ZipkinEncoding::kProto3};
constexpr std::string_view kV2 =
    R"([{"traceId":"a","id":"b","localEndpoint":{"serviceName":"x"}}])";
constexpr std::string_view kV1 =
    R"([{"traceId":"a","id":"b","binaryAnnotations":[{"key":"k","value":"v"}]}])";
constexpr std::string_view kBare = R"([{"traceId":"a","id":"b"}])";
constexpr std::string_view kThrift("\x0C\0\0\0\0", 5);
constexpr std::string_view kProto("\x0A\x06\x0A\x01\x0A\x1A\x01\x0B", 8);

TEST(ZipkinMessage, AnEmptyOneHasNoSpans) {
  for (const ZipkinEncoding encoding : kAll) {
    EXPECT_EQ(Answer("", encoding), "0 spans");
    EXPECT_EQ(Answer("[]", encoding), "0 spans");
  }
  EXPECT_EQ(Answer("[ ]", ZipkinEncoding::kJsonV2), "0 spans");
  EXPECT_EQ(Answer(kThrift, ZipkinEncoding::kThrift), "0 spans");
}

TEST(ZipkinMessage, TakesWhatItIsToldToTake) {
  EXPECT_EQ(Answer(kV1, ZipkinEncoding::kJsonV1), "1 spans");
  EXPECT_EQ(Answer(kV2, ZipkinEncoding::kJsonV2), "1 spans");
  EXPECT_EQ(Answer(kProto, ZipkinEncoding::kProto3), "1 spans");
  // Without a telling field it is either.
  EXPECT_EQ(Answer(kBare, ZipkinEncoding::kJsonV1), "1 spans");
  EXPECT_EQ(Answer(kBare, ZipkinEncoding::kJsonV2), "1 spans");
}

TEST(ZipkinMessage, SaysWhatItExpected) {
  for (const std::string_view wrong : {"{}", "hello", " [", "\n", "\xFF"}) {
    EXPECT_EQ(Answer(wrong, ZipkinEncoding::kJsonV2), "Expected a JSON_V2 encoded list\n") << wrong;
    EXPECT_EQ(Answer(wrong, ZipkinEncoding::kJsonV1), "Expected a JSON_V1 encoded list\n") << wrong;
    EXPECT_EQ(Answer(wrong, ZipkinEncoding::kThrift), "Expected a THRIFT encoded list\n") << wrong;
    EXPECT_EQ(Answer(wrong, ZipkinEncoding::kProto3), "Expected a PROTO3 encoded list\n") << wrong;
  }
  EXPECT_EQ(Answer(kV2, ZipkinEncoding::kJsonV1),
            "Expected a JSON_V1 encoded list, but received: JSON_V2\n");
  EXPECT_EQ(Answer(R"([{"traceId":"a","id":"b","tags":{}}])", ZipkinEncoding::kJsonV1),
            "Expected a JSON_V1 encoded list, but received: JSON_V2\n");
  EXPECT_EQ(Answer(kV1, ZipkinEncoding::kJsonV2),
            "Expected a JSON_V2 encoded list, but received: JSON_V1\n");
  // Bytes are what Zipkin goes by, wherever they stand.
  EXPECT_EQ(Answer(R"([{"traceId":"a","id":"b","tags":{"Annotations":"1","myAnnotations":"2"}}])",
                   ZipkinEncoding::kJsonV2),
            "Expected a JSON_V2 encoded list, but received: JSON_V1\n");
  EXPECT_EQ(Answer(R"([{"traceId":"a","id":"b","tags":{"Annotations":"yAnnotations 2"}}])",
                   ZipkinEncoding::kJsonV2),
            "1 spans");
  // A list of another kind passes the first look, and fails at the second.
  EXPECT_EQ(Answer(kBare, ZipkinEncoding::kProto3), "Malformed reading List<Span> from proto3");
  EXPECT_EQ(Answer(kBare, ZipkinEncoding::kThrift), "Malformed reading List<Span> from TBinary");
  EXPECT_EQ(Answer(kThrift, ZipkinEncoding::kJsonV2), "Malformed reading List<Span> from json");
}

TEST(ZipkinMessage, DetectsTheEncodingAsZipkinDoes) {
  const auto detected = [](std::string_view message) {
    const auto encoding = DetectZipkinEncoding(message);
    return std::string(encoding.has_value() ? ZipkinEncodingName(*encoding)
                                            : encoding.error().message());
  };
  EXPECT_EQ(detected(kV1), "JSON_V1");
  EXPECT_EQ(detected(kBare), "JSON_V1");
  EXPECT_EQ(detected(kV2), "JSON_V2");
  EXPECT_EQ(detected(kThrift), "THRIFT");
  EXPECT_EQ(detected(kProto), "PROTO3");
  for (const std::string_view none : {"", "x", "{}"})
    EXPECT_EQ(detected(none), "Could not detect the span format");
}

}  // namespace
}  // namespace tracestore::codec
