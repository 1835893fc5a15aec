#include "codec/otlp/json_decoder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/stop.h"
#include "codec/otlp/json_field_reader.h"
#include "codec/otlp/span_rules.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using model::SpanRecord;
using simdjson::dom::element;
using Maybe = MaybeElement;

constexpr EnumName kKinds[] = {{"SPAN_KIND_UNSPECIFIED", 0}, {"SPAN_KIND_INTERNAL", 1},
                               {"SPAN_KIND_SERVER", 2},      {"SPAN_KIND_CLIENT", 3},
                               {"SPAN_KIND_PRODUCER", 4},    {"SPAN_KIND_CONSUMER", 5}};
constexpr EnumName kCodes[] = {
    {"STATUS_CODE_UNSET", 0}, {"STATUS_CODE_OK", 1}, {"STATUS_CODE_ERROR", 2}};

class Decoder : private JsonFieldReader {
 public:
  Decoder(SpanBatch& out, const StopWhen* stop)
      : JsonFieldReader(out), out_(out), stop_(stop) {}

  Status DecodeRequest(std::string_view text);
  model::DecodeReport& report() noexcept { return report_; }
  StopCheck& stop() noexcept { return stop_; }

 private:
  bool ReadResource(const Maybe& value, model::ResourceRecord& resource);
  bool ReadScope(const Maybe& value, model::ScopeRecord& scope);
  bool ReadSpan(element value);
  bool ReadIds(const Fields& fields, SpanRecord& span);
  bool ReadState(const Fields& fields, SpanRecord& span);
  bool ReadEvents(const Maybe& list, SpanRecord& span);
  bool ReadEvent(element value);
  bool ReadLinks(const Maybe& list, SpanRecord& span);
  bool ReadLink(element value);

  Status ReadResourceSpans(element value);
  Status ReadScopeSpans(element value, bool refused);
  void CountSpan(element value, bool refused);

  SpanBatch& out_;
  JsonTree tree_;
  StopCheck stop_;
  model::DecodeReport report_;
  std::uint64_t span_number_ = 0;  // the first is 1
  bool is_root_ = false;           // the span at hand says no parent
};

// A list or object around the spans that is none: the request is not OTLP.
Error NotThat(const char* field, element value, const char* wanted) {
  return {ErrorCode::kInvalidArgument,
          std::string("OTLP JSON: ") + field + " is " + TypeNameOf(value) + ", not " + wanted};
}

bool Decoder::ReadResource(const Maybe& value, model::ResourceRecord& resource) {
  static constexpr std::string_view kKeys[] = {"attributes", "droppedAttributesCount"};
  if (!value) return true;
  if (!IsObject(*value)) return WrongType("resource", *value, "an object");
  const Fields fields(ObjectOf(*value), kKeys);
  return ReadAttributes(fields[0], "the resource's attributes", resource.attributes) &&
         ReadCount(fields[1], "the resource's droppedAttributesCount", resource.dropped_attributes);
}

bool Decoder::ReadScope(const Maybe& value, model::ScopeRecord& scope) {
  static constexpr std::string_view kKeys[] = {"name", "version", "attributes",
                                               "droppedAttributesCount"};
  if (!value) return true;
  if (!IsObject(*value)) return WrongType("scope", *value, "an object");
  const Fields fields(ObjectOf(*value), kKeys);
  return ReadText(fields[0], "the scope's name", scope.name) &&
         ReadText(fields[1], "the scope's version", scope.version) &&
         ReadAttributes(fields[2], "the scope's attributes", scope.attributes) &&
         ReadCount(fields[3], "the scope's droppedAttributesCount", scope.dropped_attributes);
}

constexpr std::string_view kSpanKeys[] = {"traceId",
                                          "spanId",
                                          "parentSpanId",
                                          "traceState",
                                          "name",
                                          "kind",
                                          "startTimeUnixNano",
                                          "endTimeUnixNano",
                                          "attributes",
                                          "droppedAttributesCount",
                                          "events",
                                          "droppedEventsCount",
                                          "links",
                                          "droppedLinksCount",
                                          "status",
                                          "flags"};
enum SpanKey : std::size_t {
  kTraceId,
  kSpanId,
  kParentSpanId,
  kTraceState,
  kName,
  kKind,
  kStart,
  kEnd,
  kAttributes,
  kDroppedAttributes,
  kEvents,
  kDroppedEvents,
  kLinks,
  kDroppedLinks,
  kStatus,
  kFlags
};

bool Decoder::ReadSpan(element value) {
  is_root_ = false;
  if (!IsObject(value)) return WrongType("the span", value, "an object");
  const Fields fields(ObjectOf(value), kSpanKeys);
  is_root_ = !fields[kParentSpanId] || TextOf(*fields[kParentSpanId]) == "";
  SpanRecord span;
  span.resource = static_cast<std::uint32_t>(out_.resources.size() - 1);
  span.scope = static_cast<std::uint32_t>(out_.scopes.size() - 1);
  if (!ReadIds(fields, span) || !ReadState(fields, span)) return false;
  if (!ReadAttributes(fields[kAttributes], "attributes", span.attributes) ||
      !ReadEvents(fields[kEvents], span) || !ReadLinks(fields[kLinks], span)) {
    return false;
  }
  out_.spans.push_back(span);
  return true;
}

std::string OfTrace(const SpanRecord& span) { return " (trace " + span.trace_id.ToHex() + ")"; }

bool Decoder::ReadIds(const Fields& fields, SpanRecord& span) {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_id;
  if (!ReadId(fields[kTraceId], "trace id", 32, kTraceIdInvalid, trace_id)) return false;
  span.trace_id = TraceId::FromHex(trace_id).value_or(TraceId{});
  if (span.trace_id.empty()) {
    return Refuse(kTraceIdInvalid,
                  trace_id.empty() ? "trace id is absent" : "trace id is all zeros");
  }
  if (!ReadId(fields[kSpanId], "span id", 16, kSpanIdInvalid, span_id) ||
      !ReadId(fields[kParentSpanId], "parent span id", 16, kParentIdInvalid, parent_id)) {
    refusal().second += OfTrace(span);
    return false;
  }
  span.span_id = SpanId::FromHex(span_id).value_or(SpanId{});
  span.parent_id = SpanId::FromHex(parent_id).value_or(SpanId{});
  if (!span.span_id.empty()) return true;
  return Refuse(kSpanIdInvalid,
                (span_id.empty() ? "span id is absent" : "span id is all zeros") + OfTrace(span));
}

bool Decoder::ReadState(const Fields& fields, SpanRecord& span) {
  static constexpr std::string_view kStatusKeys[] = {"message", "code"};
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t kind = 0;
  std::uint64_t code = 0;
  if (!ReadText(fields[kName], "name", span.name) ||
      !ReadText(fields[kTraceState], "traceState", span.trace_state) ||
      !ReadNumber(fields[kStart], "startTimeUnixNano", start_ns) ||
      !ReadNumber(fields[kEnd], "endTimeUnixNano", end_ns) ||
      !ReadEnum(fields[kKind], "kind", kKinds, kind) ||
      !ReadCount(fields[kFlags], "flags", span.flags) ||
      !ReadCount(fields[kDroppedAttributes], "droppedAttributesCount", span.dropped_attributes) ||
      !ReadCount(fields[kDroppedEvents], "droppedEventsCount", span.dropped_events) ||
      !ReadCount(fields[kDroppedLinks], "droppedLinksCount", span.dropped_links)) {
    return false;
  }
  if (fields[kStatus]) {
    if (!IsObject(*fields[kStatus])) return WrongType("status", *fields[kStatus], "an object");
    const Fields status(ObjectOf(*fields[kStatus]), kStatusKeys);
    if (!ReadText(status[0], "the status's message", span.status_message) ||
        !ReadEnum(status[1], "the status's code", kCodes, code)) {
      return false;
    }
  }
  SetOtlpTimes(start_ns, end_ns, span);
  std::string unknown;
  KeepKindAndStatus(kind, code, span, unknown);
  span.unknown_fields = out_.strings.Intern(unknown);
  return true;
}

bool Decoder::ReadEvents(const Maybe& list, SpanRecord& span) {
  span.events.begin = static_cast<std::uint32_t>(out_.events.size());
  if (!list) return true;
  if (!IsArray(*list)) return WrongType("events", *list, "a list");
  for (const element event : ArrayOf(*list)) {
    if (!ReadEvent(event)) return false;
  }
  span.events.count = static_cast<std::uint32_t>(out_.events.size()) - span.events.begin;
  return true;
}

bool Decoder::ReadEvent(element value) {
  static constexpr std::string_view kKeys[] = {"timeUnixNano", "name", "attributes",
                                               "droppedAttributesCount"};
  if (!IsObject(value)) return WrongType("an event", value, "an object");
  const Fields fields(ObjectOf(value), kKeys);
  model::EventRecord event;
  if (!ReadNumber(fields[0], "an event's timeUnixNano", event.time_ns) ||
      !ReadText(fields[1], "an event's name", event.name) ||
      !ReadAttributes(fields[2], "an event's attributes", event.attributes) ||
      !ReadCount(fields[3], "an event's droppedAttributesCount", event.dropped_attributes)) {
    return false;
  }
  out_.events.push_back(event);
  return true;
}

bool Decoder::ReadLinks(const Maybe& list, SpanRecord& span) {
  span.references.begin = static_cast<std::uint32_t>(out_.references.size());
  if (!list) return true;
  if (!IsArray(*list)) return WrongType("links", *list, "a list");
  for (const element link : ArrayOf(*list)) {
    if (!ReadLink(link)) return false;
  }
  span.references.count =
      static_cast<std::uint32_t>(out_.references.size()) - span.references.begin;
  return true;
}

bool Decoder::ReadLink(element value) {
  static constexpr std::string_view kKeys[] = {
      "traceId", "spanId", "traceState", "attributes", "droppedAttributesCount", "flags"};
  if (!IsObject(value)) return WrongType("a link", value, "an object");
  const Fields fields(ObjectOf(value), kKeys);
  model::ReferenceRecord link;
  std::string_view trace_id;
  std::string_view span_id;
  if (!ReadId(fields[0], "a link's trace id", 32, kLinkIdInvalid, trace_id) ||
      !ReadId(fields[1], "a link's span id", 16, kLinkIdInvalid, span_id) ||
      !ReadText(fields[2], "a link's traceState", link.trace_state) ||
      !ReadAttributes(fields[3], "a link's attributes", link.attributes) ||
      !ReadCount(fields[4], "a link's droppedAttributesCount", link.dropped_attributes) ||
      !ReadCount(fields[5], "a link's flags", link.flags)) {
    return false;
  }
  link.trace_id = TraceId::FromHex(trace_id).value_or(TraceId{});
  link.span_id = SpanId::FromHex(span_id).value_or(SpanId{});
  out_.references.push_back(link);
  return true;
}

void Decoder::CountSpan(element value, bool refused) {
  ++span_number_;
  const SpanBatch::Mark mark = out_.mark();
  if (!refused && ReadSpan(value)) {
    ++report_.accepted;
    return;
  }
  out_.Rollback(mark);
  report_.Reject(refusal().first, "span " + std::to_string(span_number_) + ": " + refusal().second,
                 !refused && is_root_);
}

Status Decoder::ReadScopeSpans(element value, bool refused) {
  static constexpr std::string_view kKeys[] = {"scope", "spans", "schemaUrl"};
  if (!IsObject(value)) return NotThat("scopeSpans", value, "made of objects");
  const Fields fields(ObjectOf(value), kKeys);
  if (fields[1] && !IsArray(*fields[1])) return NotThat("spans", *fields[1], "a list");
  const SpanBatch::Mark mark = out_.mark();
  const std::uint64_t accepted = report_.accepted;
  model::ScopeRecord scope;
  if (!refused)
    refused = !ReadScope(fields[0], scope) || !ReadText(fields[2], "schemaUrl", scope.schema_url);
  out_.scopes.push_back(scope);
  if (fields[1]) {
    for (const element span : ArrayOf(*fields[1])) {
      if (stop_.Step()) return stop_.status();
      CountSpan(span, refused);
    }
  }
  if (report_.accepted == accepted) out_.Rollback(mark);
  return {};
}

Status Decoder::ReadResourceSpans(element value) {
  static constexpr std::string_view kKeys[] = {"resource", "scopeSpans", "schemaUrl"};
  if (!IsObject(value)) return NotThat("resourceSpans", value, "made of objects");
  const Fields fields(ObjectOf(value), kKeys);
  if (fields[1] && !IsArray(*fields[1])) return NotThat("scopeSpans", *fields[1], "a list");
  const SpanBatch::Mark mark = out_.mark();
  const std::uint64_t accepted = report_.accepted;
  model::ResourceRecord resource;
  const bool good =
      ReadResource(fields[0], resource) && ReadText(fields[2], "schemaUrl", resource.schema_url);
  const Refusal of_resource = refusal();
  out_.resources.push_back(resource);
  if (fields[1]) {
    for (const element scope_spans : ArrayOf(*fields[1])) {
      if (stop_.Step()) return stop_.status();
      if (!good) refusal() = of_resource;
      Status status = ReadScopeSpans(scope_spans, !good);
      if (!status.has_value()) return status;
    }
  }
  if (report_.accepted == accepted) out_.Rollback(mark);
  return {};
}

Status Decoder::DecodeRequest(std::string_view text) {
  static constexpr std::string_view kKeys[] = {"resourceSpans"};
  const auto root = tree_.Parse(text, kSendersJson);
  if (!root.has_value()) return root.error();
  report_.mended_texts += tree_.mended_texts();
  if (!IsObject(*root)) return NotThat("the request", *root, "an object");
  const Fields fields(ObjectOf(*root), kKeys);
  if (!fields[0]) return {};
  if (!IsArray(*fields[0])) return NotThat("resourceSpans", *fields[0], "a list");
  for (const element resource_spans : ArrayOf(*fields[0])) {
    if (stop_.Step()) return stop_.status();
    Status status = ReadResourceSpans(resource_spans);
    if (!status.has_value()) return status;
  }
  return {};
}

}  // namespace

Result<model::DecodeReport> DecodeOtlpJson(std::string_view text, SpanBatch& out,
                                           const OtlpLimits& limits) {
  const Status room = CheckOtlpRoom(text.size(), limits.max_message_bytes, out);
  if (!room.has_value()) return room.error();
  const SpanBatch::Mark mark = out.mark();
  Decoder decoder(out, limits.stop);
  Status status = decoder.DecodeRequest(text);
  if (status.has_value()) return std::move(decoder.report());
  out.Rollback(mark);
  return std::move(status).error();
}

Result<model::DecodeReport> DecodeOtlpJsonLines(std::string_view text, SpanBatch& out,
                                                const OtlpLimits& limits) {
  const SpanBatch::Mark mark = out.mark();
  Decoder decoder(out, limits.stop);
  std::uint64_t line_number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (decoder.stop().Step()) {
      out.Rollback(mark);
      return decoder.stop().status().error();
    }
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Status status = CheckOtlpRoom(line.size(), limits.max_message_bytes, out);
    if (status.has_value()) status = decoder.DecodeRequest(line);
    if (status.has_value()) continue;
    out.Rollback(mark);
    if (decoder.stop().stopped()) return std::move(status).error();
    return std::move(status).error().WithContext("line " + std::to_string(line_number));
  }
  return std::move(decoder.report());
}

}  // namespace tracestore::codec
