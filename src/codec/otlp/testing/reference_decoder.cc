#include "codec/otlp/testing/reference_decoder.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/unknown_field_set.h>

#include <bit>
#include <limits>

#include "codec/otlp/protobuf_decoder.h"
#include "codec/testing/arbitrary_batch.h"
#include "model/value_blob.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace tracestore::codec {
namespace {

namespace common = opentelemetry::proto::common::v1;
namespace trace = opentelemetry::proto::trace::v1;
using opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;

std::uint64_t Number(const std::string& bytes, std::size_t begin) {
  std::uint64_t value = 0;
  for (std::size_t i = begin; i < begin + 8; ++i)
    value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

class Reference {
 public:
  Reference(model::SpanBatch& out, model::DecodeReport& report) : out_(out), report_(report) {}

  void Run(const ExportTraceServiceRequest& request) {
    for (const auto& resource_spans : request.resource_spans()) {
      bool good = true;
      model::ResourceRecord resource;
      resource.attributes = Attributes(resource_spans.resource().attributes(), good);
      resource.dropped_attributes = resource_spans.resource().dropped_attributes_count();
      resource.schema_url = Intern(resource_spans.schema_url());
      resource.unknown_fields = Unknown(resource_spans.resource());
      out_.resources.push_back(resource);
      for (const auto& scope_spans : resource_spans.scope_spans()) {
        bool good_scope = good;
        model::ScopeRecord scope;
        scope.name = Intern(scope_spans.scope().name());
        scope.version = Intern(scope_spans.scope().version());
        scope.attributes = Attributes(scope_spans.scope().attributes(), good_scope);
        scope.dropped_attributes = scope_spans.scope().dropped_attributes_count();
        scope.schema_url = Intern(scope_spans.schema_url());
        scope.unknown_fields = Unknown(scope_spans.scope());
        out_.scopes.push_back(scope);
        for (const auto& span : scope_spans.spans()) AddSpan(span, good_scope);
      }
    }
  }

 private:
  model::StringId Intern(const std::string& text) { return out_.strings.Intern(text); }

  template <typename Message>
  model::StringId Unknown(const Message& message) {
    std::string bytes;
    message.GetReflection()->GetUnknownFields(message).SerializeToString(&bytes);
    return Intern(bytes);
  }

  template <typename List>
  model::Range Attributes(const List& list, bool& good) {
    const auto begin = static_cast<std::uint32_t>(out_.attributes.size());
    for (const common::KeyValue& entry : list) AddAttribute(entry, good);
    return {begin, static_cast<std::uint32_t>(out_.attributes.size()) - begin};
  }

  void AddAttribute(const common::KeyValue& entry, bool& good) {
    const model::StringId key = Intern(entry.key());
    const common::AnyValue& value = entry.value();
    switch (value.value_case()) {
      case common::AnyValue::kStringValue: out_.AddString(key, value.string_value()); break;
      case common::AnyValue::kBoolValue: out_.AddBool(key, value.bool_value()); break;
      case common::AnyValue::kIntValue: out_.AddInt(key, value.int_value()); break;
      case common::AnyValue::kDoubleValue: out_.AddDouble(key, value.double_value()); break;
      case common::AnyValue::kBytesValue:
        out_.AddBlob(key, ValueType::kBytes, value.bytes_value());
        break;
      case common::AnyValue::kArrayValue:
      case common::AnyValue::kKvlistValue: {
        std::string blob;
        Fill(value, blob, 1, good);
        out_.AddBlob(key, value.has_array_value() ? ValueType::kArray : ValueType::kMap, blob);
        break;
      }
      case common::AnyValue::VALUE_NOT_SET: out_.attributes.push_back({0, key, 0}); break;
    }
  }

  // Recursion is bounded by protobuf's own limit of 100 levels.
  void Fill(const common::AnyValue& value, std::string& blob, unsigned depth, bool& good) {
    if (depth > model::kMaxValueDepth) good = false;
    for (const common::AnyValue& item : value.array_value().values())
      Token(item, blob, depth, good);
    for (const common::KeyValue& entry : value.kvlist_value().values()) {
      model::ValueBlobWriter(blob).Key(entry.key());
      Token(entry.value(), blob, depth, good);
    }
  }

  void Token(const common::AnyValue& value, std::string& blob, unsigned depth, bool& good) {
    model::ValueBlobWriter writer(blob);
    switch (value.value_case()) {
      case common::AnyValue::kStringValue: writer.String(value.string_value()); break;
      case common::AnyValue::kBoolValue: writer.Bool(value.bool_value()); break;
      case common::AnyValue::kIntValue: writer.Int(value.int_value()); break;
      case common::AnyValue::kDoubleValue: writer.Double(value.double_value()); break;
      case common::AnyValue::kBytesValue: writer.Bytes(value.bytes_value()); break;
      case common::AnyValue::kArrayValue:
        writer.BeginArray();
        Fill(value, blob, depth + 1, good);
        writer.End();
        break;
      case common::AnyValue::kKvlistValue:
        writer.BeginMap();
        Fill(value, blob, depth + 1, good);
        writer.End();
        break;
      case common::AnyValue::VALUE_NOT_SET: writer.Empty(); break;
    }
  }

  void AddSpan(const trace::Span& from, bool good) {
    const auto mark = out_.mark();
    model::SpanRecord span;
    span.attributes = Attributes(from.attributes(), good);
    good = good && from.trace_id().size() == 16 && from.span_id().size() == 8 &&
           (from.parent_span_id().empty() || from.parent_span_id().size() == 8);
    if (good) {
      span.trace_id = {Number(from.trace_id(), 0), Number(from.trace_id(), 8)};
      span.span_id = {Number(from.span_id(), 0)};
      if (!from.parent_span_id().empty()) span.parent_id = {Number(from.parent_span_id(), 0)};
      good = !span.trace_id.empty() && !span.span_id.empty();
    }
    span.name = Intern(from.name());
    span.trace_state = Intern(from.trace_state());
    span.status_message = Intern(from.status().message());
    span.flags = from.flags();
    span.dropped_attributes = from.dropped_attributes_count();
    span.dropped_events = from.dropped_events_count();
    span.dropped_links = from.dropped_links_count();
    span.resource = static_cast<std::uint32_t>(out_.resources.size() - 1);
    span.scope = static_cast<std::uint32_t>(out_.scopes.size() - 1);
    span.unknown_fields = KindAndStatus(from, span);
    if (from.start_time_unix_nano() != 0) {
      span.start_ns = from.start_time_unix_nano();
      span.presence |= model::kHasStart;
    }
    if (from.end_time_unix_nano() != 0) {
      span.duration_ns = from.end_time_unix_nano() - from.start_time_unix_nano();
      span.presence |= model::kHasDuration;
    }
    AddEvents(from, span, good);
    AddLinks(from, span, good);
    if (good) {
      out_.spans.push_back(span);
      ++report_.accepted;
    } else {
      out_.Rollback(mark);
      report_.Reject("bad", "bad");
    }
  }

  // Numbers out of range become unknown fields, as docs/format/otlp.md says.
  model::StringId KindAndStatus(const trace::Span& from, model::SpanRecord& span) {
    trace::Span rest;
    rest.GetReflection()->MutableUnknownFields(&rest)->MergeFrom(
        from.GetReflection()->GetUnknownFields(from));
    auto* fields = rest.GetReflection()->MutableUnknownFields(&rest);
    if (from.kind() >= 0 && from.kind() <= 5) {
      span.kind = static_cast<SpanKind>(from.kind());
    } else {
      fields->AddVarint(6, static_cast<std::uint64_t>(static_cast<std::int64_t>(from.kind())));
    }
    const int code = from.status().code();
    if (code >= 0 && code <= 2) {
      span.status = static_cast<StatusCode>(code);
    } else {
      trace::Status status;
      status.set_code(static_cast<trace::Status::StatusCode>(code));
      fields->AddLengthDelimited(15, status.SerializeAsString());
    }
    return Unknown(rest);
  }

  void AddEvents(const trace::Span& from, model::SpanRecord& span, bool& good) {
    span.events = {static_cast<std::uint32_t>(out_.events.size()),
                   static_cast<std::uint32_t>(from.events_size())};
    for (const auto& event : from.events()) {
      model::EventRecord record;
      record.time_ns = event.time_unix_nano();
      record.name = Intern(event.name());
      record.attributes = Attributes(event.attributes(), good);
      record.dropped_attributes = event.dropped_attributes_count();
      record.unknown_fields = Unknown(event);
      out_.events.push_back(record);
    }
  }

  void AddLinks(const trace::Span& from, model::SpanRecord& span, bool& good) {
    span.references = {static_cast<std::uint32_t>(out_.references.size()),
                       static_cast<std::uint32_t>(from.links_size())};
    for (const auto& link : from.links()) {
      model::ReferenceRecord record;
      if (link.trace_id().size() == 16) {
        record.trace_id = {Number(link.trace_id(), 0), Number(link.trace_id(), 8)};
      } else if (!link.trace_id().empty()) {
        good = false;
      }
      if (link.span_id().size() == 8) {
        record.span_id = {Number(link.span_id(), 0)};
      } else if (!link.span_id().empty()) {
        good = false;
      }
      record.trace_state = Intern(link.trace_state());
      record.attributes = Attributes(link.attributes(), good);
      record.dropped_attributes = link.dropped_attributes_count();
      record.flags = link.flags();
      record.unknown_fields = Unknown(link);
      out_.references.push_back(record);
    }
  }

  model::SpanBatch& out_;
  model::DecodeReport& report_;
};

// Unknown fields compare as fields: protobuf writes its varints and lengths anew, ours stay as
// sent.
std::string Normalised(std::string_view fields) {
  google::protobuf::UnknownFieldSet set;
  if (!set.ParseFromArray(fields.data(), static_cast<int>(fields.size()))) return "unreadable";
  std::string bytes;
  set.SerializeToString(&bytes);
  return bytes;
}

void NormaliseUnknown(model::SpanBatch& batch) {
  const auto normalise = [&](auto& records) {
    for (auto& record : records) {
      if (record.unknown_fields == 0) continue;
      const std::string bytes = Normalised(batch.text(record.unknown_fields));
      record.unknown_fields = batch.strings.Intern(bytes);
    }
  };
  normalise(batch.resources);
  normalise(batch.scopes);
  normalise(batch.events);
  normalise(batch.references);
  normalise(batch.spans);
}

}  // namespace

bool ReferenceDecodeOtlp(std::string_view message, model::SpanBatch& out,
                         model::DecodeReport& report) {
  ExportTraceServiceRequest request;
  if (message.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return false;
  if (!request.ParseFromArray(message.data(), static_cast<int>(message.size()))) return false;
  Reference(out, report).Run(request);
  return true;
}

std::string CompareOtlpDecoders(std::string_view message) {
  model::SpanBatch expected;
  model::DecodeReport expected_report;
  const bool readable = ReferenceDecodeOtlp(message, expected, expected_report);
  model::SpanBatch got;
  const auto report = DecodeOtlpProtobuf(message, got);
  if (!readable) return "";
  if (!report.has_value()) return "only protobuf reads it: " + report.error().message();
  if (report->accepted != expected_report.accepted ||
      report->rejected != expected_report.rejected || got.size() != expected.size()) {
    return "protobuf's has " + std::to_string(expected_report.accepted) + " spans and " +
           std::to_string(expected_report.rejected) + " refused, ours " +
           std::to_string(report->accepted) + " and " + std::to_string(report->rejected) + " (" +
           report->first_error + ")";
  }
  NormaliseUnknown(got);
  NormaliseUnknown(expected);
  for (std::size_t row = 0; row < got.size(); ++row) {
    if (!model::SpansEqual(expected, expected.spans[row], got, got.spans[row])) {
      return "row " + std::to_string(row) + "\nexpected " +
             DescribeSpan(expected, expected.spans[row]) + "\ngot      " +
             DescribeSpan(got, got.spans[row]);
    }
  }
  return "";
}

void SilenceProtobufLog() { google::protobuf::SetLogHandler(nullptr); }

}  // namespace tracestore::codec
