// Jaeger's UI/API JSON to the model. The rules stand in docs/format/jaeger-json.md.
#include <limits>
#include <optional>
#include <unordered_map>

#include "base/stop.h"
#include "base/try.h"
#include "codec/jaeger/jaeger_json.h"
#include "codec/jaeger/jaeger_json_fields.h"
#include "codec/jaeger/jaeger_span.h"
#include "codec/json/json_dom.h"
#include "codec/json/json_error.h"
#include "codec/json/resource_pool.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using model::StringId;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

bool IsNull(const element& value) { return value.type() == element_type::NULL_VALUE; }

Error Bad(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

// The fields of a span object; the last of equal names counts, as in Jaeger.
struct SpanFields {
  std::optional<element> trace_id, span_id, parent_span_id, flags, name, references, start,
      duration, tags, logs, process_id, process, warnings;
};

SpanFields ReadSpanFields(object span) {
  SpanFields fields;
  for (const auto& [key, value] : span) {
    if (IsNull(value)) continue;
    if (key == "traceID") fields.trace_id = value;
    else if (key == "spanID") fields.span_id = value;
    else if (key == "parentSpanID") fields.parent_span_id = value;
    else if (key == "flags") fields.flags = value;
    else if (key == "operationName") fields.name = value;
    else if (key == "references") fields.references = value;
    else if (key == "startTime") fields.start = value;
    else if (key == "duration") fields.duration = value;
    else if (key == "tags") fields.tags = value;
    else if (key == "logs") fields.logs = value;
    else if (key == "processID") fields.process_id = value;
    else if (key == "process") fields.process = value;
    else if (key == "warnings") fields.warnings = value;
  }
  return fields;
}

class Decoder {
 public:
  Decoder(SpanBatch& out, const StopWhen* stop) : out_(out), pool_(out), stop_(stop) {}

  Result<model::DecodeReport> Run(std::string_view text);

 private:
  // A process of the trace at hand, made into a resource when the first span asks for it.
  struct Process {
    element value;
    std::optional<std::uint32_t> resource;
    Verdict verdict;
  };

  Status Traces(array traces);
  Status Trace(object trace);
  void Span(element value, std::uint64_t index, std::optional<element> trace_id);
  Verdict Scalars(const SpanFields& fields, std::optional<element> trace_id,
                  model::SpanRecord& span);
  Verdict Resource(const SpanFields& fields, std::uint32_t& index);
  Verdict MakeResource(element process, std::uint32_t& index);
  Verdict Tags(element list, const std::string& what);
  Verdict SpanAttributes(const SpanFields& fields, model::SpanRecord& span);
  Verdict Warnings(element list);
  Verdict Logs(element list, model::SpanRecord& span);
  Verdict References(const SpanFields& fields, model::SpanRecord& span);
  Verdict Reference(element value, model::SpanRecord& span, std::uint32_t position);

  SpanBatch& out_;
  ResourcePool pool_;
  std::optional<std::uint32_t> scope_;
  std::unordered_map<std::string_view, Process> processes_;
  std::string trace_name_;
  StopCheck stop_;
  model::DecodeReport report_;
};

Verdict Decoder::Tags(element list, const std::string& what) {
  array tags;
  if (list.get(tags) != simdjson::SUCCESS) return WrongType(what, "a list", list);
  for (const element tag : tags) {
    object fields;
    if (tag.get(fields) != simdjson::SUCCESS)
      return WrongType("a member of " + what, "an object", tag);
    std::string_view key, type;
    std::optional<element> value;
    for (const auto& [name, field] : fields) {
      if (name == "key") key = TextOf(field).value_or("");
      else if (name == "type") type = TextOf(field).value_or("");
      else if (name == "value") value = field;
    }
    const StringId id = out_.strings.Intern(key);
    if (value) AddTypedValue(out_, id, type, *value);
    else out_.AddString(id, "");
  }
  return {};
}

Verdict Decoder::MakeResource(element process, std::uint32_t& index) {
  object fields;
  if (process.get(fields) != simdjson::SUCCESS) return WrongType("process", "an object", process);
  std::optional<element> name, tags;
  for (const auto& [key, value] : fields) {
    if (IsNull(value)) continue;
    if (key == "serviceName") name = value;
    else if (key == "tags") tags = value;
  }
  const auto mark = out_.mark();
  if (name) {
    const auto text = TextOf(*name);
    if (!text) return WrongType("service name", "a string", *name);
    if (!text->empty()) out_.AddString(out_.strings.Intern("service.name"), *text, true);
  }
  if (tags) {
    if (auto verdict = Tags(*tags, "process tags")) {
      out_.Rollback(mark);
      return verdict;
    }
  }
  index = pool_.Add(mark, Origin::kJaeger);
  return {};
}

// The process that the span names, else the one inside it, else one without a name.
Verdict Decoder::Resource(const SpanFields& fields, std::uint32_t& index) {
  if (fields.process_id) {
    const auto id = TextOf(*fields.process_id);
    if (!id) return WrongType("process id", "a string", *fields.process_id);
    if (const auto found = processes_.find(*id); found != processes_.end()) {
      Process& process = found->second;
      if (!process.resource && !process.verdict) {
        std::uint32_t made = 0;
        process.verdict = MakeResource(process.value, made);
        if (!process.verdict) process.resource = made;
      }
      if (process.verdict) return process.verdict;
      index = *process.resource;
      return {};
    }
  }
  if (fields.process) return MakeResource(*fields.process, index);
  index = pool_.Add(out_.mark(), Origin::kJaeger);
  return {};
}

Verdict Decoder::Scalars(const SpanFields& fields, std::optional<element> trace_id,
                         model::SpanRecord& span) {
  const auto& own = fields.trace_id ? fields.trace_id : trace_id;
  if (!own) return Refusal{"span has no traceID", "it has no traceID"};
  if (auto verdict = ReadTraceId(*own, "trace id", span.trace_id)) return verdict;
  if (span.trace_id.empty()) return Refusal{"trace id is all zeros", "its trace id is all zeros"};
  if (!fields.span_id) return Refusal{"span has no spanID", "it has no spanID"};
  if (auto verdict = ReadSpanId(*fields.span_id, "span id", span.span_id)) return verdict;
  if (span.span_id.empty()) return Refusal{"span id is all zeros", "its span id is all zeros"};
  if (fields.name) {
    const auto name = TextOf(*fields.name);
    if (!name) return WrongType("operation name", "a string", *fields.name);
    span.name = out_.strings.Intern(*name);
  }
  if (fields.flags) {
    const auto flags = IntegerOf(*fields.flags);
    if (!flags || *flags < 0 || *flags > std::numeric_limits<std::uint32_t>::max()) {
      return Refusal{"flags are no 32-bit number", "flags " +
                         QuoteForMessage(PlainTextOf(*fields.flags)) + " are no 32-bit number"};
    }
    span.flags = static_cast<std::uint32_t>(*flags);
  }
  if (fields.start) {
    if (auto verdict = ReadTime(*fields.start, "start time", span.start_ns)) return verdict;
  }
  if (fields.duration) {
    if (auto verdict = ReadDuration(*fields.duration, span.duration_ns)) return verdict;
  }
  span.presence = model::kHasStart | model::kHasDuration;
  return {};
}

Verdict Decoder::Warnings(element list) {
  array warnings;
  if (list.get(warnings) != simdjson::SUCCESS) return WrongType("warnings", "a list", list);
  const StringId key = out_.strings.Intern("jaeger.warning");
  for (const element warning : warnings) out_.AddString(key, PlainTextOf(warning), true);
  return {};
}

Verdict Decoder::SpanAttributes(const SpanFields& fields, model::SpanRecord& span) {
  span.attributes.begin = static_cast<std::uint32_t>(out_.attributes.size());
  if (fields.tags) {
    if (auto verdict = Tags(*fields.tags, "tags")) return verdict;
  }
  span.attributes.count =
      static_cast<std::uint32_t>(out_.attributes.size()) - span.attributes.begin;
  ApplyJaegerConventions(out_, span);
  if (fields.warnings) {
    if (auto verdict = Warnings(*fields.warnings)) return verdict;
  }
  span.attributes.count =
      static_cast<std::uint32_t>(out_.attributes.size()) - span.attributes.begin;
  return {};
}

Verdict Decoder::Logs(element list, model::SpanRecord& span) {
  array logs;
  if (list.get(logs) != simdjson::SUCCESS) return WrongType("logs", "a list", list);
  span.events.begin = static_cast<std::uint32_t>(out_.events.size());
  for (const element log : logs) {
    object parts;
    if (log.get(parts) != simdjson::SUCCESS) return WrongType("a log", "an object", log);
    std::optional<element> timestamp, fields;
    for (const auto& [key, value] : parts) {
      if (IsNull(value)) continue;
      if (key == "timestamp") timestamp = value;
      else if (key == "fields") fields = value;
    }
    model::EventRecord event;
    if (timestamp) {
      if (auto verdict = ReadTime(*timestamp, "log timestamp", event.time_ns)) return verdict;
    }
    event.attributes.begin = static_cast<std::uint32_t>(out_.attributes.size());
    if (fields) {
      if (auto verdict = Tags(*fields, "log fields")) return verdict;
    }
    event.attributes.count =
        static_cast<std::uint32_t>(out_.attributes.size()) - event.attributes.begin;
    if (const auto* name = FindString(out_, event.attributes, "event"))
      event.name = static_cast<StringId>(name->bits);
    out_.events.push_back(event);
    ++span.events.count;
  }
  return {};
}

Verdict Decoder::Reference(element value, model::SpanRecord& span, std::uint32_t position) {
  object fields;
  if (value.get(fields) != simdjson::SUCCESS) return WrongType("a reference", "an object", value);
  std::optional<element> type, trace_id, span_id;
  for (const auto& [key, field] : fields) {
    if (IsNull(field)) continue;
    if (key == "refType") type = field;
    else if (key == "traceID") trace_id = field;
    else if (key == "spanID") span_id = field;
  }
  model::ReferenceRecord reference;
  reference.type = ReferenceType::kChildOf;
  if (type) {
    const auto text = TextOf(*type);
    if (text == "FOLLOWS_FROM") {
      reference.type = ReferenceType::kFollowsFrom;
    } else if (text != "CHILD_OF") {
      return Refusal{"reference type is neither CHILD_OF nor FOLLOWS_FROM",
                     "reference type " + QuoteForMessage(PlainTextOf(*type)) +
                         " is neither CHILD_OF nor FOLLOWS_FROM"};
    }
  }
  reference.trace_id = span.trace_id;
  if (trace_id) {
    if (auto verdict = ReadTraceId(*trace_id, "trace id of a reference", reference.trace_id))
      return verdict;
  }
  if (!span_id) return Refusal{"reference has no spanID", "a reference has no spanID"};
  if (auto verdict = ReadSpanId(*span_id, "span id of a reference", reference.span_id))
    return verdict;
  const bool parent = reference.type == ReferenceType::kChildOf && span.parent_id.empty() &&
                      reference.trace_id == span.trace_id && !reference.span_id.empty();
  if (parent) {
    span.parent_id = reference.span_id;
    span.parent_position = position;
    return {};
  }
  out_.references.push_back(reference);
  ++span.references.count;
  return {};
}

// The references, and the old parentSpanID where none of them says the same.
Verdict Decoder::References(const SpanFields& fields, model::SpanRecord& span) {
  span.references.begin = static_cast<std::uint32_t>(out_.references.size());
  if (fields.references) {
    array list;
    if (fields.references->get(list) != simdjson::SUCCESS)
      return WrongType("references", "a list", *fields.references);
    std::uint32_t position = 0;
    for (const element reference : list) {
      if (auto verdict = Reference(reference, span, position++)) return verdict;
    }
  }
  SpanId old;
  if (fields.parent_span_id && TextOf(*fields.parent_span_id) != "") {
    if (auto verdict = ReadSpanId(*fields.parent_span_id, "parent span id", old)) return verdict;
  }
  if (old.empty() || old == span.parent_id) return {};
  if (!span.parent_id.empty()) {
    const auto begin = out_.references.begin() + span.references.begin;
    for (auto it = begin; it != out_.references.end(); ++it) {
      if (it->type == ReferenceType::kChildOf && it->trace_id == span.trace_id &&
          it->span_id == old) {
        return {};
      }
    }
    model::ReferenceRecord second;
    second.trace_id = span.trace_id;
    second.span_id = span.parent_id;
    second.type = ReferenceType::kChildOf;
    out_.references.insert(begin + span.parent_position, second);
    ++span.references.count;
  }
  span.parent_id = old;
  span.parent_position = 0;
  return {};
}

void Decoder::Span(element value, std::uint64_t index, std::optional<element> trace_id) {
  const auto refuse = [&](const Refusal& refusal) {
    report_.Reject(refusal.reason, "span " + std::to_string(index) + " of trace " + trace_name_ +
                                       ": " + refusal.sentence);
  };
  object object_value;
  if (value.get(object_value) != simdjson::SUCCESS)
    return refuse(WrongType("span", "an object", value));
  const SpanFields fields = ReadSpanFields(object_value);
  model::SpanRecord span;
  if (const auto verdict = Scalars(fields, trace_id, span)) return refuse(*verdict);
  if (const auto verdict = Resource(fields, span.resource)) return refuse(*verdict);
  if (!scope_) {
    scope_ = static_cast<std::uint32_t>(out_.scopes.size());
    out_.scopes.emplace_back();
  }
  span.scope = *scope_;
  const auto mark = out_.mark();
  Verdict verdict = SpanAttributes(fields, span);
  if (!verdict && fields.logs) verdict = Logs(*fields.logs, span);
  if (!verdict) verdict = References(fields, span);
  if (verdict) {
    out_.Rollback(mark);
    return refuse(*verdict);
  }
  out_.spans.push_back(span);
  ++report_.accepted;
}

Status Decoder::Trace(object trace) {
  std::optional<element> id, spans, processes;
  for (const auto& [key, value] : trace) {
    if (IsNull(value)) continue;
    if (key == "traceID") id = value;
    else if (key == "spans") spans = value;
    else if (key == "processes") processes = value;
  }
  trace_name_ = id ? QuoteForMessage(PlainTextOf(*id)) : "without id";
  processes_.clear();
  if (processes) {
    object list;
    if (processes->get(list) != simdjson::SUCCESS)
      return Bad("trace " + trace_name_ + ": processes is not an object");
    for (const auto& [key, value] : list) processes_.insert_or_assign(key, Process{value, {}, {}});
  }
  if (!spans) return {};
  array list;
  if (spans->get(list) != simdjson::SUCCESS)
    return Bad("trace " + trace_name_ + ": spans is not a list");
  std::uint64_t index = 0;
  for (const element span : list) {
    if (stop_.Step()) return stop_.status();
    Span(span, index++, id);
  }
  return {};
}

Status Decoder::Traces(array traces) {
  std::uint64_t index = 0;
  for (const element value : traces) {
    if (stop_.Step()) return stop_.status();
    object trace;
    if (value.get(trace) != simdjson::SUCCESS) {
      return Bad("trace " + std::to_string(index) + " of the list is " + TypeNameOf(value) +
                 ", not an object");
    }
    TS_TRY(Trace(trace));
    ++index;
  }
  return {};
}

Result<model::DecodeReport> Decoder::Run(std::string_view text) {
  JsonTree tree;
  TS_TRY_ASSIGN(const element root, tree.Parse(text, kSendersJson));
  report_.mended_texts = tree.mended_texts();
  array list;
  object top;
  if (root.get(list) == simdjson::SUCCESS) {
    TS_TRY(Traces(list));
  } else if (root.get(top) == simdjson::SUCCESS) {
    element data;
    if (top["data"].get(data) != simdjson::SUCCESS) {
      if (top["spans"].error() != simdjson::SUCCESS)
        return Bad("not Jaeger JSON: no \"data\" and no \"spans\"");
      TS_TRY(Trace(top));
    } else if (data.get(list) == simdjson::SUCCESS) {
      TS_TRY(Traces(list));
    } else if (object one; data.get(one) == simdjson::SUCCESS) {
      TS_TRY(Trace(one));
    } else if (!IsNull(data)) {
      return Bad("not Jaeger JSON: \"data\" is neither list nor object");
    }
  } else {
    return Bad(std::string("not Jaeger JSON: the text is ") + TypeNameOf(root));
  }
  return std::move(report_);
}

}  // namespace

Result<model::DecodeReport> DecodeJaegerJson(std::string_view text, SpanBatch& out,
                                             const StopWhen* stop) {
  const auto mark = out.mark();
  auto result = Decoder(out, stop).Run(text);
  if (!result.has_value()) out.Rollback(mark);
  return result;
}

}  // namespace tracestore::codec
