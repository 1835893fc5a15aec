#include "server/jaeger/summary_messages.h"

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "codec/jaeger/query_fields.h"
#include "codec/wire/wire_reader.h"
#include "server/jaeger/found_summaries.h"
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

void WriteSummary(const TraceSummary& summary, SummaryForm form, codec::WireWriter& wire) {
  const std::size_t begin = wire.Begin(field::kSummaries);
  wire.Bytes(field::kSummaryTraceId, form == SummaryForm::kQuery ? summary.trace_id.ToHex()
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

RawReply StreamSummaries(const JaegerQuerySource& source, const net::RawRequest& request,
                         Query query, SummaryForm form, std::string_view what) {
  auto opened = FoundSummaries::Open(source, request.stop, std::move(query));
  if (!opened.has_value()) return GrpcFailure(opened.error(), what);
  return RawReply::Stream([found = std::move(opened).value(), form, what = std::string(what)](
                              std::string& message) -> std::optional<RawReply> {
    if (found->done()) return RawReply::Ok("");
    codec::WireWriter wire(message);
    const Status written =
        found->WriteTo(message, kWantedMessageBytes, [&](const TraceSummary& summary) {
          WriteSummary(summary, form, wire);
        });
    if (!written.has_value()) return GrpcFailure(written.error(), what);
    if (message.empty()) return RawReply::Ok("");
    if (found->done() && form == SummaryForm::kStorage)
      wire.Bytes(field::kNextPage, found->next_page());
    return std::nullopt;
  });
}

}  // namespace tracestore::server
