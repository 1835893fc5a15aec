#include "codec/jaeger/testing/reference_protobuf.h"

#include <google/protobuf/stubs/logging.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "api_v2/collector.pb.h"
#include "codec/jaeger/jaeger_span.h"
#include "codec/jaeger/protobuf_decoder.h"
#include "codec/testing/arbitrary_batch.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {
namespace {

namespace proto = jaeger::api_v2;

std::uint64_t Number(const std::string& bytes, std::size_t begin) {
  std::uint64_t value = 0;
  for (std::size_t i = begin; i < begin + 8; ++i)
    value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

class Reference {
 public:
  Reference(model::SpanBatch& out, model::DecodeReport& report) : out_(out), report_(report) {}

  void Run(const proto::Batch& batch) {
    out_.scopes.emplace_back();
    const std::uint32_t common = Resource(batch.process());
    for (const proto::Span& span : batch.spans())
      AddSpan(span, span.has_process() ? Resource(span.process()) : common);
  }

 private:
  model::Range From(std::size_t begin) const {
    return {static_cast<std::uint32_t>(begin),
            static_cast<std::uint32_t>(out_.attributes.size() - begin)};
  }

  std::uint32_t Resource(const proto::Process& process) {
    const auto begin = out_.attributes.size();
    if (!process.service_name().empty())
      out_.AddString(out_.strings.Intern("service.name"), process.service_name(), true);
    AddTags(process.tags());
    out_.resources.emplace_back().origin = Origin::kJaeger;
    out_.resources.back().attributes = From(begin);
    return static_cast<std::uint32_t>(out_.resources.size() - 1);
  }

  template <typename List>
  void AddTags(const List& tags) {
    for (const proto::KeyValue& tag : tags) {
      const auto key = out_.strings.Intern(tag.key());
      switch (static_cast<int>(tag.v_type())) {
        case proto::STRING: out_.AddString(key, tag.v_str()); break;
        case proto::BOOL: out_.AddBool(key, tag.v_bool()); break;
        case proto::INT64: out_.AddInt(key, tag.v_int64()); break;
        case proto::FLOAT64: out_.AddDouble(key, tag.v_float64()); break;
        case proto::BINARY: out_.AddBlob(key, ValueType::kBytes, tag.v_binary()); break;
        default: out_.AddString(key, UnknownTagType(static_cast<int>(tag.v_type())));
      }
    }
  }

  // Whether a Timestamp is one that 64 bits of nanoseconds say.
  static bool ToNanos(const google::protobuf::Timestamp& time, std::uint64_t& ns) {
    ns = static_cast<std::uint64_t>(time.seconds()) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.nanos());
    const bool fits = time.seconds() < 18446744073 ||
                      (time.seconds() == 18446744073 && time.nanos() <= 709551615);
    return time.seconds() >= 0 && fits && time.nanos() >= 0 && time.nanos() < 1'000'000'000;
  }
  static bool ToNanos(const google::protobuf::Duration& time, std::uint64_t& ns) {
    ns = static_cast<std::uint64_t>(time.seconds()) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.nanos());  // modulo 2^64
    const bool same_sign =
        (time.seconds() >= 0 && time.nanos() >= 0) || (time.seconds() <= 0 && time.nanos() <= 0);
    const auto at_least = [&](std::int64_t seconds, int nanos) {
      return time.seconds() > seconds || (time.seconds() == seconds && time.nanos() >= nanos);
    };
    return at_least(-9223372036, -854775808) && !at_least(9223372036, 854775808) &&
           time.nanos() > -1'000'000'000 && time.nanos() < 1'000'000'000 && same_sign;
  }

  static const char* ReferenceProblem(const proto::Span& span) {
    for (const proto::SpanRef& reference : span.references()) {
      const auto trace = reference.trace_id().size();
      const auto id = reference.span_id().size();
      if ((trace > 0 && trace < 16) || (id > 0 && id < 8)) return kJaegerRefIdShort;
      if (static_cast<int>(reference.ref_type()) != 0 &&
          static_cast<int>(reference.ref_type()) != 1)
        return kJaegerBadRefType;
    }
    return nullptr;
  }

  // The reason against a span; else its ids and times are set.
  static const char* Problem(const proto::Span& from, model::SpanRecord& span) {
    if (const char* problem = ReferenceProblem(from); problem != nullptr) return problem;
    if (!from.trace_id().empty() && from.trace_id().size() < 16) return kJaegerTraceIdShort;
    if (!from.trace_id().empty())
      span.trace_id = {Number(from.trace_id(), 0), Number(from.trace_id(), 8)};
    if (span.trace_id.empty()) return kJaegerNoTraceId;
    if (!from.span_id().empty() && from.span_id().size() < 8) return kJaegerSpanIdShort;
    if (!from.span_id().empty()) span.span_id = {Number(from.span_id(), 0)};
    if (span.span_id.empty()) return kJaegerNoSpanId;
    if (!ToNanos(from.start_time(), span.start_ns)) return kJaegerStartRange;
    if (!ToNanos(from.duration(), span.duration_ns)) return kJaegerDurationRange;
    for (const proto::Log& log : from.logs()) {
      std::uint64_t ns = 0;
      if (!ToNanos(log.timestamp(), ns)) return kJaegerLogTimeRange;
    }
    return nullptr;
  }

  void AddSpan(const proto::Span& from, std::uint32_t resource) {
    model::SpanRecord span;
    if (const char* problem = Problem(from, span); problem != nullptr)
      return report_.Reject(problem, "x");
    ++report_.accepted;
    span.name = out_.strings.Intern(from.operation_name());
    span.flags = from.flags();
    span.presence = model::kHasStart | model::kHasDuration;
    span.resource = resource;
    const auto begin = out_.attributes.size();
    AddTags(from.tags());
    span.attributes = From(begin);
    ApplyJaegerConventions(out_, span);
    for (const std::string& warning : from.warnings())
      out_.AddString(out_.strings.Intern("jaeger.warning"), warning, true);
    span.attributes = From(begin);
    AddLogs(from, span);
    std::vector<JaegerReference> references;
    for (const proto::SpanRef& reference : from.references()) {
      JaegerReference& made = references.emplace_back();
      if (!reference.trace_id().empty())
        made.trace_id = {Number(reference.trace_id(), 0), Number(reference.trace_id(), 8)};
      if (!reference.span_id().empty()) made.span_id = {Number(reference.span_id(), 0)};
      made.type = reference.ref_type() == proto::CHILD_OF ? ReferenceType::kChildOf
                                                          : ReferenceType::kFollowsFrom;
    }
    SetJaegerReferences(references, {}, out_, span);
    out_.spans.push_back(span);
  }

  void AddLogs(const proto::Span& from, model::SpanRecord& span) {
    span.events = {static_cast<std::uint32_t>(out_.events.size()),
                   static_cast<std::uint32_t>(from.logs_size())};
    for (const proto::Log& log : from.logs()) {
      model::EventRecord event;
      ToNanos(log.timestamp(), event.time_ns);
      const auto fields = out_.attributes.size();
      AddTags(log.fields());
      event.attributes = From(fields);
      if (const auto* name = FindString(out_, event.attributes, "event"))
        event.name = static_cast<model::StringId>(name->bits);
      out_.events.push_back(event);
    }
  }

  model::SpanBatch& out_;
  model::DecodeReport& report_;
};

}  // namespace

std::string CompareJaegerProtobufDecoders(std::string_view message) {
  proto::PostSpansRequest request;
  if (!request.ParseFromArray(message.data(), static_cast<int>(message.size()))) return "";
  model::SpanBatch expected, ours;
  model::DecodeReport expected_report;
  Reference(expected, expected_report).Run(request.batch());
  const auto report = DecodeJaegerProtobuf(message, ours);
  if (!report.has_value()) return "only protobuf reads it: " + report.error().message();
  if (report->accepted != expected_report.accepted || report->reasons != expected_report.reasons)
    return "the reports differ: " + report->first_error;
  for (std::size_t row = 0; row < ours.size(); ++row) {
    if (!SpansEqual(ours, ours.spans[row], expected, expected.spans[row])) {
      return "row " + std::to_string(row) + " differs:\n" + DescribeSpan(ours, ours.spans[row]) +
             "\n" + DescribeSpan(expected, expected.spans[row]);
    }
  }
  return "";
}

void SilenceJaegerProtobufLog() { google::protobuf::SetLogHandler(nullptr); }

}  // namespace tracestore::codec
