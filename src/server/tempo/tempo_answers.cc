// Field numbers of the messages: docs/format/tempo-api.md, "Messages".
#include "server/tempo/tempo_answers.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "assembly/duplicates.h"
#include "codec/json/json_writer.h"
#include "codec/otlp/json_encoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/wire/wire_reader.h"
#include "model/span_batch.h"

namespace tracestore::server {
namespace {

using codec::JsonWriter;
using codec::WireWriter;

constexpr const char* kProtobufType = "application/protobuf";
constexpr std::string_view kNoRoot = "<root span not yet received>";
constexpr std::uint64_t kNsPerMs = 1'000'000;

// The rows of distinct spans, so that those of one resource, and in it of one scope, are
// neighbours.
std::vector<std::uint32_t> GroupedRows(const model::SpanBatch& batch) {
  std::vector<std::uint32_t> rows = assembly::FindDistinct(batch).rows;
  std::stable_sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) {
    const model::SpanRecord& x = batch.spans[a];
    const model::SpanRecord& y = batch.spans[b];
    return std::pair(x.resource, x.scope) < std::pair(y.resource, y.scope);
  });
  return rows;
}

// Hex without leading zeros.
std::string ShortestHex(TraceId id) {
  std::string hex = id.ToHex();
  hex.erase(0, std::min(hex.find_first_not_of('0'), hex.size() - 1));
  return hex;
}

std::uint32_t MillisecondsOf(std::uint64_t ns) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(ns / kNsPerMs, kMost));
}

std::string_view RootService(const TempoFound& found) {
  return found.has_root ? std::string_view(found.summary.root_service) : kNoRoot;
}

void Text(JsonWriter& json, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  json.Key(key);
  json.String(text);
}
void Number(JsonWriter& json, std::string_view key, std::uint64_t value) {
  if (value == 0) return;
  json.Key(key);
  json.Uint(value);
}
void Digits(JsonWriter& json, std::string_view key, std::uint64_t value) {
  if (value == 0) return;
  json.Key(key);
  json.UintString(value);
}
void NoMetrics(JsonWriter& json) {
  json.Key("metrics");
  json.BeginObject();
  json.EndObject();
}

void WriteSpanSet(const TempoFound& found, JsonWriter& json) {
  json.BeginObject();
  json.Key("spans");
  json.BeginArray();
  for (const TempoFound::Span& span : found.spans) {
    json.BeginObject();
    Text(json, "spanID", span.id.ToHex());
    Digits(json, "startTimeUnixNano", span.start_ns);
    Digits(json, "durationNanos", span.duration_ns);
    json.EndObject();
  }
  json.EndArray();
  Number(json, "matched", found.matched);
  json.EndObject();
}

void WriteFound(const TempoFound& found, bool by_query, JsonWriter& json) {
  const TraceSummary& summary = found.summary;
  json.BeginObject();
  Text(json, "traceID", ShortestHex(summary.trace_id));
  Text(json, "rootServiceName", RootService(found));
  if (found.has_root) Text(json, "rootTraceName", summary.root_operation);
  Digits(json, "startTimeUnixNano", summary.start_ns);
  Number(json, "durationMs", MillisecondsOf(summary.duration_ns()));
  if (by_query) {
    json.Key("spanSet");
    WriteSpanSet(found, json);
    json.Key("spanSets");
    json.BeginArray();
    WriteSpanSet(found, json);
    json.EndArray();
    json.Key("serviceStats");
    json.BeginObject();
    for (const TraceSummary::Service& service : summary.services) {
      json.Key(service.name);
      json.BeginObject();
      Number(json, "spanCount", service.span_count);
      Number(json, "errorCount", service.error_count);
      json.EndObject();
    }
    json.EndObject();
  }
  json.EndObject();
}

void WriteSpanSet(const TempoFound& found, std::uint32_t field, WireWriter& wire) {
  const std::size_t set = wire.Begin(field);
  for (const TempoFound::Span& span : found.spans) {
    const std::size_t begin = wire.Begin(1);
    wire.Bytes(1, span.id.ToHex());
    wire.Uint(3, span.start_ns);
    wire.Uint(4, span.duration_ns);
    wire.End(begin);
  }
  wire.Uint(2, found.matched);
  wire.End(set);
}

void WriteFound(const TempoFound& found, bool by_query, WireWriter& wire) {
  const TraceSummary& summary = found.summary;
  const std::size_t begin = wire.Begin(1);
  wire.Bytes(1, ShortestHex(summary.trace_id));
  wire.Bytes(2, RootService(found));
  if (found.has_root) wire.Bytes(3, summary.root_operation);
  wire.Uint(4, summary.start_ns);
  wire.Uint(5, MillisecondsOf(summary.duration_ns()));
  if (by_query) {
    WriteSpanSet(found, 6, wire);
    WriteSpanSet(found, 7, wire);
    for (const TraceSummary::Service& service : summary.services) {
      const std::size_t entry = wire.Begin(8);
      wire.Bytes(1, service.name);
      const std::size_t stats = wire.Begin(2);
      wire.Uint(1, service.span_count);
      wire.Uint(2, service.error_count);
      wire.End(stats);
      wire.End(entry);
    }
  }
  wire.End(begin);
}

// {"key":[…],"metrics":{}}
template <typename Write>
std::string JsonList(std::string_view key, const Write& write) {
  std::string body;
  JsonWriter json(body);
  json.BeginObject();
  json.Key(key);
  json.BeginArray();
  write(json);
  json.EndArray();
  NoMetrics(json);
  json.EndObject();
  return body;
}

std::string Texts(std::string_view key, const std::vector<std::string>& texts, TempoForm form) {
  if (form == TempoForm::kJson) {
    return JsonList(key, [&](JsonWriter& json) {
      for (const std::string& text : texts) json.String(text);
    });
  }
  std::string body;
  WireWriter wire(body);
  for (const std::string& text : texts) wire.BytesAlways(1, text);
  return body;
}

}  // namespace

TempoForm TempoFormOf(const net::HttpRequest& request) noexcept {
  return request.header("Accept").find(kProtobufType) != std::string_view::npos
             ? TempoForm::kProtobuf
             : TempoForm::kJson;
}

net::HttpResponse TempoAnswer(TempoForm form, std::string body) {
  net::HttpResponse response = net::HttpResponse::Json(200, std::move(body));
  if (form == TempoForm::kProtobuf) response.content_type = kProtobufType;
  return response;
}

net::HttpResponse TempoSentence(int status, std::string sentence) {
  return net::HttpResponse::Text(status, std::move(sentence));
}

net::HttpResponse TempoFailure(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument: return TempoSentence(400, error.message());
    case ErrorCode::kUnsupported: return TempoSentence(501, error.message());
    case ErrorCode::kCancelled: return TempoSentence(504, error.message());
    default: return TempoSentence(500, error.message());
  }
}

std::string TempoTrace(const SpanList& spans, TempoForm form) {
  const model::SpanBatch& batch = *spans.batch();
  const auto rows = GroupedRows(batch);
  std::string body;
  if (form == TempoForm::kProtobuf) {
    codec::EncodeOtlpProtobuf(batch, rows, body);
    return body;
  }
  JsonWriter json(body);
  json.BeginObject();
  json.Key("batches");
  codec::WriteProtoJsonResourceSpans(batch, rows, json);
  json.EndObject();
  return body;
}

std::string TempoTraceById(const SpanList& spans, TempoForm form) {
  std::vector<std::uint32_t> rows;
  if (!spans.empty()) rows = GroupedRows(*spans.batch());
  std::string body;
  if (form == TempoForm::kProtobuf) {
    WireWriter wire(body);
    const std::size_t trace = wire.Begin(1);
    if (!rows.empty()) codec::EncodeOtlpProtobuf(*spans.batch(), rows, body);
    wire.End(trace);
    wire.End(wire.Begin(2));  // metrics, of which none is told
    return body;
  }
  JsonWriter json(body);
  json.BeginObject();
  json.Key("trace");
  json.BeginObject();
  if (!rows.empty()) {
    json.Key("resourceSpans");
    codec::WriteProtoJsonResourceSpans(*spans.batch(), rows, json);
  }
  json.EndObject();
  NoMetrics(json);
  json.EndObject();
  return body;
}

void TempoSearchWriter::Begin(std::string& out) const {
  if (form_ == TempoForm::kJson) out += "{\"traces\":[";
}

void TempoSearchWriter::Append(const TempoFound& found, std::string& out) {
  if (form_ == TempoForm::kProtobuf) {
    WireWriter wire(out);
    return WriteFound(found, by_query_, wire);
  }
  if (any_) out += ',';
  any_ = true;
  JsonWriter json(out);
  WriteFound(found, by_query_, json);
}

void TempoSearchWriter::End(std::string& out) const {
  if (form_ == TempoForm::kJson) {
    out += "],\"metrics\":{\"completedJobs\":1,\"totalJobs\":1}}";
    return;
  }
  WireWriter wire(out);
  const std::size_t metrics = wire.Begin(2);
  wire.Uint(4, 1);
  wire.Uint(5, 1);
  wire.End(metrics);
}

std::string TempoTagNames(const std::vector<std::string>& names, TempoForm form) {
  return Texts("tagNames", names, form);
}

std::string TempoTagValues(const std::vector<std::string>& values, TempoForm form) {
  return Texts("tagValues", values, form);
}

std::string TempoTagNamesV2(const TempoScopeNames& scopes, TempoForm form) {
  if (form == TempoForm::kJson) {
    return JsonList("scopes", [&](JsonWriter& json) {
      for (const auto& [scope, tags] : scopes) {
        json.BeginObject();
        Text(json, "name", scope);
        json.Key("tags");
        json.BeginArray();
        for (const std::string& tag : tags) json.String(tag);
        json.EndArray();
        json.EndObject();
      }
    });
  }
  std::string body;
  WireWriter wire(body);
  for (const auto& [scope, tags] : scopes) {
    const std::size_t begin = wire.Begin(1);
    wire.Bytes(1, scope);
    for (const std::string& tag : tags) wire.BytesAlways(2, tag);
    wire.End(begin);
  }
  return body;
}

std::string TempoTagValuesV2(const TempoValues& values, TempoForm form) {
  if (form == TempoForm::kJson) {
    return JsonList("tagValues", [&](JsonWriter& json) {
      for (const auto& [type, text] : values) {
        json.BeginObject();
        Text(json, "type", type);
        Text(json, "value", text);
        json.EndObject();
      }
    });
  }
  std::string body;
  WireWriter wire(body);
  for (const auto& [type, text] : values) {
    const std::size_t begin = wire.Begin(1);
    wire.Bytes(1, type);
    wire.Bytes(2, text);
    wire.End(begin);
  }
  return body;
}

}  // namespace tracestore::server
