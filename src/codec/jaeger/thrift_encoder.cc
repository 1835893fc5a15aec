#include "codec/jaeger/thrift_encoder.h"

#include <thrift_gen/Agent.h>
#include <thrift_gen/Collector.h>

#include <bit>
#include <unordered_map>
#include <utility>

#include "base/try.h"
#include "codec/jaeger/jaeger_view.h"
#include "codec/thrift/thrift_structs.h"

namespace tracestore::codec {
namespace {

namespace idl = tracestore::thrift::jaeger;
using model::SpanBatch;
using model::SpanRecord;

idl::Tag TagOf(const JaegerTag& tag) {
  idl::Tag made;
  made.key = tag.key;
  switch (tag.type) {
    case ValueType::kBool:
      made.vType = idl::TagType::BOOL;
      made.__set_vBool(tag.bits != 0);
      break;
    case ValueType::kInt:
      made.vType = idl::TagType::LONG;
      made.__set_vLong(static_cast<std::int64_t>(tag.bits));
      break;
    case ValueType::kDouble:
      made.vType = idl::TagType::DOUBLE;
      made.__set_vDouble(std::bit_cast<double>(tag.bits));
      break;
    case ValueType::kBytes:
      made.vType = idl::TagType::BINARY;
      made.__set_vBinary(std::string(tag.text));
      break;
    default: made.vType = idl::TagType::STRING; made.__set_vStr(std::string(tag.text));
  }
  return made;
}

std::int64_t Signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

class Encoder {
 public:
  explicit Encoder(const SpanBatch& batch) : batch_(batch), view_(batch) {}

  std::vector<idl::Batch> Run(std::span<const std::uint32_t> rows) {
    std::vector<idl::Batch> batches;
    std::unordered_map<std::uint32_t, std::size_t> by_resource;
    for (const std::uint32_t row : rows) {
      const SpanRecord& span = batch_.spans[row];
      const auto [known, added] = by_resource.try_emplace(span.resource, batches.size());
      if (added) batches.emplace_back().process = ProcessOf(batch_.resources[span.resource]);
      batches[known->second].spans.push_back(SpanOf(span));
    }
    return batches;
  }

 private:
  idl::Process ProcessOf(const model::ResourceRecord& resource) const {
    idl::Process process;
    process.serviceName = view_.ServiceName(resource);
    view_.ProcessTags(resource, [&](const JaegerTag& tag) { process.tags.push_back(TagOf(tag)); });
    process.__isset.tags = !process.tags.empty();
    return process;
  }

  idl::Span SpanOf(const SpanRecord& span) const {
    idl::Span made;
    made.traceIdLow = Signed(span.trace_id.low);
    made.traceIdHigh = Signed(span.trace_id.high);
    made.spanId = Signed(span.span_id.value);
    made.parentSpanId = Signed(ParentOf(span).value);
    made.operationName = batch_.text(span.name);
    made.flags = static_cast<std::int32_t>(view_.Flags(span));
    made.startTime = Signed(view_.StartNs(span) / 1000);
    made.duration = view_.DurationNs(span) / 1000;
    view_.References(span, [&](bool child_of, TraceId trace_id, SpanId span_id) {
      idl::SpanRef& reference = made.references.emplace_back();
      reference.refType = child_of ? idl::SpanRefType::CHILD_OF : idl::SpanRefType::FOLLOWS_FROM;
      reference.traceIdLow = Signed(trace_id.low);
      reference.traceIdHigh = Signed(trace_id.high);
      reference.spanId = Signed(span_id.value);
    });
    view_.SpanTags(span, [&](const JaegerTag& tag) { made.tags.push_back(TagOf(tag)); });
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      const auto& event = batch_.events[span.events.begin + i];
      idl::Log& log = made.logs.emplace_back();
      log.timestamp = Signed(event.time_ns / 1000);
      view_.LogFields(span, event, [&](const JaegerTag& tag) { log.fields.push_back(TagOf(tag)); });
    }
    made.__isset.references = !made.references.empty();
    made.__isset.tags = !made.tags.empty();
    made.__isset.logs = !made.logs.empty();
    return made;
  }

  // Jaeger's own clients name a span that theirs only follows from as the parent, too.
  SpanId ParentOf(const SpanRecord& span) const {
    if (!span.parent_id.empty()) return span.parent_id;
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      const auto& reference = batch_.references[span.references.begin + i];
      if (reference.type == ReferenceType::kFollowsFrom && reference.trace_id == span.trace_id)
        return reference.span_id;
    }
    return {};
  }

  const SpanBatch& batch_;
  const JaegerView view_;
};

}  // namespace

Status EncodeJaegerBatches(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                           ThriftProtocol protocol, std::vector<std::string>& out) {
  for (const idl::Batch& made : Encoder(batch).Run(rows))
    TS_TRY(WriteThriftStruct(made, protocol, out.emplace_back()));
  return {};
}

Status EncodeEmitBatches(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                         ThriftProtocol protocol, std::vector<std::string>& out) {
  for (idl::Batch& made : Encoder(batch).Run(rows)) {
    thrift::agent::Agent_emitBatch_args arguments;
    arguments.batch = std::move(made);
    TS_TRY(WriteThriftMessage({"emitBatch", ThriftMessageType::kOneway, 0}, arguments, protocol,
                              out.emplace_back()));
  }
  return {};
}

Status EncodeSubmitBatches(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                           ThriftProtocol protocol, bool header, std::string& out) {
  idl::Collector_submitBatches_args arguments;
  arguments.batches = Encoder(batch).Run(rows);
  if (!header) return WriteThriftStruct(arguments, protocol, out);
  return WriteThriftMessage({"submitBatches", ThriftMessageType::kCall, 0}, arguments, protocol,
                            out);
}

}  // namespace tracestore::codec
