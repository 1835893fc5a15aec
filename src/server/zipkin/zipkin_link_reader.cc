#include "server/zipkin/zipkin_link_reader.h"

#include <algorithm>
#include <utility>

#include "assembly/trace_graph.h"
#include "base/try.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_text.h"
#include "model/text.h"
#include "server/zipkin/zipkin_answers.h"
#include "server/zipkin/zipkin_search.h"

namespace tracestore::server {
namespace {

using model::SpanBatch;

bool IsZipkin(const SpanBatch& batch, std::uint32_t row) {
  return batch.resources[batch.spans[row].resource].origin == Origin::kZipkin;
}

}  // namespace

std::vector<std::string> ZipkinLinkKeys() {
  std::vector<std::string> keys = {"error", "zipkin.shared"};
  for (const std::string_view key : codec::ZipkinPeerNameKeys()) keys.emplace_back(key);
  return keys;
}

ZipkinLinkReader::ZipkinLinkReader(const SpanBatch& spans)
    : from_(spans),
      converter_(spans),
      peer_service_(shown_.strings.Intern("peer.service")),
      error_(shown_.strings.Intern("error")) {
  resources_are_text_ = ConvertResources();
  shown_.scopes.emplace_back();
}

// Each resource becomes its service. False: one of them can't be said in JSON as it is.
bool ZipkinLinkReader::ConvertResources() {
  const model::StringId service_name = shown_.strings.Intern("service.name");
  bool text = true;
  for (const model::ResourceRecord& resource : from_.resources) {
    const std::string service = codec::ZipkinLowerCase(ServiceOf(from_, resource));
    text &= model::IsUtf8(service);
    model::ResourceRecord shown;
    shown.origin = Origin::kZipkin;
    shown.attributes.begin = static_cast<std::uint32_t>(shown_.attributes.size());
    if (!service.empty()) shown_.AddString(service_name, service, true);
    shown.attributes.count =
        static_cast<std::uint32_t>(shown_.attributes.size()) - shown.attributes.begin;
    shown_.resources.push_back(shown);
  }
  return text;
}

bool ZipkinLinkReader::HasRepeatedIds(std::span<const std::uint32_t> rows) {
  ids_.clear();
  for (const std::uint32_t row : rows) ids_.push_back(from_.spans[row].span_id);
  std::sort(ids_.begin(), ids_.end());
  return std::adjacent_find(ids_.begin(), ids_.end()) != ids_.end();
}

// What a reader of the JSON has of the span. False where a text is none.
bool ZipkinLinkReader::AddConverted(std::uint32_t row) {
  const model::SpanRecord& span = from_.spans[row];
  if (span.span_id.empty() || span.trace_id.empty()) return true;  // Zipkin has no such span
  constexpr std::uint64_t kNsEach = 1'000;
  model::SpanRecord shown;
  shown.trace_id = span.trace_id;
  shown.span_id = span.span_id;
  if (span.parent_id != span.span_id) shown.parent_id = span.parent_id;
  if (span.kind != SpanKind::kInternal) shown.kind = span.kind;
  if (span.has_start()) shown.start_ns = span.start_ns / kNsEach * kNsEach;
  if (shown.start_ns != 0) shown.presence = model::kHasStart;
  shown.resource = span.resource;
  shown.attributes.begin = static_cast<std::uint32_t>(shown_.attributes.size());
  const auto facts = converter_.FactsOf(row);
  if (!model::IsUtf8(facts.remote)) return false;
  if (!facts.remote.empty()) shown_.AddString(peer_service_, facts.remote);
  if (facts.error) shown_.AddBool(error_, true);
  shown.attributes.count =
      static_cast<std::uint32_t>(shown_.attributes.size()) - shown.attributes.begin;
  shown_.spans.push_back(shown);
  return true;
}

bool ZipkinLinkReader::Read(std::span<const std::uint32_t> rows,
                            std::vector<assembly::ServiceLink>& links) {
  if (HasRepeatedIds(rows)) return false;
  const bool zipkin = IsZipkin(from_, rows[0]);
  for (const std::uint32_t row : rows) {
    if (IsZipkin(from_, row) != zipkin) return false;
  }
  if (zipkin) {
    SpanBatch trace;
    model::BatchAppender appender(trace);
    appender.SetSource(from_);
    for (const std::uint32_t row : rows) appender.Append(row);
    links = assembly::ZipkinLinks(assembly::TraceGraph::Build(trace));
    return true;
  }
  if (!resources_are_text_) return false;
  const std::size_t attributes = shown_.attributes.size();
  bool text = true;
  for (std::size_t i = 0; i < rows.size() && text; ++i) text = AddConverted(rows[i]);
  if (text) links = assembly::ZipkinLinks(assembly::TraceGraph::Build(shown_));
  shown_.spans.clear();
  shown_.attributes.resize(attributes);
  return text;
}

Result<std::vector<assembly::ServiceLink>> ZipkinLinksOfAll(const Snapshot& snapshot, TraceId id) {
  TS_TRY_ASSIGN(const ZipkinTrace trace, GetZipkinTrace(snapshot, id, false));
  const SpanBatch& kept = *trace.spans.batch();
  SpanBatch converted;
  const bool as_kept = std::all_of(
      kept.resources.begin(), kept.resources.end(),
      [](const auto& resource) { return resource.origin == Origin::kZipkin; });
  if (!as_kept) {
    std::string shown;
    AppendZipkinTrace(trace, shown);
    TS_TRY(codec::DecodeZipkinJson(shown, converted));
  }
  return assembly::ZipkinLinks(assembly::TraceGraph::Build(as_kept ? kept : converted));
}

}  // namespace tracestore::server
