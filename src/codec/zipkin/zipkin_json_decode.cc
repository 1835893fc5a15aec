// Zipkin v2 JSON to the model, in Zipkin's normal form (docs/format/zipkin-json.md).
#include <algorithm>
#include <utility>

#include "base/stop.h"
#include "base/try.h"
#include "codec/json/json_error.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_json_fields.h"
#include "codec/zipkin/zipkin_json_plain.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kV1 = "Expected a JSON_V2 encoded list, but received: JSON_V1";

class Decoder {
 public:
  Decoder(SpanBatch& out, const ZipkinJsonOptions& options)
      : in_(options.strict), appender_(out), stop_(options.stop) {}

  Result<model::DecodeReport> Run(std::string_view text);

 private:
  Status Take(element value);
  bool ReadSpan(element value);
  bool ReadField(std::string_view key, element value);
  bool ReadKind(element value);
  bool ReadTime(element value, const char* what, std::uint64_t& out);
  bool ReadAnnotations(element value);
  bool ReadAnnotation(element value, std::size_t number);
  bool ReadTags(element value);
  bool IsV1(const char* how);
  // Where the value stands, as Zipkin's JSON reader names it.
  std::string Path() const { return "$[" + std::to_string(index_) + "]"; }

  JsonTree tree_;
  ZipkinFieldReader in_;  // before the appender, which borrows its texts
  ZipkinAppender appender_;
  ZipkinSpan span_;
  bool has_trace_id_ = false;
  bool has_id_ = false;
  std::uint64_t index_ = 0;
  StopCheck stop_;
  model::DecodeReport report_;
};

bool Decoder::IsV1(const char* how) {
  return in_.Refuse("span is Zipkin v1", std::string("it is a Zipkin v1 span (") + how + ")",
                    std::string(kV1));
}

bool Decoder::ReadKind(element value) {
  std::string_view text;
  if (!in_.Text(value, "kind", text)) return false;
  if (const auto kind = ZipkinKindOf(text)) {
    span_.kind = *kind;
    return true;
  }
  return in_.Refuse(
      "kind is unknown",
      "kind " + QuoteForMessage(text) + " is none of CLIENT, SERVER, PRODUCER, CONSUMER",
      "No enum constant zipkin2.Span.Kind." + std::string(text));
}

// Zero and less stand for "absent".
bool Decoder::ReadTime(element value, const char* what, std::uint64_t& out) {
  std::int64_t micros = 0;
  if (!in_.Micros(value, what, micros)) return false;
  out = static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0));
  return true;
}

bool Decoder::ReadAnnotation(element value, std::size_t number) {
  object fields;
  if (!in_.Object(value, "an annotation", fields)) return false;
  bool has_timestamp = false;
  bool has_value = false;
  ZipkinAnnotation annotation;
  std::string_view last_key;
  for (const auto& [key, field] : fields) {
    last_key = key;
    if (IsKey(key, "timestamp") && !IsNull(field)) {
      if (!ReadTime(field, "annotation timestamp", annotation.timestamp_us)) return false;
      has_timestamp = true;
    } else if (IsKey(key, "value") && !IsNull(field)) {
      if (!in_.Text(field, "annotation value", annotation.value)) return false;
      has_value = true;
    } else if (IsKey(key, "endpoint") && !in_.strict()) {
      return IsV1("annotation with an endpoint");
    }
  }
  if (!has_timestamp || !has_value) {
    return in_.Refuse("annotation lacks timestamp or value",
                      "an annotation lacks timestamp or value",
                      "Incomplete annotation at " + Path() + ".annotations[" +
                          std::to_string(number) + "]." + std::string(last_key));
  }
  span_.annotations.push_back(annotation);
  return true;
}

bool Decoder::ReadAnnotations(element value) {
  array list;
  if (!in_.List(value, "annotations", list)) return false;
  std::size_t number = 0;
  for (const element item : list)
    if (!ReadAnnotation(item, number++)) return false;
  return true;
}

bool Decoder::ReadTags(element value) {
  object tags;
  if (!in_.Object(value, "tags", tags)) return false;
  for (const auto& [key, field] : tags) {
    if (IsNull(field)) {
      return in_.Refuse("tag without value", "tag " + QuoteForMessage(key) + " has no value",
                        "No value at " + Path() + ".tags." + std::string(key));
    }
    std::string_view text;
    if (!in_.Text(field, "a tag's value", text)) return false;
    span_.tags.push_back({key, text});
  }
  return true;
}

bool Decoder::ReadField(std::string_view key, element value) {
  TraceId id;
  if (IsKey(key, "traceId")) {
    if (!in_.Id(value, "trace id", "traceId", 32, false, span_.trace_id)) return false;
    has_trace_id_ = true;
    return !span_.trace_id.empty() ||
           in_.Refuse("trace id is all zeros", "its trace id is all zeros", "traceId is all zeros");
  }
  if (IsKey(key, "id")) {
    if (!in_.Id(value, "span id", "id", 16, false, id)) return false;
    span_.id = {id.low};
    has_id_ = true;
    return !span_.id.empty() ||
           in_.Refuse("span id is all zeros", "its span id is all zeros", "id is all zeros");
  }
  if (IsNull(value)) return true;
  if (IsKey(key, "parentId")) {
    if (!in_.Id(value, "parent id", "parentId", 16, false, id)) return false;
    span_.parent_id = {id.low};
    return true;
  }
  if (IsKey(key, "kind")) return ReadKind(value);
  if (IsKey(key, "name")) return in_.Text(value, "name", span_.name);
  if (IsKey(key, "timestamp")) return ReadTime(value, "timestamp", span_.timestamp_us);
  if (IsKey(key, "duration")) return ReadTime(value, "duration", span_.duration_us);
  if (IsKey(key, "localEndpoint")) return in_.Endpoint(value, "localEndpoint", span_.local);
  if (IsKey(key, "remoteEndpoint")) return in_.Endpoint(value, "remoteEndpoint", span_.remote);
  if (IsKey(key, "annotations")) return ReadAnnotations(value);
  if (IsKey(key, "tags")) return ReadTags(value);
  if (IsKey(key, "debug")) return in_.Flag(value, "debug", span_.debug);
  if (IsKey(key, "shared")) return in_.Flag(value, "shared", span_.shared);
  if (IsKey(key, "binaryAnnotations")) return IsV1("binaryAnnotations");
  return true;
}

bool Decoder::ReadSpan(element value) {
  span_.Clear();
  has_trace_id_ = false;
  has_id_ = false;
  object fields;
  if (!in_.Object(value, "span", fields)) return false;
  for (const auto& [key, field] : fields)
    if (!ReadField(key, field)) return false;
  if (has_trace_id_ && has_id_) return true;
  const std::string missing = std::string(has_trace_id_ ? "" : " traceId") + (has_id_ ? "" : " id");
  return in_.Refuse("span without" + missing, "it is without" + missing, "Missing :" + missing);
}

// At least about what spans of clients take, and less memory than the text has; what is more grows.
void ReserveFor(std::size_t bytes, SpanBatch& out) {
  SpanBatch::Mark counts{};
  counts.spans = bytes / 1024;
  counts.attributes = bytes / 96;
  out.Reserve(counts);
  out.strings.Reserve(bytes / 256, bytes / 8);
}

Status Decoder::Take(element value) {
  if (stop_.Step()) return stop_.status();
  if (ReadSpan(value)) {
    appender_.Append(span_);
    ++report_.accepted;
    ++index_;
    return {};
  }
  const ZipkinRefusal& refusal = in_.refusal();
  if (in_.strict()) {
    const bool v1 = refusal.zipkin == kV1;
    return Error(ErrorCode::kInvalidArgument,
                 refusal.zipkin + (v1 ? "" : " reading List<Span> from json"));
  }
  report_.Reject(refusal.reason, NameZipkinSpan(index_++, span_.trace_id, refusal.sentence));
  return {};
}

Result<model::DecodeReport> Decoder::Run(std::string_view text) {
  auto parsed = tree_.Parse(text, ZipkinMending(in_.strict()));
  if (!parsed.has_value()) {
    if (!in_.strict()) return std::move(parsed).error();
    return ZipkinNoJson(text);
  }
  report_.mended_texts = tree_.mended_texts();
  const element root = *parsed;
  array list;
  if (root.get(list) == simdjson::SUCCESS) {
    for (const element item : list) {
      array inner;
      if (in_.strict() || item.get(inner) != simdjson::SUCCESS) {
        TS_TRY(Take(item));
        continue;
      }
      for (const element span : inner) TS_TRY(Take(span));
    }
    return std::move(report_);
  }
  if (in_.strict()) return Error(ErrorCode::kInvalidArgument, "Expected a JSON_V2 encoded list");
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
  if (out.spans.empty()) ReserveFor(text.size(), out);
  auto plain = DecodePlainZipkinJson(text, out, options);
  if (plain.has_value() && plain->has_value()) return **std::move(plain);
  out.Rollback(mark);
  if (!plain.has_value()) return std::move(plain).error();
  auto result = Decoder(out, options).Run(text);
  if (!result.has_value()) out.Rollback(mark);
  return result;
}

}  // namespace tracestore::codec
