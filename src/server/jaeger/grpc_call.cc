#include "server/jaeger/grpc_call.h"

#include <chrono>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/try.h"
#include "codec/jaeger/protobuf_encoder.h"
#include "codec/jaeger/query_fields.h"
#include "codec/jaeger/query_requests.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/wire/wire_reader.h"
#include "server/jaeger/search_params.h"

namespace tracestore::server {
namespace {

namespace field = codec::jaeger_query_field;
using net::GrpcCode;
using net::RawReply;

constexpr std::size_t kTraceIdBytes = 16;
constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

TimeRange BothEnds(std::uint64_t begin_ns, std::uint64_t end_ns) {
  return {begin_ns, end_ns == kForever ? kForever : end_ns + 1};
}

// What a stream of traces holds while it lasts.
struct TraceStream {
  TraceStream(std::stop_token stop, std::string_view action) : end(std::move(stop)), what(action) {}

  std::optional<RawReply> Next(std::string& message) {
    const auto more = messages->Next(message);
    if (!more.has_value()) {
      if (more.error().code() == ErrorCode::kNotFound) return NoSuchTrace();
      return GrpcFailure(more.error(), what);
    }
    if (*more) return std::nullopt;
    return RawReply::Ok("");
  }

  const CallEnd end;
  const std::string what;
  std::optional<Snapshot> snapshot;  // stops by `end`
  std::optional<TraceMessages> messages;
};

Result<std::shared_ptr<TraceStream>> OpenStream(const JaegerQuerySource& source,
                                                const net::RawRequest& request,
                                                std::string_view what) {
  auto stream = std::make_shared<TraceStream>(request.stop, what);
  TS_TRY_ASSIGN(const Snapshot snapshot, source.options().snapshot());
  StopWhen stop;
  stop.cancel = stream->end.flag();
  stream->snapshot = snapshot.StoppingWhen(stop);
  return stream;
}

RawReply Messages(std::shared_ptr<TraceStream> stream, std::vector<TraceId> ids,
                  TraceMessagesOptions options) {
  stream->messages.emplace(std::move(ids), std::move(options));
  return RawReply::Stream(
      [stream = std::move(stream)](std::string& message) { return stream->Next(message); });
}

TraceMessagesOptions OptionsOf(const JaegerQuerySource& source, bool raw, EncodeTrace encode) {
  TraceMessagesOptions options;
  options.as_stored = source.options().as_stored;
  options.raw = raw;
  options.max_skew_ns = static_cast<std::uint64_t>(source.options().max_clock_skew.count());
  options.encode = [raw, encode](const ShownTrace& trace, std::size_t first, std::size_t count,
                                 std::string& out) { encode(trace, first, count, raw, out); };
  return options;
}

bool IsNotFound(const Result<SpanList>& spans) {
  return !spans.has_value() && spans.error().code() == ErrorCode::kNotFound;
}

}  // namespace

RawReply GrpcFailure(const Error& error, std::string_view what) {
  const std::string message = std::string(what) + ": " + error.message();
  switch (error.code()) {
    case ErrorCode::kInvalidArgument: return BadGrpcRequest(error.message());
    case ErrorCode::kCancelled: return RawReply::Fail(GrpcCode::kDeadlineExceeded, message);
    case ErrorCode::kBusy: return RawReply::Fail(GrpcCode::kUnavailable, message);
    default: return RawReply::Fail(GrpcCode::kInternal, message);
  }
}

RawReply BadGrpcRequest(std::string message) {
  return RawReply::Fail(GrpcCode::kInvalidArgument, std::move(message));
}

RawReply NoSuchTrace() { return RawReply::Fail(GrpcCode::kNotFound, "trace not found"); }

RawReply NoMessages() {
  return RawReply::Stream([](std::string&) { return std::optional(RawReply::Ok("")); });
}

RawReply StreamTrace(std::shared_ptr<const JaegerQuerySource> source,
                     const net::RawRequest& request, TraceId id, bool raw, EncodeTrace encode,
                     std::string_view what) {
  auto opened = OpenStream(*source, request, what);
  if (!opened.has_value()) return GrpcFailure(opened.error(), what);
  TraceMessagesOptions options = OptionsOf(*source, raw, encode);
  options.read = [source, stream = opened->get()](TraceId wanted) {
    return source->TraceOf(*stream->snapshot, wanted);
  };
  return Messages(std::move(opened).value(), {id}, std::move(options));
}

RawReply StreamTraces(std::shared_ptr<const JaegerQuerySource> source,
                      const net::RawRequest& request, std::vector<TraceId> ids, bool raw,
                      EncodeTrace encode, std::string_view what) {
  auto opened = OpenStream(*source, request, what);
  if (!opened.has_value()) return GrpcFailure(opened.error(), what);
  TraceMessagesOptions options = OptionsOf(*source, raw, encode);
  options.read = [source, stream = opened->get()](TraceId wanted) -> Result<SpanList> {
    auto spans = source->TraceOf(*stream->snapshot, wanted);
    if (IsNotFound(spans)) return SpanList();
    return spans;
  };
  return Messages(std::move(opened).value(), std::move(ids), std::move(options));
}

Result<std::vector<TraceId>> FoundIds(const JaegerQuerySource& source,
                                      const net::RawRequest& request, Query query) {
  const CallEnd end(request.stop);
  TS_TRY_ASSIGN(const Snapshot snapshot, source.BoundedSnapshot(end.flag()));
  TS_TRY_ASSIGN(const auto page, snapshot.Find(query));
  std::vector<TraceId> ids;
  ids.reserve(page.traces.size());
  for (const FoundTrace& found : page.traces) ids.push_back(found.trace_id);
  return ids;
}

RawReply StreamFound(const JaegerQuerySource& source, const net::RawRequest& request, Query query,
                     bool raw, EncodeTrace encode, std::string_view what) {
  auto opened = OpenStream(source, request, what);
  if (!opened.has_value()) return GrpcFailure(opened.error(), what);
  TraceStream* const stream = opened->get();
  query.deadline = source.SearchDeadline();
  const auto page = stream->snapshot->Find(query);
  if (!page.has_value()) return GrpcFailure(page.error(), what);
  source.Found("find_traces", page->traces.size());
  std::vector<TraceId> ids;
  ids.reserve(page->traces.size());
  for (const FoundTrace& found : page->traces) ids.push_back(found.trace_id);
  TraceMessagesOptions options = OptionsOf(source, raw, encode);
  options.read = [stream](TraceId id) -> Result<SpanList> {
    auto spans = stream->snapshot->Get(id);
    if (IsNotFound(spans)) return SpanList();
    return spans;
  };
  return Messages(std::move(opened).value(), std::move(ids), std::move(options));
}

void EncodeJaegerChunk(const ShownTrace& trace, std::size_t first, std::size_t count, bool raw,
                       std::string& out) {
  codec::JaegerSpansOptions options;
  options.sort_tags = !raw;
  if (!trace.warnings.empty()) options.warnings = std::span(trace.warnings).subspan(first, count);
  codec::EncodeJaegerSpans(*trace.batch, std::span(trace.rows).subspan(first, count), options, out);
}

void EncodeTracesData(const ShownTrace& trace, std::size_t first, std::size_t count, bool,
                      std::string& out) {
  codec::EncodeOtlpProtobuf(*trace.batch, std::span(trace.rows).subspan(first, count), out);
}

Result<TraceId> BinaryTraceId(std::string_view bytes) {
  TraceId id;
  if (bytes.empty()) return id;
  if (bytes.size() < kTraceIdBytes) {
    return Error{ErrorCode::kInvalidArgument,
                 "TraceID is " + std::to_string(bytes.size()) + " bytes long, not 16"};
  }
  id.high = __builtin_bswap64(base::LoadLe<std::uint64_t>(bytes.data()));
  id.low = __builtin_bswap64(base::LoadLe<std::uint64_t>(bytes.data() + 8));
  return id;
}

std::string TraceIdBytes(TraceId id) {
  char bytes[kTraceIdBytes];
  base::StoreLe(bytes, __builtin_bswap64(id.high));
  base::StoreLe(bytes + 8, __builtin_bswap64(id.low));
  return {bytes, sizeof bytes};
}

bool ToQuery(const codec::JaegerFindTraces& find, Query& query) {
  query.where = OnOneSpan(
      {find.service, find.operation, find.duration_min_ns, find.duration_max_ns, find.attributes});
  query.span_start = BothEnds(find.start_min_ns.value_or(0), find.start_max_ns.value_or(kForever));
  return find.duration_max_ns >= 0 && query.span_start.begin_ns < query.span_start.end_ns;
}

std::string BesideFilter(const codec::JaegerFindTraces& find, bool has_attributes) {
  std::string names;
  const auto add = [&](bool is_set, const char* name) {
    if (is_set) names += (names.empty() ? "" : " ") + std::string(name);
  };
  add(!find.service.empty(), "service_name");
  add(!find.operation.empty(), "operation_name");
  add(find.duration_min_ns != 0, "duration_min");
  add(find.duration_max_ns != 0, "duration_max");
  add(has_attributes, "attributes");
  return names;
}

RawReply GrpcServices(const JaegerQuerySource& source, const net::RawRequest& request) {
  const CallEnd end(request.stop);
  const auto names = source.ServiceNames(end.flag());
  if (!names.has_value()) return GrpcFailure(names.error(), "failed to fetch services");
  std::string out;
  codec::WireWriter wire(out);
  for (const std::string& name : *names) wire.BytesAlways(field::kServices, name);
  return RawReply::Ok(std::move(out));
}

RawReply GrpcOperations(const JaegerQuerySource& source, const net::RawRequest& request,
                        bool with_names) {
  const auto get = codec::DecodeJaegerGetOperations(request.message);
  if (!get.has_value()) return BadGrpcRequest(get.error().message());
  const CallEnd end(request.stop);
  const auto operations = source.Operations(std::string(get->service), end.flag());
  if (!operations.has_value())
    return GrpcFailure(operations.error(), "failed to fetch operations");
  std::set<std::string_view> names;
  std::string out;
  codec::WireWriter wire(out);
  for (const OperationInfo& operation : *operations) {
    const std::string_view kind =
        operation.kind == SpanKind::kUnspecified ? "" : SpanKindName(operation.kind);
    if (!get->span_kind.empty() && kind != get->span_kind) continue;
    if (with_names) names.insert(operation.name);
    const std::size_t begin = wire.Begin(with_names ? field::kV2Operations : field::kV3Operations);
    wire.Bytes(field::kOperationName, operation.name);
    wire.Bytes(field::kOperationKind, kind);
    wire.End(begin);
  }
  for (const std::string_view name : names) wire.BytesAlways(field::kV2OperationNames, name);
  return RawReply::Ok(std::move(out));
}

RawReply GrpcDependencies(const JaegerQuerySource& source, const net::RawRequest& request,
                          std::uint64_t start_ns, std::uint64_t end_ns) {
  constexpr std::string_view kWhat = "failed to fetch dependencies";
  if (start_ns > end_ns) return RawReply::Ok("");
  const CallEnd end(request.stop);
  const auto snapshot = source.BoundedSnapshot(end.flag());
  if (!snapshot.has_value()) return GrpcFailure(snapshot.error(), kWhat);
  const auto links = snapshot->Dependencies(BothEnds(start_ns, end_ns));
  if (!links.has_value()) return GrpcFailure(links.error(), kWhat);
  source.Found("get_dependencies", links->size());
  std::string out;
  codec::WireWriter wire(out);
  for (const DependencyLink& link : *links) {
    const std::size_t begin = wire.Begin(field::kDependencies);
    wire.Bytes(field::kLinkParent, JaegerQuerySource::Shown(link.parent));
    wire.Bytes(field::kLinkChild, JaegerQuerySource::Shown(link.child));
    wire.Uint(field::kLinkCalls, link.calls);
    wire.End(begin);
  }
  return RawReply::Ok(std::move(out));
}

net::RawHandler Observed(std::shared_ptr<const JaegerQuerySource> source, std::string route,
                         net::RawHandler handler) {
  if (!source->options().observer) return handler;
  return [source = std::move(source), route = std::move(route),
          handler = std::move(handler)](const net::RawRequest& request) {
    const auto begin = std::chrono::steady_clock::now();
    const auto tell = [source, route, begin](GrpcCode code) {
      source->options().observer(route, static_cast<int>(code),
                                 std::chrono::steady_clock::now() - begin);
    };
    RawReply reply = handler(request);
    if (!reply.stream) {
      tell(reply.code);
      return reply;
    }
    reply.stream = [tell, told = false,
                    stream = std::move(reply.stream)](std::string& message) mutable {
      auto end = stream(message);
      if (!std::exchange(told, true)) tell(end ? end->code : GrpcCode::kOk);
      return end;
    };
    return reply;
  };
}

}  // namespace tracestore::server
