#include "codec/zipkin/zipkin_message.h"

#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_proto.h"
#include "codec/zipkin/zipkin_v1_json.h"
#include "codec/zipkin/zipkin_v1_thrift.h"

namespace tracestore::codec {
namespace {

constexpr char kThriftStruct = 12;  // the element type that a list begins with
constexpr char kFieldOne = 10;      // protobuf's field 1, of bytes

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// What only version 2 has: an endpoint of the span's, tags. Zipkin looks for these bytes, too.
bool LooksLikeV2(std::string_view json) { return Has(json, "Endpoint\"") || Has(json, "\"tags\""); }

// "yAnnotations" is in version 1 alone, as binaryAnnotations; Zipkin looks for these bytes, too.
// The capital is rare among these texts, the letter before it isn't.
bool LooksLikeV1(std::string_view json) {
  constexpr std::string_view kPart = "Annotations\"";
  for (auto at = json.find(kPart); at != std::string_view::npos; at = json.find(kPart, at + 1))
    if (at > 0 && json[at - 1] == 'y') return true;
  return false;
}

bool IsProtobuf(std::string_view message) {
  return message.size() > 1 && message[0] == kFieldOne && message[1] != 0;
}

bool IsList(std::string_view message) {
  return message[0] == kThriftStruct || message[0] == '[' || IsProtobuf(message);
}

Error Expected(ZipkinEncoding wanted, const char* received) {
  std::string sentence = std::string("Expected a ") + ZipkinEncodingName(wanted) + " encoded list";
  if (received != nullptr) sentence += std::string(", but received: ") + received;
  return {ErrorCode::kInvalidArgument, sentence + "\n"};
}

}  // namespace

const char* ZipkinEncodingName(ZipkinEncoding encoding) noexcept {
  switch (encoding) {
    case ZipkinEncoding::kJsonV1: return "JSON_V1";
    case ZipkinEncoding::kJsonV2: return "JSON_V2";
    case ZipkinEncoding::kThrift: return "THRIFT";
    case ZipkinEncoding::kProto3: return "PROTO3";
  }
  return "unknown";
}

Result<model::DecodeReport> DecodeZipkinMessage(std::string_view message, ZipkinEncoding encoding,
                                                model::SpanBatch& out) {
  if (message.empty() || message == "[]") return model::DecodeReport{};
  if (!IsList(message)) return Expected(encoding, nullptr);
  switch (encoding) {
    case ZipkinEncoding::kJsonV1:
      if (LooksLikeV2(message)) return Expected(encoding, "JSON_V2");
      return DecodeZipkinV1Json(message, out, {.strict = true});
    case ZipkinEncoding::kJsonV2:
      if (LooksLikeV1(message)) return Expected(encoding, "JSON_V1");
      return DecodeZipkinJson(message, out, {.strict = true});
    case ZipkinEncoding::kThrift: return DecodeZipkinV1Thrift(message, out, {.strict = true});
    case ZipkinEncoding::kProto3: return DecodeZipkinProtobuf(message, out, {.strict = true});
  }
  return Expected(encoding, nullptr);
}

Result<ZipkinEncoding> DetectZipkinEncoding(std::string_view message) {
  if (IsProtobuf(message)) return ZipkinEncoding::kProto3;
  if (!message.empty() && message[0] == kThriftStruct) return ZipkinEncoding::kThrift;
  if (message.empty() || message[0] != '[')
    return Error(ErrorCode::kInvalidArgument, "Could not detect the span format");
  return LooksLikeV2(message) ? ZipkinEncoding::kJsonV2 : ZipkinEncoding::kJsonV1;
}

}  // namespace tracestore::codec
