// Our decoder against protobuf's parser: on messages built of random content, and on mutated bytes.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include <google/protobuf/util/json_util.h>

#include "codec/otlp/json_encoder.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/otlp/testing/otlp_test_util.h"
#include "codec/otlp/testing/reference_decoder.h"
#include "codec/wire/wire_reader.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace tracestore::codec {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;

// Fills a message through its descriptor, so that a field we forget to decode is set all the same.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) { texts_.invalid_utf8 = false; }

  void Fill(Message& message, unsigned depth) {
    const auto* descriptor = message.GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      if (random_.Percent(25)) continue;
      if (field->is_repeated()) {
        if (depth > 12) continue;
        for (std::uint64_t n = random_.Below(depth > 6 ? 2 : 4); n > 0; --n)
          Fill(*message.GetReflection()->AddMessage(&message, field), depth + 1);
      } else if (field->real_containing_oneof() == nullptr || random_.Percent(30)) {
        Set(message, field, depth);
      }
    }
    if (random_.Percent(10)) {
      auto* unknown = message.GetReflection()->MutableUnknownFields(&message);
      unknown->AddVarint(200, random_.Next());
      if (random_.Percent(30)) unknown->AddGroup(19500)->AddFixed32(1, 7);
    }
  }

 private:
  void Set(Message& message, const FieldDescriptor* field, unsigned depth) {
    const auto* reflection = message.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        reflection->SetString(&message, field, Bytes(field));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection->SetBool(&message, field, random_.Percent(50));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->SetInt64(&message, field, ArbitraryInt(random_));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection->SetUInt32(&message, field, static_cast<std::uint32_t>(random_.Next()));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection->SetUInt64(&message, field, random_.Percent(20) ? 0 : random_.Next());
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection->SetDouble(&message, field, ArbitraryDouble(random_));
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection->SetEnumValue(&message, field,
                                 random_.Percent(5) ? static_cast<int>(random_.Next())
                                                    : static_cast<int>(random_.Below(7)));
        break;
      default: Fill(*reflection->MutableMessage(&message, field), depth + 1);
    }
  }

  std::string Bytes(const FieldDescriptor* field) {
    if (field->type() != FieldDescriptor::TYPE_BYTES) return ArbitraryText(random_, texts_);
    std::size_t size = random_.Below(4);
    if (field->name() == "trace_id") size = 16;
    if (field->name().ends_with("span_id")) size = 8;
    if (random_.Percent(2)) size = random_.Below(20);
    std::string bytes(size, '\0');
    if (random_.Percent(99)) {
      for (char& byte : bytes) byte = static_cast<char>(random_.Next());
    }
    return bytes;
  }

  Random random_;
  ArbitraryOptions texts_;
};

TEST(OtlpDifferential, DecodesWhatProtobufWritesAsProtobufReadsIt) {
  std::size_t spans = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ExportTraceServiceRequest request;
    Filler(seed).Fill(request, 0);
    ASSERT_EQ(CompareOtlpDecoders(request.SerializeAsString()), "");
    for (const auto& resource_spans : request.resource_spans()) {
      for (const auto& scope_spans : resource_spans.scope_spans())
        spans += static_cast<std::size_t>(scope_spans.spans_size());
    }
  }
  EXPECT_GT(spans, 500U);
}

// Parts of one message in any order, and the same part several times, as protobuf allows them.
TEST(OtlpDifferential, MergesRepeatedPartsAsProtobufDoes) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    opentelemetry::proto::trace::v1::Span span;
    opentelemetry::proto::common::v1::KeyValue attribute;
    std::string bytes;
    for (std::uint64_t part = 0; part < 1 + random.Below(4); ++part) {
      span.Clear();
      Filler(random.Next()).Fill(span, 3);
      bytes += span.SerializeAsString();
      std::string entry;
      for (std::uint64_t i = 0; i < 1 + random.Below(4); ++i) {
        attribute.Clear();
        Filler(random.Next()).Fill(attribute, random.Below(9) > 4 ? 3 : 8);
        entry += attribute.SerializeAsString();
        // The same within a list: entries that carry their value twice, or before their key.
        if (random.Percent(30)) {
          std::string list;
          WireWriter(list).BytesAlways(1, entry);
          std::string value;
          WireWriter(value).BytesAlways(6, list);
          entry.clear();
          WireWriter(entry).BytesAlways(2, value);
        }
      }
      WireWriter(bytes).BytesAlways(9, entry);
    }
    std::string scope;
    WireWriter(scope).BytesAlways(2, bytes);
    std::string resource;
    WireWriter(resource).BytesAlways(2, scope);
    std::string request;
    WireWriter(request).BytesAlways(1, resource);
    ASSERT_EQ(CompareOtlpDecoders(request), "");
  }
}

TEST(OtlpDifferential, ReadsMutatedBytesAsProtobufDoes) {
  SilenceProtobufLog();
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    ArbitraryOptions options;
    options.spans = 2;
    options.max_attributes = 3;
    options.unknown_fields = true;
    std::string bytes;
    if (random.Percent(50)) {
      EncodeOtlpProtobuf(ArbitraryBatch(seed, options), bytes);
    } else {
      ExportTraceServiceRequest request;
      Filler(seed).Fill(request, 0);
      bytes = request.SerializeAsString();
    }
    for (int round = 0; round < 20 && !bytes.empty(); ++round) {
      const std::size_t at = random.Below(bytes.size());
      switch (random.Below(4)) {
        case 0: bytes[at] = static_cast<char>(random.Next()); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.Below(8))); break;
        case 2: bytes.insert(at, 1, static_cast<char>(random.Next())); break;
        default: bytes.erase(at, 1 + random.Below(3));
      }
      ASSERT_EQ(CompareOtlpDecoders(bytes), "");
    }
  }
}

// What protobuf's own parser makes of our JSON in its mapping is what our protobuf says.
TEST(OtlpProtoJson, IsReadByProtobufsParser) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = static_cast<Origin>(seed % 3);
    options.spans = 20;
    const model::SpanBatch batch = ArbitraryBatch(seed, options);
    std::vector<std::uint32_t> rows(batch.size());
    std::iota(rows.begin(), rows.end(), 0U);
    std::string json = "{\"resourceSpans\":";
    {
      JsonWriter writer(json);
      WriteProtoJsonResourceSpans(batch, rows, writer);
    }
    json += '}';
    ExportTraceServiceRequest request;
    const auto parsed = google::protobuf::util::JsonStringToMessage(json, &request);
    ASSERT_TRUE(parsed.ok()) << parsed.ToString();
    std::string bytes;
    EncodeOtlpProtobuf(batch, bytes);
    ExportTraceServiceRequest expected;
    ASSERT_TRUE(expected.ParseFromString(bytes));
    model::SpanBatch a, b;
    ASSERT_TRUE(DecodeOtlpProtobuf(request.SerializeAsString(), a).has_value());
    ASSERT_TRUE(DecodeOtlpProtobuf(bytes, b).has_value());
    ASSERT_EQ(a.size(), b.size());
    for (std::uint32_t row = 0; row < a.size(); ++row)
      EXPECT_TRUE(model::SpansEqual(a, a.spans[row], b, b.spans[row])) << "row " << row;
  }
}

}  // namespace
}  // namespace tracestore::codec
