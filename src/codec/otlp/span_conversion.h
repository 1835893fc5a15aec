// What of a Jaeger or Zipkin span OTLP has a field of its own for, so that it is not said twice
// (docs/format/semantics.md, docs/format/otlp.md). Both OTLP encoders ask here; for spans of origin
// kOtlp everything is shown as it is.
#pragma once
#include <string_view>

#include "model/span_batch.h"

namespace tracestore::codec {

// The key of the attribute that tells a Jaeger reference's type on the OTLP link it becomes, and
// its values (OpenTelemetry's semantic conventions, "OpenTracing compatibility").
inline constexpr std::string_view kRefTypeKey = "opentracing.ref_type";
// "child_of", "follows_from"; "" for a link.
std::string_view RefTypeName(ReferenceType type) noexcept;

// Window on one span as OTLP tells it. The batch must outlive it and not change.
class OtlpSpanView {
 public:
  OtlpSpanView(const model::SpanBatch& batch, const model::SpanRecord& span) noexcept;

  // Unix nanoseconds, 0 where absent.
  std::uint64_t start_ns() const noexcept { return span_.start_ns; }
  std::uint64_t end_ns() const noexcept { return span_.has_duration() ? span_.end_ns() : 0; }
  // The field, or of a Jaeger span without one the tag `w3c.tracestate`.
  std::string_view trace_state() const noexcept { return trace_state_; }
  // Whether the attribute of the span is left out, because a field says it.
  bool Hides(const model::Attribute& attribute) const noexcept;
  // The same of an attribute of an event: the field `event` of a Jaeger log, its first.
  const model::Attribute* HiddenIn(const model::EventRecord& event) const noexcept;

 private:
  const model::SpanBatch& batch_;
  const model::SpanRecord& span_;
  bool jaeger_;
  std::string_view trace_state_;
  const model::Attribute* trace_state_tag_ = nullptr;
};

}  // namespace tracestore::codec
