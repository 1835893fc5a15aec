#include "output_json.h"

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "human_text.h"

namespace tracestore::tools {
namespace {

using codec::JsonWriter;

void WriteValue(const AttributeView& attribute, JsonWriter& writer) {
  switch (attribute.type()) {
    case ValueType::kEmpty: writer.Null(); return;
    case ValueType::kString: writer.String(attribute.string_value()); return;
    case ValueType::kBool: writer.Bool(attribute.bool_value()); return;
    case ValueType::kInt: writer.Int(attribute.int_value()); return;
    case ValueType::kDouble: writer.Double(attribute.double_value()); return;
    case ValueType::kBytes: writer.Base64(attribute.bytes_value()); return;
    case ValueType::kArray:
    case ValueType::kMap: writer.Raw(attribute.text()); return;
  }
}

void WriteAttributes(const char* name, const AttributeList& attributes, JsonWriter& writer) {
  if (attributes.empty()) return;
  std::vector<std::string_view> keys;  // in the order that they come in first
  std::unordered_map<std::string_view, std::vector<AttributeView>> values;
  for (const AttributeView attribute : attributes) {
    auto& of_key = values[attribute.key()];
    if (of_key.empty()) keys.push_back(attribute.key());
    of_key.push_back(attribute);
  }
  writer.Key(name);
  writer.BeginObject();
  for (const std::string_view key : keys) {
    const auto& of_key = values[key];
    writer.Key(key);
    if (of_key.size() > 1) writer.BeginArray();
    for (const AttributeView& attribute : of_key) WriteValue(attribute, writer);
    if (of_key.size() > 1) writer.EndArray();
  }
  writer.EndObject();
}

void WriteText(const char* name, std::string_view text, JsonWriter& writer) {
  if (text.empty()) return;
  writer.Key(name);
  writer.String(text);
}

void WriteEvents(const SpanView& span, JsonWriter& writer) {
  if (span.event_count() == 0) return;
  writer.Key("events");
  writer.BeginArray();
  for (std::size_t i = 0; i < span.event_count(); ++i) {
    const EventView event = span.event(i);
    writer.BeginObject();
    writer.Key("time");
    writer.String(TimeText(event.time_ns()));
    writer.Key("name");
    writer.String(event.name());
    WriteAttributes("attributes", event.attributes(), writer);
    writer.EndObject();
  }
  writer.EndArray();
}

const char* ReferenceName(ReferenceType type) noexcept {
  switch (type) {
    case ReferenceType::kChildOf: return "childOf";
    case ReferenceType::kFollowsFrom: return "followsFrom";
    case ReferenceType::kLink: return "link";
  }
  return "link";
}

void WriteReferences(const SpanView& span, JsonWriter& writer) {
  if (span.reference_count() == 0) return;
  writer.Key("references");
  writer.BeginArray();
  for (std::size_t i = 0; i < span.reference_count(); ++i) {
    const ReferenceView reference = span.reference(i);
    writer.BeginObject();
    writer.Key("type");
    writer.String(ReferenceName(reference.type()));
    writer.Key("traceId");
    writer.String(reference.trace_id().ToShortHex());
    writer.Key("spanId");
    writer.String(reference.span_id().ToHex());
    WriteAttributes("attributes", reference.attributes(), writer);
    writer.EndObject();
  }
  writer.EndArray();
}

std::string ServicesJson(const TraceSummary& summary) {
  std::string out;
  JsonWriter writer(out);
  writer.BeginArray();
  for (const auto& service : summary.services) {
    writer.BeginObject();
    writer.Key("name");
    writer.String(service.name);
    writer.Key("spans");
    writer.Uint(service.span_count);
    writer.Key("errors");
    writer.Uint(service.error_count);
    writer.EndObject();
  }
  writer.EndArray();
  return out;
}

Cell ServicesCell(const TraceSummary& summary) {
  std::string names;
  for (const auto& service : summary.services) {
    if (!names.empty()) names += ';';
    names += service.name;
  }
  Cell cell = Cell::Count(summary.services.size());
  cell.csv = names;
  cell.json = ServicesJson(summary);
  return cell;
}

Style StatusStyle(StatusCode status) noexcept {
  return status == StatusCode::kError ? Style::kRed : Style::kPlain;
}

}  // namespace

void WriteSpanMembers(const SpanView& span, JsonWriter& writer) {
  writer.Key("traceId");
  writer.String(span.trace_id().ToShortHex());
  writer.Key("spanId");
  writer.String(span.span_id().ToHex());
  if (!span.parent_id().empty()) WriteText("parentSpanId", span.parent_id().ToHex(), writer);
  writer.Key("service");
  writer.String(span.service());
  writer.Key("operation");
  writer.String(span.name());
  writer.Key("kind");
  writer.String(SpanKindName(span.kind()));
  writer.Key("status");
  writer.String(StatusCodeName(span.status()));
  WriteText("statusMessage", span.status_message(), writer);
  if (span.has_start()) WriteText("start", TimeText(span.start_ns()), writer);
  if (span.has_duration()) {
    writer.Key("durationNs");
    writer.Uint(span.duration_ns());
  }
  WriteText("traceState", span.trace_state(), writer);
  WriteAttributes("attributes", span.attributes(), writer);
  WriteAttributes("resource", span.resource_attributes(), writer);
  if (!span.scope_name().empty() || !span.scope_attributes().empty()) {
    writer.Key("scope");
    writer.BeginObject();
    writer.Key("name");
    writer.String(span.scope_name());
    WriteText("version", span.scope_version(), writer);
    WriteAttributes("attributes", span.scope_attributes(), writer);
    writer.EndObject();
  }
  WriteEvents(span, writer);
  WriteReferences(span, writer);
}

void WriteSummaryMembers(const TraceSummary& summary, JsonWriter& writer) {
  Listing listing = SummaryListing();
  AddSummary(summary, listing);
  for (std::size_t i = 0; i < listing.columns.size(); ++i) {
    writer.Key(listing.columns[i].key);
    writer.Raw(listing.rows[0][i].json);
  }
}

Listing SummaryListing() {
  Listing listing;
  listing.name = "traces";
  listing.columns = {
      {"traceId", "TRACE", false, false},
      {"start", "START (UTC)", false, false, true},
      {"durationNs", "DURATION", true, false},
      {"rootService", "SERVICE", false, true},
      {"rootOperation", "OPERATION", false, true},
      {"spans", "SPANS", true, false},
      {"errors", "ERRORS", true, false},
      {"orphans", "", true, false},
      {"services", "SERVICES", true, false, true},
  };
  return listing;
}

void AddSummary(const TraceSummary& summary, Listing& listing) {
  listing.rows.push_back({
      Cell::Id(summary.trace_id),
      Cell::Time(summary.has_start, summary.start_ns),
      Cell::Duration(summary.has_start, summary.duration_ns()),
      Cell::Text(summary.root_service, Style::kCyan),
      Cell::Text(summary.root_operation),
      Cell::Count(summary.span_count),
      Cell::Count(summary.error_count, summary.error_count > 0 ? Style::kRed : Style::kPlain),
      Cell::Count(summary.orphan_count),
      ServicesCell(summary),
  });
}

Listing SpanListing() {
  Listing listing;
  listing.name = "spans";
  listing.columns = {
      {"start", "START (UTC)", false, false},
      {"traceId", "TRACE", false, false, true},
      {"spanId", "SPAN", false, false, true},
      {"parentSpanId", "", false, false},
      {"service", "SERVICE", false, true},
      {"operation", "OPERATION", false, true},
      {"kind", "KIND", false, false, true},
      {"durationNs", "DURATION", true, false},
      {"status", "STATUS", false, false},
      {"statusMessage", "", false, false},
  };
  return listing;
}

void AddSpan(const SpanView& span, Listing& listing) {
  const SpanId parent = span.parent_id();
  Cell kind = Cell::Text(SpanKindName(span.kind()));
  if (span.kind() == SpanKind::kUnspecified) kind.human.clear();
  listing.rows.push_back({
      Cell::Time(span.has_start(), span.start_ns()),
      Cell::Id(span.trace_id()),
      Cell::Text(span.span_id().ToHex()),
      Cell::Text(parent.empty() ? "" : parent.ToHex()),
      Cell::Text(span.service(), Style::kCyan),
      Cell::Text(span.name()),
      std::move(kind),
      Cell::Duration(span.has_duration(), span.duration_ns()),
      Cell::Text(StatusCodeName(span.status()), StatusStyle(span.status())),
      Cell::Text(span.status_message()),
  });
}

std::string RenderSpansJson(const SpanList& spans, Form form) {
  std::string out;
  if (form == Form::kJsonLines) {
    for (std::size_t i = 0; i < spans.size(); ++i) {
      JsonWriter writer(out);
      writer.BeginObject();
      WriteSpanMembers(spans[i], writer);
      writer.EndObject();
      out += '\n';
    }
    return out;
  }
  JsonWriter writer(out);
  writer.BeginObject();
  writer.Key("spans");
  writer.BeginArray();
  for (std::size_t i = 0; i < spans.size(); ++i) {
    writer.BeginObject();
    WriteSpanMembers(spans[i], writer);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  out += '\n';
  return out;
}

}  // namespace tracestore::tools
