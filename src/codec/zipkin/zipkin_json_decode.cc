// Zipkin v2 JSON to the model, in Zipkin's normal form (docs/format/zipkin-json.md).
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "base/try.h"
#include "codec/json/json_dom.h"
#include "codec/json/json_error.h"
#include "codec/json/resource_pool.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_text.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using model::StringId;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

constexpr std::uint64_t kMaxMicros = std::numeric_limits<std::uint64_t>::max() / 1000;
constexpr std::string_view kV1 = "Expected a JSON_V2 encoded list, but received: JSON_V1";

// What is wrong with a span: a fixed text to count, a sentence with the value, and Zipkin's own.
struct Refusal {
  std::string reason;
  std::string sentence;
  std::string zipkin;
};
using Verdict = std::optional<Refusal>;  // nullopt: nothing is wrong

// A span as it is read. Views point into the JSON tree.
struct Draft {
  std::optional<TraceId> trace_id;
  std::optional<SpanId> id;
  SpanId parent_id;
  SpanKind kind = SpanKind::kUnspecified;
  std::string name;
  std::uint64_t timestamp_us = 0;
  std::uint64_t duration_us = 0;
  ZipkinEndpoint local;
  ZipkinEndpoint remote;
  std::vector<std::pair<std::uint64_t, std::string>> annotations;
  std::vector<std::pair<std::string_view, std::string>> tags;
  bool debug = false;
  bool shared = false;
};

Refusal WrongType(const std::string& what, const char* wanted, element value) {
  return {what + " is not " + wanted, what + " is " + TypeNameOf(value) + ", not " + wanted,
          "Malformed"};
}

bool IsNull(element value) { return value.type() == element_type::NULL_VALUE; }

// Text, numbers and, in files, booleans.
Verdict ReadText(element value, const std::string& what, bool strict, std::string& out) {
  switch (value.type()) {
    case element_type::BOOL:
      if (strict)
        return Refusal{what + " is not a string", what + " is a boolean, not a string",
                       "Expected a string but was BOOLEAN"};
      break;
    case element_type::NULL_VALUE:
      return Refusal{what + " is not a string", what + " is null, not a string",
                     "Expected a string but was NULL"};
    case element_type::ARRAY:
    case element_type::OBJECT: {
      const bool list = value.type() == element_type::ARRAY;
      return Refusal{what + " is not a string",
                     what + " is " + TypeNameOf(value) + ", not a string",
                     std::string("Expected a string but was BEGIN_") + (list ? "ARRAY" : "OBJECT")};
    }
    default: break;
  }
  out = PlainTextOf(value);
  return {};
}

// The hex digits of an id of at most `most` digits, checked in Zipkin's order.
Verdict CheckId(const std::string& text, const std::string& what, const std::string& field,
                std::size_t most, bool strict) {
  const std::string quoted = QuoteForMessage(text);
  const std::string rule = what + " is not 1 to " + std::to_string(most) + " hexadecimal digits";
  const std::string sentence =
      what + " " + quoted + " is not 1 to " + std::to_string(most) + " hexadecimal digits";
  if (text.empty()) return Refusal{rule, sentence, field + " is empty"};
  if (text.size() > most)
    return Refusal{rule, sentence, field + ".length > " + std::to_string(most)};
  const bool right = std::all_of(text.begin(), text.end(), [strict](char c) {
    return base::HexDigit(c) >= 0 && !(strict && c >= 'A' && c <= 'F');
  });
  if (!right)
    return Refusal{rule, sentence, text + " should be lower-hex encoded with no prefix"};
  return {};
}

Verdict ReadTraceId(element value, bool strict, Draft& span) {
  std::string text;
  if (auto verdict = ReadText(value, "traceId", strict, text)) return verdict;
  if (auto verdict = CheckId(text, "trace id", "traceId", 32, strict)) return verdict;
  const auto id = TraceId::FromHex(text).value_or(TraceId{});
  if (id.empty())
    return Refusal{"trace id is all zeros", "its trace id is all zeros", "traceId is all zeros"};
  span.trace_id = id;
  return {};
}

Verdict ReadSpanId(element value, bool strict, Draft& span) {
  std::string text;
  if (auto verdict = ReadText(value, "id", strict, text)) return verdict;
  if (auto verdict = CheckId(text, "span id", "id", 16, strict)) return verdict;
  const auto id = SpanId::FromHex(text).value_or(SpanId{});
  if (id.empty())
    return Refusal{"span id is all zeros", "its span id is all zeros", "id is all zeros"};
  span.id = id;
  return {};
}

Verdict ReadParentId(element value, bool strict, Draft& span) {
  std::string text;
  if (auto verdict = ReadText(value, "parentId", strict, text)) return verdict;
  if (auto verdict = CheckId(text, "parent id", "parentId", 16, strict)) return verdict;
  span.parent_id = SpanId::FromHex(text).value_or(SpanId{});
  return {};
}

Verdict ReadKind(element value, bool strict, Draft& span) {
  std::string text;
  if (auto verdict = ReadText(value, "kind", strict, text)) return verdict;
  constexpr std::pair<std::string_view, SpanKind> kKinds[] = {{"CLIENT", SpanKind::kClient},
                                                              {"SERVER", SpanKind::kServer},
                                                              {"PRODUCER", SpanKind::kProducer},
                                                              {"CONSUMER", SpanKind::kConsumer}};
  for (const auto& [name, kind] : kKinds) {
    if (text != name) continue;
    span.kind = kind;
    return {};
  }
  return Refusal{"kind is unknown",
                 "kind " + QuoteForMessage(text) + " is none of CLIENT, SERVER, PRODUCER, CONSUMER",
                 "No enum constant zipkin2.Span.Kind." + text};
}

// A whole number of microseconds. Zero and less stand for "absent", unless `negative_is_bad`.
Verdict ReadMicros(element value, const std::string& what, bool negative_is_bad,
                   std::uint64_t& out) {
  const auto micros = IntegerOf(value);
  const bool too_big = micros && *micros > 0 && static_cast<std::uint64_t>(*micros) > kMaxMicros;
  if (!micros || too_big || (negative_is_bad && *micros < 0)) {
    const std::string text = PlainTextOf(value);
    return Refusal{what + " is no number of microseconds",
                   what + " " + QuoteForMessage(text) + " is no number of microseconds",
                   "For input string: \"" + text + "\""};
  }
  out = *micros > 0 ? static_cast<std::uint64_t>(*micros) : 0;
  return {};
}

Verdict ReadEndpoint(element value, const std::string& what, bool strict, ZipkinEndpoint& out) {
  object fields;
  if (value.get(fields) != simdjson::SUCCESS) return WrongType(what, "an object", value);
  out = {};
  for (const auto& [key, field] : fields) {
    if (IsNull(field)) continue;
    std::string text;
    if (key == "serviceName") {
      if (auto verdict = ReadText(field, "serviceName", strict, text)) return verdict;
      out.service = ZipkinLowerCase(text);
    } else if (key == "ipv4" || key == "ipv6") {
      if (auto verdict = ReadText(field, std::string(key), strict, text)) return verdict;
      out.SetAddress(text);  // no address: absent, as in Zipkin
    } else if (key == "port") {
      const auto port = IntegerOf(field);
      if (!port || *port > 0xFFFF) {
        const std::string shown = PlainTextOf(field);
        return Refusal{"port is no number up to 65535",
                       "port " + QuoteForMessage(shown) + " is no number up to 65535",
                       port ? "invalid port " + shown : "For input string: \"" + shown + "\""};
      }
      out.port = static_cast<std::uint16_t>(std::max<std::int64_t>(*port, 0));
    }
  }
  return {};
}

Verdict ReadAnnotations(element value, bool strict, Draft& span) {
  array list;
  if (value.get(list) != simdjson::SUCCESS) return WrongType("annotations", "a list", value);
  for (const element item : list) {
    object fields;
    if (item.get(fields) != simdjson::SUCCESS) return WrongType("an annotation", "an object", item);
    std::optional<std::uint64_t> timestamp;
    std::optional<std::string> text;
    for (const auto& [key, field] : fields) {
      if (key == "timestamp" && !IsNull(field)) {
        if (auto verdict = ReadMicros(field, "annotation timestamp", true, timestamp.emplace()))
          return verdict;
      } else if (key == "value" && !IsNull(field)) {
        if (auto verdict = ReadText(field, "annotation value", strict, text.emplace()))
          return verdict;
      } else if (key == "endpoint" && !strict) {
        return Refusal{"span is Zipkin v1", "it is a Zipkin v1 span (annotation with an endpoint)",
                       std::string(kV1)};
      }
    }
    if (!timestamp || !text) {
      return Refusal{"annotation lacks timestamp or value",
                     "an annotation lacks timestamp or value", "Incomplete annotation"};
    }
    span.annotations.emplace_back(*timestamp, *std::move(text));
  }
  return {};
}

Verdict ReadTags(element value, bool strict, Draft& span) {
  object tags;
  if (value.get(tags) != simdjson::SUCCESS) return WrongType("tags", "an object", value);
  for (const auto& [key, field] : tags) {
    if (IsNull(field)) {
      return Refusal{"tag without value", "tag " + QuoteForMessage(key) + " has no value",
                     "No value at $.tags." + std::string(key)};
    }
    std::string text;
    if (auto verdict = ReadText(field, "a tag's value", strict, text)) return verdict;
    span.tags.emplace_back(key, std::move(text));
  }
  return {};
}

Verdict ReadFlag(element value, const std::string& what, bool& out) {
  const auto flag = BoolOf(value);
  if (!flag) {
    return Refusal{what + " is not true or false",
                   what + " " + QuoteForMessage(PlainTextOf(value)) + " is not true or false",
                   "Expected a boolean but was " + PlainTextOf(value)};
  }
  out = *flag;
  return {};
}

Verdict ReadField(std::string_view key, element value, bool strict, Draft& span) {
  if (key == "traceId") return ReadTraceId(value, strict, span);
  if (key == "id") return ReadSpanId(value, strict, span);
  if (IsNull(value)) return {};
  if (key == "parentId") return ReadParentId(value, strict, span);
  if (key == "kind") return ReadKind(value, strict, span);
  if (key == "name") {
    std::string text;
    if (auto verdict = ReadText(value, "name", strict, text)) return verdict;
    span.name = ZipkinLowerCase(text);
    return {};
  }
  if (key == "timestamp") return ReadMicros(value, "timestamp", false, span.timestamp_us);
  if (key == "duration") return ReadMicros(value, "duration", false, span.duration_us);
  if (key == "localEndpoint") return ReadEndpoint(value, "localEndpoint", strict, span.local);
  if (key == "remoteEndpoint") return ReadEndpoint(value, "remoteEndpoint", strict, span.remote);
  if (key == "annotations") return ReadAnnotations(value, strict, span);
  if (key == "tags") return ReadTags(value, strict, span);
  if (key == "debug") return ReadFlag(value, "debug", span.debug);
  if (key == "shared") return ReadFlag(value, "shared", span.shared);
  if (key == "binaryAnnotations") {
    return Refusal{"span is Zipkin v1", "it is a Zipkin v1 span (binaryAnnotations)",
                   std::string(kV1)};
  }
  return {};
}

Verdict ReadSpan(element value, bool strict, Draft& span) {
  object fields;
  if (value.get(fields) != simdjson::SUCCESS) return WrongType("span", "an object", value);
  for (const auto& [key, field] : fields) {
    if (auto verdict = ReadField(key, field, strict, span)) return verdict;
  }
  if (!span.trace_id || !span.id) {
    const std::string missing = std::string(span.trace_id ? "" : " traceId") +
                                (span.id ? "" : " id");
    return Refusal{"span without" + missing, "it is without" + missing, "Missing :" + missing};
  }
  return {};
}

class Decoder {
 public:
  Decoder(SpanBatch& out, const ZipkinJsonOptions& options)
      : out_(out), options_(options), pool_(out) {}

  Result<model::DecodeReport> Run(std::string_view text);

 private:
  Status Take(element value);
  void Append(Draft& span);
  std::uint32_t Resource(const ZipkinEndpoint& local);
  void Endpoint(const ZipkinEndpoint& endpoint, std::string_view service, std::string_view ip,
                std::string_view port);
  void Attributes(Draft& span, model::SpanRecord& record);
  void Annotations(Draft& span, model::SpanRecord& record);
  StringId Key(std::string_view text) { return out_.strings.Intern(text); }

  SpanBatch& out_;
  const ZipkinJsonOptions& options_;
  ResourcePool pool_;
  std::optional<std::uint32_t> scope_;
  std::uint64_t index_ = 0;
  model::DecodeReport report_;
};

// An endpoint as synthetic attributes, in the order service, IPv4, IPv6, port.
void Decoder::Endpoint(const ZipkinEndpoint& endpoint, std::string_view service,
                       std::string_view ip, std::string_view port) {
  if (!endpoint.service.empty()) out_.AddString(Key(service), endpoint.service, true);
  if (!endpoint.ipv4.empty()) out_.AddString(Key(ip), endpoint.ipv4, true);
  if (!endpoint.ipv6.empty()) out_.AddString(Key(ip), endpoint.ipv6, true);
  if (endpoint.port != 0) out_.AddInt(Key(port), endpoint.port, true);
}

std::uint32_t Decoder::Resource(const ZipkinEndpoint& local) {
  const auto mark = out_.mark();
  Endpoint(local, "service.name", "net.host.ip", "net.host.port");
  return pool_.Add(mark, Origin::kZipkin);
}

void Decoder::Attributes(Draft& span, model::SpanRecord& record) {
  record.attributes.begin = static_cast<std::uint32_t>(out_.attributes.size());
  std::stable_sort(span.tags.begin(), span.tags.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < span.tags.size(); ++i) {
    const auto& [key, value] = span.tags[i];
    const bool last = i + 1 == span.tags.size() || span.tags[i + 1].first != key;
    if (!last) continue;
    out_.AddString(Key(key), value);
    if (key == "error" && value != "false") {
      record.status = StatusCode::kError;
      record.status_message = out_.strings.Intern(value);
    }
  }
  Endpoint(span.remote, "peer.service", "net.peer.ip", "net.peer.port");
  // A client doesn't share its span: the server that joins it does.
  if (span.shared && span.kind != SpanKind::kClient)
    out_.AddBool(Key("zipkin.shared"), true, true);
  if (span.debug) {
    out_.AddBool(Key("zipkin.debug"), true, true);
    record.flags |= model::kFlagDebug;
  }
  record.attributes.count =
      static_cast<std::uint32_t>(out_.attributes.size()) - record.attributes.begin;
}

void Decoder::Annotations(Draft& span, model::SpanRecord& record) {
  std::sort(span.annotations.begin(), span.annotations.end());
  span.annotations.erase(std::unique(span.annotations.begin(), span.annotations.end()),
                         span.annotations.end());
  record.events.begin = static_cast<std::uint32_t>(out_.events.size());
  record.events.count = static_cast<std::uint32_t>(span.annotations.size());
  for (const auto& [timestamp_us, value] : span.annotations) {
    model::EventRecord event;
    event.time_ns = timestamp_us * 1000;
    event.name = out_.strings.Intern(value);
    event.attributes.begin = static_cast<std::uint32_t>(out_.attributes.size());
    out_.events.push_back(event);
  }
}

void Decoder::Append(Draft& span) {
  if (!scope_) {
    scope_ = static_cast<std::uint32_t>(out_.scopes.size());
    out_.scopes.emplace_back();
  }
  model::SpanRecord record;
  record.trace_id = *span.trace_id;
  record.span_id = *span.id;
  if (span.parent_id != record.span_id) record.parent_id = span.parent_id;
  record.kind = span.kind;
  record.name = out_.strings.Intern(span.name);
  record.start_ns = span.timestamp_us * 1000;
  record.duration_ns = span.duration_us * 1000;
  if (span.timestamp_us != 0) record.presence |= model::kHasStart;
  if (span.duration_us != 0) record.presence |= model::kHasDuration;
  record.resource = Resource(span.local);
  record.scope = *scope_;
  Attributes(span, record);
  Annotations(span, record);
  record.references.begin = static_cast<std::uint32_t>(out_.references.size());
  out_.spans.push_back(record);
  ++report_.accepted;
}

Status Decoder::Take(element value) {
  Draft span;
  const std::uint64_t index = index_++;
  const auto verdict = ReadSpan(value, options_.strict, span);
  if (!verdict) {
    Append(span);
    return {};
  }
  if (options_.strict) {
    const bool v1 = verdict->zipkin == kV1;
    return Error(ErrorCode::kInvalidArgument,
                 verdict->zipkin + (v1 ? "" : " reading List<Span> from json"));
  }
  std::string name = "span " + std::to_string(index);
  if (span.trace_id) name += " of trace " + span.trace_id->ToShortHex();
  report_.Reject(verdict->reason, name + ": " + verdict->sentence);
  return {};
}

Result<model::DecodeReport> Decoder::Run(std::string_view text) {
  JsonTree tree;
  auto parsed = tree.Parse(text);
  if (!parsed.has_value()) {
    if (!options_.strict) return std::move(parsed).error();
    return Error(ErrorCode::kInvalidArgument, "Malformed reading List<Span> from json");
  }
  const element root = *parsed;
  array list;
  if (root.get(list) == simdjson::SUCCESS) {
    for (const element item : list) {
      array inner;
      if (options_.strict || item.get(inner) != simdjson::SUCCESS) {
        TS_TRY(Take(item));
        continue;
      }
      for (const element span : inner) TS_TRY(Take(span));
    }
    return std::move(report_);
  }
  if (options_.strict)
    return Error(ErrorCode::kInvalidArgument, "Expected a JSON_V2 encoded list");
  object one;
  if (root.get(one) != simdjson::SUCCESS) {
    return Error(ErrorCode::kInvalidArgument,
                 std::string("not Zipkin JSON: the text is ") + TypeNameOf(root));
  }
  if (one["traceId"].error() != simdjson::SUCCESS && one["id"].error() != simdjson::SUCCESS)
    return Error(ErrorCode::kInvalidArgument, "not Zipkin JSON: neither a list nor a span");
  TS_TRY(Take(root));
  return std::move(report_);
}

}  // namespace

Result<model::DecodeReport> DecodeZipkinJson(std::string_view text, SpanBatch& out,
                                             const ZipkinJsonOptions& options) {
  const auto mark = out.mark();
  auto result = Decoder(out, options).Run(text);
  if (!result.has_value()) out.Rollback(mark);
  return result;
}

}  // namespace tracestore::codec
