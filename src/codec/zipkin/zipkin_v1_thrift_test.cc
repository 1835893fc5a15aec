#include "codec/zipkin/zipkin_v1_thrift.h"

#include <gtest/gtest.h>
#include <thrift_gen/ZipkinCollector.h>

#include <numeric>

#include "codec/testing/arbitrary_batch.h"
#include "codec/thrift/thrift_structs.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_v1_json.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
namespace idl = tracestore::thrift::zipkincore;

std::vector<std::uint32_t> AllRows(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

std::string Json(const SpanBatch& batch) {
  std::string out;
  EncodeZipkinSpans(batch, AllRows(batch), out);
  return out;
}

// By libthrift, from our IDL: the list alone.
std::string Written(const std::vector<idl::Span>& spans,
                    ThriftProtocol protocol = ThriftProtocol::kBinary) {
  idl::ZipkinCollector_submitZipkinBatch_args arguments;
  arguments.spans = spans;
  arguments.__isset.spans = true;
  std::string bytes;
  EXPECT_TRUE(WriteThriftStruct(arguments, protocol, bytes).has_value());
  const std::size_t header = protocol == ThriftProtocol::kBinary ? 3 : 1;
  return bytes.substr(header, bytes.size() - header - 1);
}

std::string ToV2(const std::string& bytes) {
  SpanBatch batch;
  const auto report = DecodeZipkinV1Thrift(bytes, batch, {.strict = true});
  return report.has_value() ? Json(batch) : report.error().message();
}

idl::Endpoint Host(std::int32_t ipv4, std::int16_t port, const std::string& service) {
  idl::Endpoint host;
  host.ipv4 = ipv4;
  host.port = port;
  host.service_name = service;
  return host;
}

idl::Annotation At(std::int64_t timestamp, const std::string& value, const idl::Endpoint& host) {
  idl::Annotation annotation;
  annotation.timestamp = timestamp;
  annotation.value = value;
  annotation.__set_host(host);
  return annotation;
}

idl::BinaryAnnotation Tag(const std::string& key, const std::string& value,
                          idl::AnnotationType::type type) {
  idl::BinaryAnnotation binary;
  binary.key = key;
  binary.value = value;
  binary.annotation_type = type;
  return binary;
}

idl::Span Client() {
  idl::Span span;
  span.trace_id = 10;
  span.__set_trace_id_high(1);
  span.id = 11;
  span.__set_parent_id(12);
  span.name = "Get";
  const idl::Endpoint front = Host(0x0A000001, static_cast<std::int16_t>(50000), "Front");
  span.annotations = {At(5, "cs", front), At(9, "cr", front)};
  idl::BinaryAnnotation server = Tag("sa", std::string("\x01", 1), idl::AnnotationType::BOOL);
  server.__set_host(Host(0, 80, "back"));
  server.host.__set_ipv6(std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01");
  span.binary_annotations = {Tag("a", "text", idl::AnnotationType::STRING), server};
  span.__set_debug(true);
  return span;
}

TEST(ZipkinV1Thrift, ReadsWhatLibthriftWrote) {
  EXPECT_EQ(ToV2(Written({Client()})),
            R"([{"traceId":"0000000000000001000000000000000a","parentId":"000000000000000c",)"
            R"("id":"000000000000000b","kind":"CLIENT","name":"get","timestamp":5,"duration":4,)"
            R"("localEndpoint":{"serviceName":"front","ipv4":"10.0.0.1","port":50000},)"
            R"("remoteEndpoint":{"serviceName":"back","ipv6":"2001:db8::1","port":80},)"
            R"("tags":{"a":"text"},"debug":true}])");
  EXPECT_EQ(ToV2(Written({})), "[]");
}

TEST(ZipkinV1Thrift, ReadsAListWithinACompactCall) {
  const std::string bytes = Written({Client(), Client()}, ThriftProtocol::kCompact) + "rest";
  ThriftReader in(bytes, ThriftProtocol::kCompact);
  SpanBatch batch;
  const auto report = DecodeZipkinThriftSpans(in, batch);
  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ((*report).accepted, 2U);
  EXPECT_EQ(in.left(), 4U);
}

TEST(ZipkinV1Thrift, ReadsEveryTypeOfBinaryAnnotation) {
  using Type = idl::AnnotationType;
  idl::Span span;
  span.trace_id = 10;
  span.id = 11;
  span.binary_annotations = {
      Tag("bool", std::string("\x01", 1), Type::BOOL),
      Tag("no", std::string("\0", 1), Type::BOOL),
      Tag("bytes", std::string("\x00\xFF", 2), Type::BYTES),
      Tag("i16", std::string("\xFF\xFE", 2), Type::I16),
      Tag("i32", std::string("\x00\x00\x01\x00", 4), Type::I32),
      Tag("i64", std::string("\x80\0\0\0\0\0\0\0", 8), Type::I64),
      Tag("double", std::string("\x40\x04\0\0\0\0\0\0", 8), Type::DOUBLE),
      Tag("broken", "abc", Type::I64),
      Tag("ca", std::string("\x01", 1), Type::BOOL)};  // without a host it says nothing
  EXPECT_EQ(ToV2(Written({span})),
            R"([{"traceId":"000000000000000a","id":"000000000000000b","tags":{"bool":"true",)"
            R"("broken":"abc","bytes":"AP8=","double":"2.5","i16":"-2","i32":"256",)"
            R"("i64":"-9223372036854775808","no":"false"}}])");
}

TEST(ZipkinV1Thrift, AnAddressIsATextOrTrue) {
  using Type = idl::AnnotationType;
  const auto side = [](const std::string& key, const std::string& value, Type::type type,
                       bool host = true) {
    idl::Span span;
    span.trace_id = 10;
    span.id = 11;
    span.binary_annotations = {Tag(key, value, type)};
    if (host) span.binary_annotations[0].__set_host(Host(0x0A000002, 80, "back"));
    return ToV2(Written({span}));
  };
  const std::string bare = R"([{"traceId":"000000000000000a","id":"000000000000000b")";
  const std::string back =
      R"("remoteEndpoint":{"serviceName":"back","ipv4":"10.0.0.2","port":80}}])";
  for (const std::string text : {"", "1", "true", "x"}) {
    EXPECT_EQ(side("sa", text, Type::STRING), bare + "," + back) << text;
    EXPECT_EQ(side("ca", text, Type::STRING), bare + R"(,"kind":"SERVER",)" + back) << text;
    for (const char* key : {"sa", "ca", "ma"})
      EXPECT_EQ(side(key, text, Type::STRING, false), bare + "}]") << key << text;
    for (const Type::type other : {Type::BYTES, Type::I16, Type::I32, Type::I64, Type::DOUBLE})
      EXPECT_EQ(side("sa", text, other), bare + "}]") << text;
  }
  for (const std::string truth : {"\x01", "0x01", "true"})
    EXPECT_EQ(side("sa", truth, Type::BOOL), bare + "," + back) << truth;
  for (const std::string& other : {std::string(), std::string(1, '\0'), std::string("x")})
    EXPECT_EQ(side("sa", other, Type::BOOL), bare + "}]") << other;
}

TEST(ZipkinV1Thrift, ABinaryAnnotationWithoutValueSaysNothing) {
  for (const std::string key : {"sa", "ca", "ma", "foo"}) {
    idl::Span span;
    span.trace_id = 10;
    span.id = 11;
    span.binary_annotations = {Tag(key, "value", idl::AnnotationType::STRING)};
    span.binary_annotations[0].__set_host(Host(0x0A000002, 80, "back"));
    std::string bytes = Written({span});
    const std::string value("\x0B\0\x02\0\0\0\x05value", 12);
    ASSERT_NE(bytes.find(value), std::string::npos);
    bytes.erase(bytes.find(value), value.size());
    EXPECT_EQ(ToV2(bytes), R"([{"traceId":"000000000000000a","id":"000000000000000b"}])") << key;
  }
}

TEST(ZipkinV1Thrift, RefusesInZipkinsWords) {
  const std::string tail = " reading List<Span> from TBinary";
  idl::Span none;
  EXPECT_EQ(ToV2(Written({none})), "traceId == 0" + tail);
  none.trace_id = 1;
  EXPECT_EQ(ToV2(Written({Client(), none})), "id == 0" + tail);
  EXPECT_EQ(ToV2(Written({Client()}).substr(0, 40)), "Malformed" + tail);
  EXPECT_EQ(ToV2(std::string("\x0C\x7F\xFF\xFF\xFF", 5)), "Malformed" + tail);
  // Zipkin takes any element type, and finds a span without fields.
  EXPECT_EQ(ToV2(std::string("\x08\0\0\0\1\0\0\0\1", 9)), "traceId == 0" + tail);
  SpanBatch batch;
  const std::string_view stop("\0", 1);
  const auto one = DecodeZipkinV1ThriftSpans({&stop, 1}, batch, {.strict = true});
  EXPECT_EQ(one.error().message(), "traceId == 0 reading Span from TBinary");
}

TEST(ZipkinV1Thrift, KeepsTheGoodSpansOfAFile) {
  idl::Span bad;
  bad.trace_id = 10;
  SpanBatch batch;
  const auto report = DecodeZipkinV1Thrift(Written({Client(), bad, Client()}), batch);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ((*report).accepted, 2U);
  EXPECT_EQ((*report).first_error,
            "span 1 of trace 000000000000000a: it has no span id, or one of zeros");
}

TEST(ZipkinV1Thrift, TakesTheBareSpansOfScribe) {
  const std::string list = Written({Client()});
  const std::string span = list.substr(5);
  const std::vector<std::string_view> messages{span, span};
  SpanBatch batch;
  EXPECT_TRUE(DecodeZipkinV1ThriftSpans(messages, batch, {.strict = true}).has_value());
  EXPECT_EQ(Json(batch), ToV2(Written({Client(), Client()})));
  EXPECT_EQ(batch.resources.size(), 1U);
}

// Thrift and JSON say the same of any span, and libthrift reads what is written.
TEST(ZipkinV1ThriftProperty, SaysWhatJsonSays) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = static_cast<Origin>(seed % 3);
    SpanBatch source;  // as Zipkin's normal form has them
    ASSERT_TRUE(DecodeZipkinJson(Json(ArbitraryBatch(seed, options)), source).has_value());
    std::string thrift, json;
    EncodeZipkinV1Thrift(source, AllRows(source), thrift);
    EncodeZipkinV1Json(source, AllRows(source), json);
    SpanBatch from_thrift, from_json;
    const auto report = DecodeZipkinV1Thrift(thrift, from_thrift);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ((*report).rejected, 0U) << (*report).first_error;
    ASSERT_TRUE(DecodeZipkinV1Json(json, from_json).has_value());
    ASSERT_EQ(from_thrift.size(), from_json.size());
    for (std::size_t i = 0; i < from_json.size(); ++i) {
      ASSERT_TRUE(SpansEqual(from_json, from_json.spans[i], from_thrift, from_thrift.spans[i]))
          << DescribeSpan(from_json, from_json.spans[i]) << "\n"
          << DescribeSpan(from_thrift, from_thrift.spans[i]);
    }
    const std::string arguments = std::string("\x0F\0\x01", 3) + thrift + std::string(1, '\0');
    idl::ZipkinCollector_submitZipkinBatch_args parsed;
    ASSERT_TRUE(ReadThriftStruct(arguments, ThriftProtocol::kBinary, parsed).has_value());
    ASSERT_EQ(parsed.spans.size(), source.size());
    ASSERT_EQ(ToV2(Written(parsed.spans)), ToV2(thrift));
  }
}

TEST(ZipkinV1ThriftProperty, BearsDamagedAndCutBytes) {
  ArbitraryOptions options;
  options.origin = Origin::kZipkin;
  options.spans = 6;
  const SpanBatch source = ArbitraryBatch(7, options);
  std::string whole;
  EncodeZipkinV1Thrift(source, AllRows(source), whole);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    SpanBatch out;
    ASSERT_FALSE(DecodeZipkinV1Thrift(std::string_view(whole).substr(0, cut), out).has_value());
    ASSERT_TRUE(out.spans.empty() && out.attributes.empty());
  }
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string bytes = whole;
    for (std::uint64_t i = 1 + random.Below(4); i > 0; --i)
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Next());
    SpanBatch strict, out;
    const bool taken = DecodeZipkinV1Thrift(bytes, strict, {.strict = true}).has_value();
    ASSERT_TRUE(taken || strict.spans.empty());
    const auto report = DecodeZipkinV1Thrift(bytes, out);
    ASSERT_TRUE(report.has_value() || out.spans.empty());
  }
}

}  // namespace
}  // namespace tracestore::codec
