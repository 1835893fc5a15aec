#include <tracestore/format.h>

#include <string>
#include <utility>

namespace tracestore {
namespace {

constexpr std::pair<Format, const char*> kNames[] = {{Format::kOtlpProtobuf, "otlp-proto"},
                                                     {Format::kOtlpJson, "otlp-json"},
                                                     {Format::kOtlpJsonLines, "otlp-jsonl"},
                                                     {Format::kJaegerJson, "jaeger"},
                                                     {Format::kZipkinJson, "zipkin"},
                                                     {Format::kJaegerThrift, "jaeger-thrift"},
                                                     {Format::kJaegerProtobuf, "jaeger-proto"},
                                                     {Format::kZipkinProtobuf, "zipkin-proto"},
                                                     {Format::kZipkinV1Json, "zipkin-v1"},
                                                     {Format::kZipkinV1Thrift, "zipkin-v1-thrift"}};

}  // namespace

const char* FormatName(Format format) noexcept {
  for (const auto& [value, name] : kNames)
    if (value == format) return name;
  return "unknown";
}

Result<Format> ParseFormat(std::string_view name) {
  std::string names;
  for (const auto& [value, known] : kNames) {
    if (name == known) return value;
    names += names.empty() ? known : std::string(", ") + known;
  }
  return Error(ErrorCode::kInvalidArgument,
               "format '" + std::string(name.substr(0, 64)) + "' is none of " + names);
}

}  // namespace tracestore
