#include "ingest/otlp_message.h"

#include "codec/json/json_writer.h"
#include "codec/otlp/json_decoder.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::ingest {
namespace {

// "2 spans refused; span 3 of trace 0af7…: span id is not 8 bytes".
std::string RefusalSentence(const model::DecodeReport& report) {
  return std::to_string(report.rejected) + (report.rejected == 1 ? " span" : " spans") +
         " refused; " + report.first_error;
}

}  // namespace

IntakeAnswer TakeOtlp(const Intake& intake, std::string_view message, OtlpEncoding encoding,
                      std::string_view transport, std::string_view tenant) {
  static const DecodeMessage kFromProtobuf = [](std::string_view bytes, model::SpanBatch& batch) {
    return codec::DecodeOtlpProtobuf(bytes, batch);
  };
  static const DecodeMessage kFromJson = [](std::string_view text, model::SpanBatch& batch) {
    return codec::DecodeOtlpJson(text, batch);
  };
  const bool json = encoding == OtlpEncoding::kJson;
  return intake.Take(message, json ? kFromJson : kFromProtobuf,
                     {transport, json ? format::kOtlpJson : format::kOtlpProto, tenant});
}

std::string EncodeOtlpResponse(const model::DecodeReport& report, OtlpEncoding encoding) {
  std::string out;
  const bool refused = report.rejected != 0;
  if (encoding == OtlpEncoding::kJson) {
    codec::JsonWriter json(out);
    json.BeginObject();
    json.Key("partialSuccess");
    json.BeginObject();
    if (refused) {
      json.Key("rejectedSpans");
      json.UintString(report.rejected);
      json.Key("errorMessage");
      json.String(RefusalSentence(report));
    }
    json.EndObject();
    json.EndObject();
    return out;
  }
  // ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
  // ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
  codec::WireWriter wire(out);
  const std::size_t partial = wire.Begin(1);
  if (refused) {
    wire.Uint(1, report.rejected);
    wire.Bytes(2, RefusalSentence(report));
  }
  wire.End(partial);
  return out;
}

}  // namespace tracestore::ingest
