// The model to Jaeger's UI/API JSON. The order of fields and the conversions are those of Jaeger
// v1.76's /api/traces (docs/format/jaeger-json.md).
#include <algorithm>
#include <bit>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codec/jaeger/jaeger_json.h"
#include "model/text.h"

namespace tracestore::codec {
namespace {

using model::Attribute;
using model::SpanBatch;
using model::SpanRecord;
using model::StringId;

// What Jaeger calls a service without a name that came over OTLP or Zipkin.
constexpr std::string_view kNoServiceName = "OTLPResourceNoServiceName";
// Greatest whole number a JavaScript reader holds exactly; beyond it Jaeger writes text.
constexpr std::int64_t kMaxSafeInteger = (std::int64_t{1} << 53) - 1;

// The tags of one owner: rendered one by one, then written in their order or by key.
class TagList {
 public:
  void Clear() {
    text_.clear();
    items_.clear();
  }

  void String(std::string_view key, std::string_view value) {
    Begin(key, "string");
    writer_.String(value);
    End();
  }
  void Bool(std::string_view key, bool value) {
    Begin(key, "bool");
    writer_.Bool(value);
    End();
  }

  void Add(const SpanBatch& batch, const Attribute& attribute) {
    const std::string_view key = batch.text(attribute.key);
    switch (attribute.type()) {
      case ValueType::kEmpty: return String(key, "");
      case ValueType::kBool: return Bool(key, attribute.bits != 0);
      case ValueType::kInt: return Int(key, static_cast<std::int64_t>(attribute.bits));
      case ValueType::kDouble:
        Begin(key, "float64");
        writer_.Double(std::bit_cast<double>(attribute.bits));
        return End();
      case ValueType::kBytes:
        Begin(key, "binary");
        writer_.Base64(batch.text(static_cast<StringId>(attribute.bits)));
        return End();
      case ValueType::kString:
        return String(key, batch.text(static_cast<StringId>(attribute.bits)));
      case ValueType::kArray:
      case ValueType::kMap:
        return String(key, model::CanonicalText(batch, attribute));
    }
  }

  // By key from the item `from` on, equal keys in their order.
  void Sort(std::size_t from = 0) {
    std::stable_sort(items_.begin() + static_cast<std::ptrdiff_t>(from), items_.end(),
                     [](const Item& a, const Item& b) { return a.key < b.key; });
  }

  void Write(JsonWriter& out) const {
    out.BeginArray();
    for (const Item& item : items_)
      out.Raw(std::string_view(text_).substr(item.begin, item.end - item.begin));
    out.EndArray();
  }

 private:
  struct Item {
    std::string_view key;  // of the batch, or a literal
    std::size_t begin;
    std::size_t end;
  };

  void Int(std::string_view key, std::int64_t value) {
    Begin(key, "int64");
    if (value > kMaxSafeInteger || value < -kMaxSafeInteger) writer_.IntString(value);
    else writer_.Int(value);
    End();
  }
  void Begin(std::string_view key, std::string_view type) {
    items_.push_back({key, text_.size(), 0});
    writer_.BeginObject();
    writer_.Key("key");
    writer_.String(key);
    writer_.Key("type");
    writer_.String(type);
    writer_.Key("value");
  }
  void End() {
    writer_.EndObject();
    items_.back().end = text_.size();
  }

  std::string text_;
  JsonWriter writer_{text_};
  std::vector<Item> items_;
};

bool HasKey(const SpanBatch& batch, model::Range range, std::string_view key) {
  for (const Attribute& attribute : AttributesOf(batch, range))
    if (batch.text(attribute.key) == key) return true;
  return false;
}

class TraceWriter {
 public:
  TraceWriter(const SpanBatch& batch, const JaegerJsonOptions& options, JsonWriter& out)
      : batch_(batch), options_(options), out_(out) {}

  void Run(std::span<const std::uint32_t> rows);

 private:
  void Span(const SpanRecord& span, std::size_t position);
  void References(const SpanRecord& span);
  void Reference(const char* type, TraceId trace_id, SpanId span_id);
  const char* TypeOf(const model::ReferenceRecord& reference) const;
  void Tags(const SpanRecord& span);
  void ConvertedTags(const SpanRecord& span, Origin origin);
  void Logs(const SpanRecord& span);
  void Warnings(const SpanRecord& span, std::size_t position);
  std::size_t ProcessOf(std::uint32_t resource);
  std::string ProcessText(const model::ResourceRecord& resource) const;

  const SpanBatch& batch_;
  const JaegerJsonOptions& options_;
  JsonWriter& out_;
  TagList tags_;
  // The JSON of processes in order of appearance, p1 first, and their numbers by resource and text.
  std::vector<std::string_view> processes_;  // keys of by_text_
  std::unordered_map<std::string, std::size_t> by_text_;
  std::unordered_map<std::uint32_t, std::size_t> by_index_;
};

// The number of the process that stands for this resource, from 1. Resources that Jaeger can't tell
// apart share one.
std::size_t TraceWriter::ProcessOf(std::uint32_t resource) {
  const auto known = by_index_.find(resource);
  if (known != by_index_.end()) return known->second;
  const auto [process, added] =
      by_text_.try_emplace(ProcessText(batch_.resources[resource]), by_text_.size() + 1);
  if (added) processes_.push_back(process->first);
  return by_index_[resource] = process->second;
}

void TraceWriter::Reference(const char* type, TraceId trace_id, SpanId span_id) {
  out_.BeginObject();
  out_.Key("refType");
  out_.String(type);
  out_.Key("traceID");
  out_.String(trace_id.ToShortHex());
  out_.Key("spanID");
  out_.String(span_id.ToHex());
  out_.EndObject();
}

const char* TraceWriter::TypeOf(const model::ReferenceRecord& reference) const {
  if (reference.type == ReferenceType::kChildOf) return "CHILD_OF";
  const Attribute* type = FindString(batch_, reference.attributes, "opentracing.ref_type");
  const bool child = reference.type == ReferenceType::kLink && type != nullptr &&
                     batch_.text(static_cast<StringId>(type->bits)) == "child_of";
  return child ? "CHILD_OF" : "FOLLOWS_FROM";
}

void TraceWriter::References(const SpanRecord& span) {
  out_.BeginArray();
  const bool has_parent = !span.parent_id.empty();
  const std::uint32_t parent_at = std::min(span.parent_position, span.references.count);
  for (std::uint32_t i = 0; i <= span.references.count; ++i) {
    if (has_parent && i == parent_at) Reference("CHILD_OF", span.trace_id, span.parent_id);
    if (i == span.references.count) break;
    const auto& reference = batch_.references[span.references.begin + i];
    Reference(TypeOf(reference), reference.trace_id, reference.span_id);
  }
  out_.EndArray();
}

// What OTLP and Zipkin keep outside the attributes, as the tags Jaeger makes of it.
void TraceWriter::ConvertedTags(const SpanRecord& span, Origin origin) {
  const auto& scope = batch_.scopes[span.scope];
  if (scope.name != 0) tags_.String("otel.scope.name", batch_.text(scope.name));
  if (scope.version != 0) tags_.String("otel.scope.version", batch_.text(scope.version));
  if (origin == Origin::kZipkin) {
    for (const Attribute& attribute :
         AttributesOf(batch_, batch_.resources[span.resource].attributes)) {
      const std::string_view key = batch_.text(attribute.key);
      if (key == "net.host.ip" || key == "net.host.port") tags_.Add(batch_, attribute);
    }
  }
  if (span.kind != SpanKind::kUnspecified) tags_.String("span.kind", SpanKindName(span.kind));
  if (span.status != StatusCode::kUnset)
    tags_.String("otel.status_code", span.status == StatusCode::kOk ? "OK" : "ERROR");
  if (span.status == StatusCode::kError) tags_.Bool("error", true);
  // Zipkin's message is the text of its own `error` tag, which is there already.
  if (span.status_message != 0 && origin == Origin::kOtlp)
    tags_.String("otel.status_description", batch_.text(span.status_message));
  if (span.trace_state != 0) tags_.String("w3c.tracestate", batch_.text(span.trace_state));
}

void TraceWriter::Tags(const SpanRecord& span) {
  const Origin origin = batch_.resources[span.resource].origin;
  tags_.Clear();
  for (const Attribute& attribute : AttributesOf(batch_, span.attributes)) {
    const std::string_view key = batch_.text(attribute.key);
    const bool left_out =
        attribute.synthetic() && (key == "jaeger.warning" || key == "zipkin.debug");
    if (!left_out) tags_.Add(batch_, attribute);
  }
  if (origin != Origin::kJaeger) ConvertedTags(span, origin);
  if (options_.sort_tags) tags_.Sort();
  tags_.Write(out_);
}

void TraceWriter::Logs(const SpanRecord& span) {
  const Origin origin = batch_.resources[span.resource].origin;
  out_.BeginArray();
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const auto& event = batch_.events[span.events.begin + i];
    tags_.Clear();
    std::size_t first = 0;
    const bool has_field = HasKey(batch_, event.attributes, "event");
    if (origin != Origin::kJaeger && event.name != 0 && !has_field) {
      tags_.String("event", batch_.text(event.name));
      first = 1;
    } else if (options_.sort_tags && has_field) {
      const auto all = AttributesOf(batch_, event.attributes);
      const auto* field = std::find_if(all.begin(), all.end(), [&](const Attribute& attribute) {
        return batch_.text(attribute.key) == "event";
      });
      tags_.Add(batch_, *field);
      first = 1;
    }
    bool skip = options_.sort_tags && has_field;
    for (const Attribute& attribute : AttributesOf(batch_, event.attributes)) {
      if (skip && batch_.text(attribute.key) == "event") skip = false;
      else tags_.Add(batch_, attribute);
    }
    if (options_.sort_tags) tags_.Sort(first);
    out_.BeginObject();
    out_.Key("timestamp");
    out_.Uint(event.time_ns / 1000);
    out_.Key("fields");
    tags_.Write(out_);
    out_.EndObject();
  }
  out_.EndArray();
}

void TraceWriter::Warnings(const SpanRecord& span, std::size_t position) {
  bool any = false;
  const auto add = [&](std::string_view text) {
    if (!any) out_.BeginArray();
    any = true;
    out_.String(text);
  };
  for (const Attribute& attribute : AttributesOf(batch_, span.attributes)) {
    if (attribute.synthetic() && batch_.text(attribute.key) == "jaeger.warning")
      add(batch_.text(static_cast<StringId>(attribute.bits)));
  }
  if (position < options_.warnings.size())
    for (const std::string& warning : options_.warnings[position]) add(warning);
  if (any) out_.EndArray();
  else out_.Null();
}

void TraceWriter::Span(const SpanRecord& span, std::size_t position) {
  const Origin origin = batch_.resources[span.resource].origin;
  out_.BeginObject();
  out_.Key("traceID");
  out_.String(span.trace_id.ToShortHex());
  out_.Key("spanID");
  out_.String(span.span_id.ToHex());
  // OTLP's flags are W3C's: their bits beyond "sampled" mean other things than Jaeger's.
  if (span.flags != 0 && origin != Origin::kOtlp) {
    out_.Key("flags");
    out_.Uint(span.flags);
  }
  out_.Key("operationName");
  out_.String(batch_.text(span.name));
  out_.Key("references");
  References(span);
  out_.Key("startTime");
  out_.Uint(span.has_start() ? span.start_ns / 1000 : 0);
  out_.Key("duration");
  const auto duration =
      span.has_duration() ? static_cast<std::int64_t>(span.duration_ns) / 1000 : 0;
  out_.Int(origin == Origin::kJaeger ? duration : std::max<std::int64_t>(duration, 0));
  out_.Key("tags");
  Tags(span);
  out_.Key("logs");
  Logs(span);
  out_.Key("processID");
  out_.String("p" + std::to_string(ProcessOf(span.resource)));
  out_.Key("warnings");
  Warnings(span, position);
  out_.EndObject();
}

std::string TraceWriter::ProcessText(const model::ResourceRecord& resource) const {
  const Attribute* service = FindString(batch_, resource.attributes, "service.name");
  // A process tag `service.name` of Jaeger's own is a tag like any other.
  if (service != nullptr && resource.origin == Origin::kJaeger && !service->synthetic())
    service = nullptr;
  std::string_view name =
      service == nullptr ? "" : batch_.text(static_cast<StringId>(service->bits));
  if (name.empty() && resource.origin != Origin::kJaeger) name = kNoServiceName;
  TagList tags;
  for (const Attribute& attribute : AttributesOf(batch_, resource.attributes)) {
    // Zipkin's endpoint address stands among the tags of the span, as in Jaeger.
    const bool endpoint = resource.origin == Origin::kZipkin && attribute.synthetic();
    if (&attribute != service && !endpoint) tags.Add(batch_, attribute);
  }
  if (options_.sort_tags) tags.Sort();
  std::string text;
  JsonWriter out(text);
  out.BeginObject();
  out.Key("serviceName");
  out.String(name);
  out.Key("tags");
  tags.Write(out);
  out.EndObject();
  return text;
}

void TraceWriter::Run(std::span<const std::uint32_t> rows) {
  out_.BeginObject();
  out_.Key("traceID");
  out_.String(rows.empty() ? "" : batch_.spans[rows[0]].trace_id.ToShortHex());
  out_.Key("spans");
  out_.BeginArray();
  for (std::size_t i = 0; i < rows.size(); ++i) Span(batch_.spans[rows[i]], i);
  out_.EndArray();
  out_.Key("processes");
  out_.BeginObject();
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    out_.Key("p" + std::to_string(i + 1));
    out_.Raw(processes_[i]);
  }
  out_.EndObject();
  out_.Key("warnings");
  out_.Null();
  out_.EndObject();
}

}  // namespace

void WriteJaegerTrace(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                      const JaegerJsonOptions& options, JsonWriter& out) {
  TraceWriter(batch, options, out).Run(rows);
}

void EncodeJaegerTrace(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                       const JaegerJsonOptions& options, std::string& out) {
  JsonWriter writer(out);
  WriteJaegerTrace(batch, rows, options, writer);
}

}  // namespace tracestore::codec
