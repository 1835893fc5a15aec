#include "codec/jaeger/testing/reference_thrift.h"

#include <thrift_gen/jaeger_types.h>

#include <bit>
#include <limits>
#include <vector>

#include "codec/jaeger/jaeger_span.h"
#include "codec/jaeger/thrift_decoder.h"
#include "codec/testing/arbitrary_batch.h"
#include "codec/thrift/thrift_structs.h"

namespace tracestore::codec {
namespace {

namespace idl = tracestore::thrift::jaeger;

class Reference {
 public:
  Reference(model::SpanBatch& out, model::DecodeReport& report) : out_(out), report_(report) {}

  void Run(const idl::Batch& batch) {
    const auto begin = out_.attributes.size();
    if (!batch.process.serviceName.empty())
      out_.AddString(out_.strings.Intern("service.name"), batch.process.serviceName, true);
    AddTags(batch.process.tags);
    out_.resources.emplace_back().origin = Origin::kJaeger;
    out_.resources.back().attributes = From(begin);
    out_.scopes.emplace_back();
    for (const idl::Span& span : batch.spans) AddSpan(span);
  }

 private:
  model::Range From(std::size_t begin) const {
    return {static_cast<std::uint32_t>(begin),
            static_cast<std::uint32_t>(out_.attributes.size() - begin)};
  }

  void AddTags(const std::vector<idl::Tag>& tags) {
    for (const idl::Tag& tag : tags) {
      const auto key = out_.strings.Intern(tag.key);
      switch (static_cast<int>(tag.vType)) {
        case idl::TagType::STRING: out_.AddString(key, tag.vStr); break;
        case idl::TagType::DOUBLE: out_.AddDouble(key, tag.vDouble); break;
        case idl::TagType::BOOL: out_.AddBool(key, tag.vBool); break;
        case idl::TagType::LONG: out_.AddInt(key, tag.vLong); break;
        case idl::TagType::BINARY: out_.AddBlob(key, ValueType::kBytes, tag.vBinary); break;
        default: out_.AddString(key, UnknownTagType(static_cast<int>(tag.vType)));
      }
    }
  }

  // The reason against a span, nullptr where there is none.
  static const char* Problem(const idl::Span& span) {
    const auto is_time = [](std::int64_t micros) {
      return static_cast<std::uint64_t>(micros) <= std::numeric_limits<std::uint64_t>::max() / 1000;
    };
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1000;
    // The parts in the order of their fields, then the span's own.
    for (const idl::SpanRef& reference : span.references) {
      const int type = reference.refType;
      if (type != 0 && type != 1) return kJaegerBadRefType;
    }
    for (const idl::Log& log : span.logs)
      if (!is_time(log.timestamp)) return kJaegerBadLogTime;
    if (span.traceIdHigh == 0 && span.traceIdLow == 0) return kJaegerNoTraceId;
    if (span.spanId == 0) return kJaegerNoSpanId;
    if (!is_time(span.startTime)) return kJaegerBadStart;
    if (span.duration > kMost || span.duration < -kMost) return kJaegerBadDuration;
    return nullptr;
  }

  void AddSpan(const idl::Span& from) {
    if (const char* problem = Problem(from); problem != nullptr)
      return report_.Reject(problem, "x");
    ++report_.accepted;
    model::SpanRecord span;
    span.trace_id = {static_cast<std::uint64_t>(from.traceIdHigh),
                     static_cast<std::uint64_t>(from.traceIdLow)};
    span.span_id = {static_cast<std::uint64_t>(from.spanId)};
    span.name = out_.strings.Intern(from.operationName);
    span.flags = static_cast<std::uint32_t>(from.flags);
    span.start_ns = static_cast<std::uint64_t>(from.startTime) * 1000;
    span.duration_ns = static_cast<std::uint64_t>(from.duration) * 1000;
    span.presence = model::kHasStart | model::kHasDuration;
    span.resource = static_cast<std::uint32_t>(out_.resources.size() - 1);
    span.scope = static_cast<std::uint32_t>(out_.scopes.size() - 1);
    const auto begin = out_.attributes.size();
    AddTags(from.tags);
    span.attributes = From(begin);
    span.events.begin = static_cast<std::uint32_t>(out_.events.size());
    for (const idl::Log& log : from.logs) {
      model::EventRecord event;
      event.time_ns = static_cast<std::uint64_t>(log.timestamp) * 1000;
      const auto fields = out_.attributes.size();
      AddTags(log.fields);
      event.attributes = From(fields);
      if (const auto* name = FindString(out_, event.attributes, "event"))
        event.name = static_cast<model::StringId>(name->bits);
      out_.events.push_back(event);
    }
    span.events.count = static_cast<std::uint32_t>(from.logs.size());
    std::vector<JaegerReference> references;
    for (const idl::SpanRef& reference : from.references) {
      references.push_back({{static_cast<std::uint64_t>(reference.traceIdHigh),
                             static_cast<std::uint64_t>(reference.traceIdLow)},
                            {static_cast<std::uint64_t>(reference.spanId)},
                            static_cast<int>(reference.refType) == 0
                                ? ReferenceType::kChildOf
                                : ReferenceType::kFollowsFrom});
    }
    ApplyJaegerConventions(out_, span);
    SetJaegerReferences(references, {static_cast<std::uint64_t>(from.parentSpanId)}, out_, span);
    out_.spans.push_back(span);
  }

  model::SpanBatch& out_;
  model::DecodeReport& report_;
};

// What ours refuses and libthrift takes.
bool OursAlone(const std::string& sentence) {
  for (const char* reason : {"a type is unknown", "values are nested too deep",
                             "a list announces more than is left", "a value has no type"}) {
    if (sentence.find(reason) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

bool ReferenceDecodeJaegerBatch(std::string_view bytes, ThriftProtocol protocol,
                                model::SpanBatch& out, model::DecodeReport& report) {
  idl::Batch batch;
  try {
    // Not by ReadThriftStruct, which asks our own reader first.
    ThriftBuffer buffer(bytes, protocol,
                        {.max_elements = static_cast<std::uint32_t>(bytes.size())});
    batch.read(&buffer.protocol());
  } catch (const std::exception&) {
    return false;
  }
  Reference(out, report).Run(batch);
  return true;
}

std::string CompareJaegerThriftDecoders(std::string_view bytes, ThriftProtocol protocol) {
  model::SpanBatch expected, ours;
  model::DecodeReport expected_report;
  const bool taken = ReferenceDecodeJaegerBatch(bytes, protocol, expected, expected_report);
  const auto report = DecodeJaegerThrift(bytes, protocol, JaegerThriftShape::kBatch, ours);
  if (!report.has_value()) {
    if (!ours.spans.empty() || !ours.attributes.empty()) return "a refused message left spans";
    if (!taken || OursAlone(report.error().message())) return "";
    return "ours refuses: " + report.error().message();
  }
  if (!taken) return "libthrift refuses";
  if (report->accepted != expected_report.accepted || report->reasons != expected_report.reasons)
    return "the reports differ";
  if (ours.size() != expected.size()) return "the numbers of spans differ";
  for (std::size_t row = 0; row < ours.size(); ++row) {
    if (!SpansEqual(ours, ours.spans[row], expected, expected.spans[row])) {
      return "row " + std::to_string(row) + " differs:\n" + DescribeSpan(ours, ours.spans[row]) +
             "\n" + DescribeSpan(expected, expected.spans[row]);
    }
  }
  return "";
}

}  // namespace tracestore::codec
