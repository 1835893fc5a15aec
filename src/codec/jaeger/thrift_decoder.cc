// Field numbers are those of src/codec/thrift/idl/jaeger.thrift. As in generated code: a field of
// another type than the IDL's is passed over, of a field met twice the last counts, a missing
// required one makes the message bad.
#include "codec/jaeger/thrift_decoder.h"

#include <limits>
#include <utility>

#include "base/stop.h"
#include "codec/jaeger/jaeger_span.h"
#include "codec/wire/intern_cache.h"

namespace tracestore::codec {
namespace {

using model::Range;
using model::SpanBatch;
using model::SpanRecord;
using model::StringId;

constexpr std::uint64_t kMaxMicros = std::numeric_limits<std::uint64_t>::max() / 1000;
constexpr std::int64_t kMaxDuration = std::numeric_limits<std::int64_t>::max() / 1000;

constexpr std::uint32_t Str(std::int16_t id) { return ThriftTag(id, ThriftType::kString); }
constexpr std::uint32_t I32(std::int16_t id) { return ThriftTag(id, ThriftType::kI32); }
constexpr std::uint32_t I64(std::int16_t id) { return ThriftTag(id, ThriftType::kI64); }
constexpr std::uint32_t Bool(std::int16_t id) { return ThriftTag(id, ThriftType::kBool); }
constexpr std::uint32_t Double(std::int16_t id) { return ThriftTag(id, ThriftType::kDouble); }
constexpr std::uint32_t List(std::int16_t id) { return ThriftTag(id, ThriftType::kList); }
constexpr std::uint32_t Struct(std::int16_t id) { return ThriftTag(id, ThriftType::kStruct); }

// A set of field numbers up to 31.
constexpr std::uint32_t Fields() { return 0; }
template <typename... More>
constexpr std::uint32_t Fields(int first, More... more) {
  return std::uint32_t{1} << first | Fields(more...);
}

// TagType's numbers.
enum : std::int32_t { kTagString = 0, kTagDouble = 1, kTagBool = 2, kTagLong = 3, kTagBinary = 4 };

class Decoder {
 public:
  Decoder(std::string_view message, ThriftProtocol protocol, SpanBatch& out,
          std::vector<JaegerBatchInfo>* infos, const JaegerThriftLimits& limits)
      : in_(message, protocol),
        out_(out),
        infos_(infos),
        batches_left_(limits.max_batches),
        keys_(out.strings),
        texts_(out.strings),
        stop_(limits.stop) {}

  Result<model::DecodeReport> Run(JaegerThriftShape shape);

 private:
  struct SpanFields {
    std::uint64_t trace_low = 0;
    std::uint64_t trace_high = 0;
    std::int64_t start = 0;     // microseconds
    std::int64_t duration = 0;  // microseconds
    SpanId parent;
  };

  Result<std::string_view> Header();
  void Arguments(bool list);
  void Batches();
  void Batch();
  void Process();
  void FinishBatch(std::uint64_t accepted, JaegerBatchInfo info);
  JaegerClientStats Stats();
  void Spans();
  void Span();
  void ScanSpan(SpanRecord& span, SpanFields& fields);
  bool FinishSpan(const SpanFields& fields, SpanRecord& span);
  Range Tags();
  void Tag();
  Range Logs();
  void Log();
  void References();
  void Reference();

  // Whether all of `required` was met; breaks off otherwise.
  bool Complete(std::uint32_t seen, std::uint32_t required, const char* problem) {
    if (!in_.ok()) return false;
    return (seen & required) == required || in_.Fail(problem);
  }
  // Whether to go on with the next span or batch; breaks off otherwise.
  bool GoOn() { return in_.ok() && (!stop_.Step() || in_.Fail("stopped")); }
  // The first reason counts.
  void Refuse(const char* reason, std::string sentence) {
    if (refusal_.first == nullptr) refusal_ = {reason, std::move(sentence)};
  }
  Range From(std::size_t begin) const {
    return {static_cast<std::uint32_t>(begin),
            static_cast<std::uint32_t>(out_.attributes.size() - begin)};
  }

  ThriftReader in_;
  SpanBatch& out_;
  std::vector<JaegerBatchInfo>* infos_;
  std::uint32_t batches_left_;  // that the call may still list
  // A packet has few texts: caches that are cheap to clear.
  InternCache<64> keys_;
  InternCache<128> texts_;
  StopCheck stop_;
  // Of the batch at hand.
  std::string_view service_;
  Range process_tags_;
  std::uint32_t resource_ = 0;
  std::uint32_t scope_ = 0;
  SpanBatch::Mark batch_mark_{};
  // Of the span at hand.
  std::vector<JaegerReference> references_;
  std::pair<const char*, std::string> refusal_{nullptr, ""};

  model::DecodeReport report_;
  std::uint64_t span_number_ = 0;  // of the message, the first is 1
};

void Decoder::Tag() {
  std::uint32_t seen = 0;
  std::string_view key, text, binary;
  std::uint64_t number = 0;
  std::uint64_t flag = 0;
  std::uint64_t integer = 0;
  std::int32_t type = 0;
  for (ThriftField field; in_.Next(field);) {
    switch (field.tag()) {
      case Str(1): key = in_.Bytes(); break;
      case I32(2): type = in_.I32(); break;
      case Str(3): text = in_.Bytes(); break;
      case Double(4): number = in_.DoubleBits(); break;
      case Bool(5): flag = in_.Bool(field) ? 1 : 0; break;
      case I64(6): integer = static_cast<std::uint64_t>(in_.I64()); break;
      case Str(7): binary = in_.Bytes(); break;
      default: in_.Skip(field); continue;
    }
    seen |= std::uint32_t{1} << field.id;
  }
  if (!Complete(seen, Fields(1, 2), "a tag lacks its key or type")) return;
  const StringId key_id = keys_.Intern(key);
  const auto add = [&](ValueType value_type, std::uint64_t bits) {
    out_.attributes.push_back({bits, key_id, static_cast<std::uint8_t>(value_type)});
  };
  switch (type) {
    case kTagString: return add(ValueType::kString, texts_.Intern(text));
    case kTagDouble: return add(ValueType::kDouble, number);
    case kTagBool: return add(ValueType::kBool, flag);
    case kTagLong: return add(ValueType::kInt, integer);
    case kTagBinary: return add(ValueType::kBytes, texts_.Intern(binary));
    default: return out_.AddString(key_id, UnknownTagType(type));
  }
}

Range Decoder::Tags() {
  const std::size_t begin = out_.attributes.size();
  for (std::uint32_t left = in_.List().size; left > 0 && in_.ok(); --left) Tag();
  return From(begin);
}

void Decoder::Log() {
  std::uint32_t seen = 0;
  std::int64_t micros = 0;
  model::EventRecord event;
  for (ThriftField field; in_.Next(field);) {
    switch (field.tag()) {
      case I64(1): micros = in_.I64(); break;
      case List(2): event.attributes = Tags(); break;
      default: in_.Skip(field); continue;
    }
    seen |= std::uint32_t{1} << field.id;
  }
  if (!Complete(seen, Fields(1, 2), "a log lacks its time or fields")) return;
  if (static_cast<std::uint64_t>(micros) > kMaxMicros) {
    Refuse(kJaegerBadLogTime,
           "log timestamp " + std::to_string(micros) + " is no time in microseconds");
  }
  event.time_ns = static_cast<std::uint64_t>(micros) * 1000;
  if (const auto* name = FindString(out_, event.attributes, "event"))
    event.name = static_cast<StringId>(name->bits);
  out_.events.push_back(event);
}

Range Decoder::Logs() {
  const std::size_t begin = out_.events.size();
  for (std::uint32_t left = in_.List().size; left > 0 && in_.ok(); --left) Log();
  return {static_cast<std::uint32_t>(begin),
          static_cast<std::uint32_t>(out_.events.size() - begin)};
}

void Decoder::Reference() {
  std::uint32_t seen = 0;
  std::int32_t type = 0;
  JaegerReference reference;
  for (ThriftField field; in_.Next(field);) {
    switch (field.tag()) {
      case I32(1): type = in_.I32(); break;
      case I64(2): reference.trace_id.low = static_cast<std::uint64_t>(in_.I64()); break;
      case I64(3): reference.trace_id.high = static_cast<std::uint64_t>(in_.I64()); break;
      case I64(4): reference.span_id.value = static_cast<std::uint64_t>(in_.I64()); break;
      default: in_.Skip(field); continue;
    }
    seen |= std::uint32_t{1} << field.id;
  }
  if (!Complete(seen, Fields(1, 2, 3, 4), "a reference lacks its type or an id")) return;
  if (type != 0 && type != 1) {
    Refuse(kJaegerBadRefType,
           "reference type " + std::to_string(type) + " is neither CHILD_OF nor FOLLOWS_FROM");
  }
  reference.type = type == 0 ? ReferenceType::kChildOf : ReferenceType::kFollowsFrom;
  references_.push_back(reference);
}

void Decoder::References() {
  references_.clear();
  for (std::uint32_t left = in_.List().size; left > 0 && in_.ok(); --left) Reference();
}

void Decoder::ScanSpan(SpanRecord& span, SpanFields& fields) {
  std::uint32_t seen = 0;
  std::string_view name;
  for (ThriftField field; in_.Next(field);) {
    switch (field.tag()) {
      case I64(1): fields.trace_low = static_cast<std::uint64_t>(in_.I64()); break;
      case I64(2): fields.trace_high = static_cast<std::uint64_t>(in_.I64()); break;
      case I64(3): span.span_id.value = static_cast<std::uint64_t>(in_.I64()); break;
      case I64(4): fields.parent.value = static_cast<std::uint64_t>(in_.I64()); break;
      case Str(5): name = in_.Bytes(); break;
      case List(6): References(); break;
      case I32(7): span.flags = static_cast<std::uint32_t>(in_.I32()); break;
      case I64(8): fields.start = in_.I64(); break;
      case I64(9): fields.duration = in_.I64(); break;
      case List(10): span.attributes = Tags(); break;
      case List(11): span.events = Logs(); break;
      default: in_.Skip(field); continue;
    }
    seen |= std::uint32_t{1} << field.id;
  }
  if (Complete(seen, Fields(1, 2, 3, 4, 5, 7, 8, 9), "a span lacks a required field"))
    span.name = texts_.Intern(name);
}

// Checks and completes a span that was read; false where it is refused.
bool Decoder::FinishSpan(const SpanFields& fields, SpanRecord& span) {
  span.trace_id = {fields.trace_high, fields.trace_low};
  if (span.trace_id.empty()) Refuse(kJaegerNoTraceId, "its trace id is all zeros");
  if (span.span_id.empty())
    Refuse(kJaegerNoSpanId, "its span id is all zeros (trace " + span.trace_id.ToHex() + ")");
  if (static_cast<std::uint64_t>(fields.start) > kMaxMicros) {
    Refuse(kJaegerBadStart,
           "start time " + std::to_string(fields.start) + " is no time in microseconds");
  }
  if (fields.duration > kMaxDuration || fields.duration < -kMaxDuration) {
    Refuse(kJaegerBadDuration,
           "duration " + std::to_string(fields.duration) + " is no number of microseconds");
  }
  if (refusal_.first != nullptr) return false;
  span.start_ns = static_cast<std::uint64_t>(fields.start) * 1000;
  span.duration_ns = static_cast<std::uint64_t>(fields.duration * 1000);
  span.presence = model::kHasStart | model::kHasDuration;
  span.resource = resource_;
  span.scope = scope_;
  ApplyJaegerConventions(out_, span);
  SetJaegerReferences(references_, fields.parent, out_, span);
  return true;
}

void Decoder::Span() {
  const SpanBatch::Mark mark = out_.mark();
  ++span_number_;
  refusal_.first = nullptr;
  references_.clear();
  SpanRecord span;
  SpanFields fields;
  ScanSpan(span, fields);
  if (!in_.ok()) return;
  if (FinishSpan(fields, span)) {
    out_.spans.push_back(span);
    ++report_.accepted;
    return;
  }
  out_.Rollback(mark);
  report_.Reject(refusal_.first, "span " + std::to_string(span_number_) + ": " + refusal_.second,
                 fields.parent.empty() && references_.empty());
}

void Decoder::Spans() {
  for (std::uint32_t left = in_.List().size; left > 0 && GoOn(); --left) Span();
}

void Decoder::Process() {
  std::uint32_t seen = 0;
  for (ThriftField field; in_.Next(field);) {
    switch (field.tag()) {
      case Str(1): service_ = in_.Bytes(); break;
      case List(2): process_tags_ = Tags(); break;
      default: in_.Skip(field); continue;
    }
    seen |= std::uint32_t{1} << field.id;
  }
  Complete(seen, Fields(1), "a process lacks its service name");
}

JaegerClientStats Decoder::Stats() {
  std::uint32_t seen = 0;
  JaegerClientStats stats;
  for (ThriftField field; in_.Next(field);) {
    switch (field.tag()) {
      case I64(1): stats.full_queue = in_.I64(); break;
      case I64(2): stats.too_large = in_.I64(); break;
      case I64(3): stats.failed_to_emit = in_.I64(); break;
      default: in_.Skip(field); continue;
    }
    seen |= std::uint32_t{1} << field.id;
  }
  Complete(seen, Fields(1, 2, 3), "client statistics lack a number");
  return stats;
}

// The process may stand behind the spans, so the resource is filled in at the end: its name first,
// then copies of its tags.
void Decoder::FinishBatch(std::uint64_t accepted, JaegerBatchInfo info) {
  info.spans = report_.accepted - accepted;
  if (infos_ != nullptr) {
    if (const auto* client = FindString(out_, process_tags_, "client-uuid"))
      info.client = out_.text(static_cast<StringId>(client->bits));
    infos_->push_back(std::move(info));
  }
  if (report_.accepted == accepted) return out_.Rollback(batch_mark_);
  const std::size_t begin = out_.attributes.size();
  if (!service_.empty()) out_.AddString(keys_.Intern("service.name"), service_, true);
  out_.attributes.reserve(out_.attributes.size() + process_tags_.count);
  for (std::uint32_t i = 0; i < process_tags_.count; ++i)
    out_.attributes.push_back(out_.attributes[process_tags_.begin + i]);
  out_.resources[resource_].attributes = From(begin);
}

void Decoder::Batch() {
  batch_mark_ = out_.mark();
  service_ = {};
  process_tags_ = {};
  resource_ = static_cast<std::uint32_t>(out_.resources.size());
  scope_ = static_cast<std::uint32_t>(out_.scopes.size());
  out_.resources.emplace_back().origin = Origin::kJaeger;
  out_.scopes.emplace_back();
  const model::DecodeReport before = report_;
  std::uint32_t seen = 0;
  JaegerBatchInfo info;
  for (ThriftField field; in_.Next(field);) {
    switch (field.tag()) {
      case Struct(1): Process(); break;
      case List(2):
        if ((seen & Fields(2)) != 0) {  // the list before it doesn't count
          out_.spans.resize(batch_mark_.spans);
          report_ = before;
        }
        Spans();
        break;
      case I64(3): info.number = in_.I64(); break;
      case Struct(4): info.stats = Stats(); break;
      default: in_.Skip(field); continue;
    }
    seen |= std::uint32_t{1} << field.id;
  }
  if (Complete(seen, Fields(1, 2), "a batch lacks its process or spans"))
    FinishBatch(before.accepted, std::move(info));
}

void Decoder::Batches() {
  std::uint32_t left = in_.List().size;
  if (left > batches_left_) {
    in_.Fail("a call lists too many batches");
    return;
  }
  for (batches_left_ -= left; left > 0 && GoOn(); --left) Batch();
}

// Field 1 is the batch, or a list of them. None is no spans: generated code takes that, too.
void Decoder::Arguments(bool list) {
  for (ThriftField field; in_.Next(field);) {
    if (!list && field.tag() == Struct(1)) {
      Batch();
    } else if (list && field.tag() == List(1)) {
      Batches();
    } else {
      in_.Skip(field);
    }
  }
}

// The method that a message calls.
Result<std::string_view> Decoder::Header() {
  const ThriftMessage message = in_.Message();
  if (!in_.ok()) return in_.error();
  if (message.type != ThriftMessageType::kCall && message.type != ThriftMessageType::kOneway)
    return Error(ErrorCode::kInvalidArgument, "the Thrift message is no call");
  if (message.name != "emitBatch" && message.name != "submitBatches") {
    return Error(ErrorCode::kInvalidArgument,
                 "the Thrift message calls neither emitBatch nor submitBatches");
  }
  return message.name;
}

Result<model::DecodeReport> Decoder::Run(JaegerThriftShape shape) {
  const SpanBatch::Mark mark = out_.mark();
  const std::size_t known = infos_ == nullptr ? 0 : infos_->size();
  if (shape == JaegerThriftShape::kBatch) {
    Batch();
  } else if (shape == JaegerThriftShape::kArguments) {
    Arguments(true);
  } else {
    const auto method = Header();
    if (!method.has_value()) return method.error();
    Arguments(*method == "submitBatches");
  }
  if (in_.ok()) return std::move(report_);
  out_.Rollback(mark);
  if (infos_ != nullptr) infos_->resize(known);
  if (stop_.stopped()) return stop_.status().error();
  return in_.error();
}

}  // namespace

Result<model::DecodeReport> DecodeJaegerThrift(std::string_view message, ThriftProtocol protocol,
                                               JaegerThriftShape shape, SpanBatch& out,
                                               std::vector<JaegerBatchInfo>* batches,
                                               const JaegerThriftLimits& limits) {
  const Status room =
      CheckJaegerRoom("Jaeger Thrift", message.size(), limits.max_message_bytes, out);
  if (!room.has_value()) return room.error();
  return Decoder(message, protocol, out, batches, limits).Run(shape);
}

}  // namespace tracestore::codec
