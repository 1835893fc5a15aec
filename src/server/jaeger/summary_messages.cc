#include "server/jaeger/summary_messages.h"

#include <limits>
#include <optional>
#include <utility>

#include "codec/jaeger/query_fields.h"
#include "codec/wire/wire_reader.h"
#include "server/jaeger/grpc_call.h"

namespace tracestore::server {
namespace {

namespace field = codec::jaeger_query_field;
using net::RawReply;

// An int32 of the message.
std::uint64_t Count(std::uint64_t count) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int32_t>::max();
  return count < kMost ? count : kMost;
}

void WriteSummary(const TraceSummary& summary, SummaryIds ids, codec::WireWriter& wire) {
  const std::size_t begin = wire.Begin(field::kSummaries);
  wire.Bytes(field::kSummaryTraceId, ids == SummaryIds::kHex ? summary.trace_id.ToHex()
                                                             : TraceIdBytes(summary.trace_id));
  wire.Bytes(field::kSummaryRootService, summary.root_service);
  wire.Bytes(field::kSummaryRootOperation, summary.root_operation);
  if (summary.has_start) {
    wire.Fixed64(field::kSummaryStart, summary.start_ns);
    wire.Fixed64(field::kSummaryEnd, summary.end_ns);
  }
  wire.Uint(field::kSummarySpans, Count(summary.span_count));
  wire.Uint(field::kSummaryErrors, Count(summary.error_count));
  wire.Uint(field::kSummaryOrphans, Count(summary.orphan_count));
  for (const TraceSummary::Service& service : summary.services) {
    const std::size_t at = wire.Begin(field::kSummaryServices);
    wire.Bytes(field::kServiceName, JaegerQuerySource::Shown(service.name));
    wire.Uint(field::kServiceSpans, Count(service.span_count));
    wire.Uint(field::kServiceErrors, Count(service.error_count));
    wire.End(at);
  }
  wire.End(begin);
}

}  // namespace

RawReply StreamSummaries(std::vector<TraceSummary> summaries, SummaryIds ids,
                         std::string next_page) {
  return RawReply::Stream([summaries = std::move(summaries), ids, next_page = std::move(next_page),
                           next = std::size_t{0}](
                              std::string& message) mutable -> std::optional<RawReply> {
    if (next == summaries.size()) return RawReply::Ok("");
    codec::WireWriter wire(message);
    while (next < summaries.size() && message.size() < kWantedMessageBytes)
      WriteSummary(summaries[next++], ids, wire);
    if (next == summaries.size()) wire.Bytes(field::kNextPage, next_page);
    return std::nullopt;
  });
}

}  // namespace tracestore::server
