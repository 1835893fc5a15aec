#include "ingest/zipkin_message.h"

namespace tracestore::ingest {
namespace {

std::string_view FormatOf(codec::ZipkinEncoding encoding) {
  switch (encoding) {
    case codec::ZipkinEncoding::kJsonV1: return format::kZipkinJsonV1;
    case codec::ZipkinEncoding::kJsonV2: return format::kZipkinJsonV2;
    case codec::ZipkinEncoding::kThrift: return format::kZipkinThrift;
    case codec::ZipkinEncoding::kProto3: return format::kZipkinProto;
  }
  return format::kZipkinJsonV2;
}

}  // namespace

IntakeAnswer TakeZipkin(const Intake& intake, std::string_view message,
                        codec::ZipkinEncoding encoding, std::string_view transport,
                        std::string_view tenant) {
  const IntakeSource source{transport, FormatOf(encoding), tenant, BadSpans::kRefuseMessage};
  return intake.Take(
      message,
      [encoding](std::string_view bytes, model::SpanBatch& batch) {
        return codec::DecodeZipkinMessage(bytes, encoding, batch);
      },
      source);
}

}  // namespace tracestore::ingest
