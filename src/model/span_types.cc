#include <tracestore/span_types.h>

namespace tracestore {

const char* SpanKindName(SpanKind kind) noexcept {
  switch (kind) {
    case SpanKind::kUnspecified: return "unspecified";
    case SpanKind::kInternal: return "internal";
    case SpanKind::kServer: return "server";
    case SpanKind::kClient: return "client";
    case SpanKind::kProducer: return "producer";
    case SpanKind::kConsumer: return "consumer";
  }
  return "unspecified";
}

const char* StatusCodeName(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::kUnset: return "unset";
    case StatusCode::kOk: return "ok";
    case StatusCode::kError: return "error";
  }
  return "unset";
}

}  // namespace tracestore
