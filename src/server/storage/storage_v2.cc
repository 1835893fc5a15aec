#include "server/storage/storage_v2.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "codec/jaeger/filter_tree.h"
#include "codec/jaeger/query_fields.h"
#include "codec/jaeger/query_requests.h"
#include "codec/otlp/otlp_fields.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/wire/wire_reader.h"
#include "model/span_batch.h"
#include "model/text.h"
#include "server/jaeger/filter_expression.h"
#include "server/jaeger/grpc_call.h"
#include "server/jaeger/summary_messages.h"

namespace tracestore::server {
namespace {

namespace field = codec::jaeger_query_field;
namespace otlp = codec::otlp_field;
using net::RawReply;
using net::RawRequest;
using Source = std::shared_ptr<const JaegerQuerySource>;

constexpr bool kRaw = true;
constexpr std::string_view kSearchFailed = "failed when searching for traces";

// Of GetCapabilitiesResponse and what is in it.
constexpr std::uint32_t kSearch = 1;
constexpr std::uint32_t kWithoutService = 1, kSameSpan = 2, kFilter = 3;
constexpr std::uint32_t kLevels = 1, kOperators = 2;
constexpr const char* kAllLevels[] = {"span", "resource", "scope", "event", "link"};
constexpr const char* kAllOperators[] = {"and", "or",  "not",   "eq",     "ne", "gt",     "lt",
                                         "gte", "lte", "regex", "exists", "in", "not_in", "some"};

// A request that OTLP's decoder reads: one span that has these attributes.
std::string AsSpan(const std::vector<std::string_view>& key_values) {
  static constexpr std::string_view kId = "tracestoretracestore";
  std::string out;
  codec::WireWriter wire(out);
  const std::size_t resource = wire.Begin(otlp::kRequestResourceSpans);
  const std::size_t scope = wire.Begin(otlp::kResourceSpansScopeSpans);
  const std::size_t span = wire.Begin(otlp::kScopeSpansSpans);
  wire.Bytes(otlp::kSpanTraceId, kId.substr(0, 16));
  wire.Bytes(otlp::kSpanSpanId, kId.substr(0, 8));
  for (const std::string_view each : key_values) wire.BytesAlways(otlp::kSpanAttributes, each);
  wire.End(span);
  wire.End(scope);
  wire.End(resource);
  return out;
}

// Typed attributes as the texts that a search compares. Of a key that comes twice the last counts.
Status ReadAttributes(const std::vector<std::string_view>& key_values,
                      std::map<std::string, std::string>& out) {
  if (key_values.empty()) return {};
  model::SpanBatch batch;
  TS_TRY_ASSIGN(const auto report, codec::DecodeOtlpProtobuf(AsSpan(key_values), batch));
  if (report.accepted == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "the query's attributes can't be read: " + report.first_error};
  }
  const model::Range range = batch.spans.front().attributes;
  for (std::uint32_t i = 0; i < range.count; ++i) {
    const model::Attribute& attribute = batch.attributes[range.begin + i];
    out.insert_or_assign(std::string(batch.text(attribute.key)),
                         model::CanonicalText(batch, attribute));
  }
  return {};
}

struct Search {
  Query query;
  bool nothing_matches = false;
};

Result<Search> ReadSearch(const RawRequest& request) {
  TS_TRY_ASSIGN(codec::JaegerStorageFind asked, codec::DecodeJaegerStorageFind(request.message));
  if (!asked.find.has_query) return Error{ErrorCode::kInvalidArgument, "missing query"};
  TS_TRY(ReadAttributes(asked.attributes, asked.find.attributes));
  Search search;
  search.nothing_matches = !ToQuery(asked.find, search.query);
  if (asked.find.filter) {
    TS_TRY_ASSIGN(search.query.where,
                  FilterExpression(codec::DecodeFilterProtobuf(*asked.find.filter),
                                   BesideFilter(asked.find, !asked.attributes.empty())));
  }
  // Jaeger's storages take a limit of 0 or less as none.
  search.query.limit = asked.page_size != 0
                           ? asked.page_size
                           : static_cast<std::uint32_t>(std::max(asked.find.depth, 0));
  search.query.cursor = asked.page_token;
  return search;
}

RawReply GetTraces(const Source& source, const RawRequest& request) {
  const auto wanted = codec::DecodeJaegerGetTraces(request.message);
  if (!wanted.has_value()) return BadGrpcRequest(wanted.error().message());
  std::vector<TraceId> ids;
  ids.reserve(wanted->size());
  for (const std::string_view bytes : *wanted) {
    const auto id = BinaryTraceId(bytes);
    if (!id.has_value()) return BadGrpcRequest(id.error().message());
    if (id->empty()) return BadGrpcRequest("uninitialized TraceID is not allowed");
    ids.push_back(*id);
  }
  return StreamTraces(source, request, std::move(ids), kRaw, EncodeTracesData,
                      "failed to fetch spans from the backend");
}

RawReply FindTraces(const Source& source, const RawRequest& request) {
  auto search = ReadSearch(request);
  if (!search.has_value()) return BadGrpcRequest(search.error().message());
  if (search->nothing_matches) return NoMessages();
  return StreamFound(*source, request, std::move(search->query), kRaw, EncodeTracesData,
                     kSearchFailed);
}

RawReply FindTraceIds(const Source& source, const RawRequest& request) {
  auto search = ReadSearch(request);
  if (!search.has_value()) return BadGrpcRequest(search.error().message());
  if (search->nothing_matches) return RawReply::Ok("");
  const CallEnd end(request.stop);
  const auto snapshot = source->BoundedSnapshot(end.flag());
  if (!snapshot.has_value()) return GrpcFailure(snapshot.error(), kSearchFailed);
  const auto page = snapshot->Find(search->query);
  if (!page.has_value()) return GrpcFailure(page.error(), kSearchFailed);
  std::string out;
  codec::WireWriter wire(out);
  for (const FoundTrace& found : page->traces) {
    const std::size_t begin = wire.Begin(field::kTraceIds);
    wire.Bytes(field::kFoundTraceId, TraceIdBytes(found.trace_id));
    wire.End(begin);
  }
  wire.Bytes(field::kNextPage, page->next_cursor);
  return RawReply::Ok(std::move(out));
}

RawReply FindTraceSummaries(const Source& source, const RawRequest& request) {
  auto search = ReadSearch(request);
  if (!search.has_value()) return BadGrpcRequest(search.error().message());
  if (search->nothing_matches) return NoMessages();
  return StreamSummaries(*source, request, std::move(search->query), SummaryForm::kStorage,
                         kSearchFailed);
}

RawReply GetDependencies(const Source& source, const RawRequest& request) {
  const auto get = codec::DecodeJaegerGetDependencies(request.message);
  if (!get.has_value()) return BadGrpcRequest(get.error().message());
  return GrpcDependencies(*source, request, get->start_ns.value_or(0),
                          get->end_ns.value_or(std::numeric_limits<std::uint64_t>::max()));
}

RawReply GetCapabilities(const Source&, const RawRequest&) {
  std::string out;
  codec::WireWriter wire(out);
  const std::size_t search = wire.Begin(kSearch);
  wire.Uint(kWithoutService, 1);
  wire.Uint(kSameSpan, 1);
  const std::size_t filter = wire.Begin(kFilter);
  for (const char* level : kAllLevels) wire.Bytes(kLevels, level);
  for (const char* word : kAllOperators) wire.Bytes(kOperators, word);
  wire.End(filter);
  wire.End(search);
  return RawReply::Ok(std::move(out));
}

}  // namespace

net::RawGrpcServices StorageV2Readers(JaegerQueryOptions options) {
  options.as_stored = true;
  const Source source = std::make_shared<const JaegerQuerySource>(std::move(options));
  net::RawGrpcServices methods;
  const auto add = [&](const char* method, auto handle) {
    const std::string path = std::string("/jaeger.storage.v2.") + method;
    methods.emplace(path, Observed(source, path, [source, handle](const RawRequest& request) {
                      return handle(source, request);
                    }));
  };
  add("TraceReader/GetTraces", GetTraces);
  add("TraceReader/FindTraces", FindTraces);
  add("TraceReader/FindTraceIDs", FindTraceIds);
  add("TraceReader/FindTraceSummaries", FindTraceSummaries);
  add("TraceReader/GetServices",
      [](const Source& of, const RawRequest& request) { return GrpcServices(*of, request); });
  add("TraceReader/GetOperations", [](const Source& of, const RawRequest& request) {
    return GrpcOperations(*of, request, false);
  });
  add("DependencyReader/GetDependencies", GetDependencies);
  add("Capabilities/GetCapabilities", GetCapabilities);
  return methods;
}

}  // namespace tracestore::server
