// Scalars met twice: the last counts; messages met twice are one, as protobuf merges them.
#include "codec/jaeger/protobuf_decoder.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/stop.h"
#include "codec/jaeger/jaeger_fields.h"
#include "codec/jaeger/jaeger_span.h"
#include "codec/jaeger/known_processes.h"
#include "codec/json/resource_pool.h"
#include "codec/wire/intern_cache.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

namespace field = jaeger_field;
using model::Range;
using model::SpanBatch;
using model::SpanRecord;
using model::StringId;

constexpr std::int64_t kNanos = 1'000'000'000;

std::uint64_t BigEndian(const char* at) noexcept {
  return __builtin_bswap64(base::LoadLe<std::uint64_t>(at));
}

// Seconds and nanoseconds of a Timestamp or Duration, on top of what an earlier part has said.
struct Time {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;

  // Unix nanoseconds; nullopt for a time that they can't say.
  std::optional<std::uint64_t> unix_ns() const noexcept {
    if (seconds < 0 || nanos < 0 || nanos >= kNanos) return std::nullopt;
    std::uint64_t ns = 0;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(seconds), std::uint64_t{kNanos}, &ns) ||
        __builtin_add_overflow(ns, static_cast<std::uint64_t>(nanos), &ns)) {
      return std::nullopt;
    }
    return ns;
  }
  // Both parts of a duration have the same sign.
  std::optional<std::int64_t> duration_ns() const noexcept {
    if (nanos <= -kNanos || nanos >= kNanos) return std::nullopt;
    if ((seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0)) return std::nullopt;
    std::int64_t ns = 0;
    if (__builtin_mul_overflow(seconds, kNanos, &ns) ||
        __builtin_add_overflow(ns, std::int64_t{nanos}, &ns)) {
      return std::nullopt;
    }
    return ns;
  }
};

class Decoder {
 public:
  Decoder(std::string_view message, SpanBatch& out, const StopWhen* stop)
      : message_(message),
        out_(out),
        pool_(out),
        keys_(out.strings),
        texts_(out.strings),
        stop_(stop) {}

  // Of a request, or of spans alone.
  Result<model::DecodeReport> Run(bool request);

 private:
  // Each gives false where the bytes are no protobuf, or it is told to stop.
  bool DecodeRequest();
  bool DecodeBatches(const std::vector<std::string_view>& process,
                     const std::vector<std::string_view>& batches);
  bool DecodeSpans(std::string_view batch);
  bool DecodeSpan(std::string_view message);
  bool ScanSpan(std::string_view message, SpanRecord& span);
  bool FinishSpan(SpanRecord& span);
  bool DecodeProcess(const std::vector<std::string_view>& parts, std::uint32_t& resource);
  bool DecodeSpansProcess(std::uint32_t& resource);
  bool DecodeTag(std::string_view message);
  void AddTag(StringId key, std::int32_t type, std::uint64_t bits, std::string_view text);
  bool DecodeLog(std::string_view message);
  bool DecodeReference(std::string_view message);
  bool DecodeTime(std::string_view message, Time& time);
  bool ReadTraceId(std::string_view bytes, TraceId& id);
  bool ReadSpanId(std::string_view bytes, SpanId& id);
  void AddWarnings(SpanRecord& span);

  bool Done(const WireReader& reader) {
    if (reader.ok()) return true;
    problem_ = reader.problem();
    problem_at_ = reader.problem_at();
    return false;
  }
  // The first reason counts.
  void Refuse(const char* reason, std::string sentence) {
    if (refusal_.first == nullptr) refusal_ = {reason, std::move(sentence)};
  }
  Range From(std::size_t begin) const {
    return {static_cast<std::uint32_t>(begin),
            static_cast<std::uint32_t>(out_.attributes.size() - begin)};
  }

  std::string_view message_;
  SpanBatch& out_;
  ResourcePool pool_;
  InternCache<256> keys_;
  InternCache<512> texts_;
  KnownProcesses processes_;
  StopCheck stop_;
  std::uint32_t scope_ = 0;
  std::uint32_t batch_resource_ = 0;
  // Scratch, reused from span to span.
  std::vector<std::string_view> logs_, process_, warnings_;
  std::vector<JaegerReference> references_;
  struct SpanFields {
    std::string_view trace_id, span_id, name;
    Time start, duration;
  } in_;

  model::DecodeReport report_;
  std::pair<const char*, std::string> refusal_{nullptr, ""};
  std::uint64_t span_number_ = 0;  // of the message, the first is 1
  const char* problem_ = nullptr;
  const char* problem_at_ = nullptr;
};

bool Decoder::DecodeTime(std::string_view message, Time& time) {
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kTimeSeconds, kWireVarint):
        time.seconds = static_cast<std::int64_t>(reader.Varint());
        break;
      case WireTag(field::kTimeNanos, kWireVarint):
        time.nanos = static_cast<std::int32_t>(static_cast<std::uint32_t>(reader.Varint()));
        break;
      default: reader.Skip();
    }
  }
  return Done(reader);
}

void Decoder::AddTag(StringId key, std::int32_t type, std::uint64_t bits, std::string_view text) {
  const auto add = [&](ValueType value_type, std::uint64_t value) {
    out_.attributes.push_back({value, key, static_cast<std::uint8_t>(value_type)});
  };
  switch (type) {
    case field::kString: return add(ValueType::kString, texts_.Intern(text));
    case field::kBool: return add(ValueType::kBool, bits);
    case field::kInt64: return add(ValueType::kInt, bits);
    case field::kFloat64: return add(ValueType::kDouble, bits);
    case field::kBinary: return add(ValueType::kBytes, texts_.Intern(text));
    default: return out_.AddString(key, UnknownTagType(type));
  }
}

bool Decoder::DecodeTag(std::string_view message) {
  std::string_view key, text, binary;
  std::int32_t type = 0;
  std::uint64_t flag = 0;
  std::uint64_t integer = 0;
  std::uint64_t number = 0;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kTagKey, kWireBytes): key = reader.Bytes(); break;
      case WireTag(field::kTagType, kWireVarint):
        type = static_cast<std::int32_t>(static_cast<std::uint32_t>(reader.Varint()));
        break;
      case WireTag(field::kTagString, kWireBytes): text = reader.Bytes(); break;
      case WireTag(field::kTagBool, kWireVarint): flag = reader.Varint() != 0 ? 1 : 0; break;
      case WireTag(field::kTagInt, kWireVarint): integer = reader.Varint(); break;
      case WireTag(field::kTagDouble, kWireFixed64): number = reader.Fixed64(); break;
      case WireTag(field::kTagBinary, kWireBytes): binary = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  if (!Done(reader)) return false;
  const std::uint64_t bits = type == field::kBool ? flag : type == field::kInt64 ? integer : number;
  AddTag(keys_.Intern(key), type, bits, type == field::kBinary ? binary : text);
  return true;
}

bool Decoder::DecodeLog(std::string_view message) {
  model::EventRecord event;
  Time time;
  const std::size_t begin = out_.attributes.size();
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kLogTimestamp, kWireBytes):
        if (!DecodeTime(reader.Bytes(), time)) return false;
        break;
      case WireTag(field::kLogFields, kWireBytes):
        if (!DecodeTag(reader.Bytes())) return false;
        break;
      default: reader.Skip();
    }
  }
  if (!Done(reader)) return false;
  const auto ns = time.unix_ns();
  if (!ns) Refuse(kJaegerLogTimeRange, "a log's timestamp is no 64-bit number of nanoseconds");
  event.time_ns = ns.value_or(0);
  event.attributes = From(begin);
  if (const auto* name = FindString(out_, event.attributes, "event"))
    event.name = static_cast<StringId>(name->bits);
  out_.events.push_back(event);
  return true;
}

// Absent ids are zero, as in Jaeger; of more bytes the first count.
bool Decoder::ReadTraceId(std::string_view bytes, TraceId& id) {
  if (bytes.empty()) return true;
  if (bytes.size() < 16) return false;
  id = {BigEndian(bytes.data()), BigEndian(bytes.data() + 8)};
  return true;
}

bool Decoder::ReadSpanId(std::string_view bytes, SpanId& id) {
  if (bytes.empty()) return true;
  if (bytes.size() < 8) return false;
  id = {BigEndian(bytes.data())};
  return true;
}

bool Decoder::DecodeReference(std::string_view message) {
  std::string_view trace_id, span_id;
  std::int32_t type = 0;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kRefTraceId, kWireBytes): trace_id = reader.Bytes(); break;
      case WireTag(field::kRefSpanId, kWireBytes): span_id = reader.Bytes(); break;
      case WireTag(field::kRefType, kWireVarint):
        type = static_cast<std::int32_t>(static_cast<std::uint32_t>(reader.Varint()));
        break;
      default: reader.Skip();
    }
  }
  if (!Done(reader)) return false;
  JaegerReference reference;
  if (!ReadTraceId(trace_id, reference.trace_id) || !ReadSpanId(span_id, reference.span_id))
    Refuse(kJaegerRefIdShort, "an id of a reference is too short");
  if (type != 0 && type != 1) {
    Refuse(kJaegerBadRefType,
           "reference type " + std::to_string(type) + " is neither CHILD_OF nor FOLLOWS_FROM");
  }
  reference.type = type == 0 ? ReferenceType::kChildOf : ReferenceType::kFollowsFrom;
  references_.push_back(reference);
  return true;
}

bool Decoder::DecodeProcess(const std::vector<std::string_view>& parts, std::uint32_t& resource) {
  const SpanBatch::Mark mark = out_.mark();
  // The name comes first of the resource: its place is kept, and given up where there is none.
  out_.AddString(keys_.Intern("service.name"), "", true);
  std::string_view service;
  for (const std::string_view part : parts) {
    WireReader reader(part);
    while (reader.Next()) {
      switch (reader.tag()) {
        case WireTag(field::kProcessServiceName, kWireBytes): service = reader.Bytes(); break;
        case WireTag(field::kProcessTags, kWireBytes):
          if (!DecodeTag(reader.Bytes())) return false;
          break;
        default: reader.Skip();
      }
    }
    if (!Done(reader)) return false;
  }
  if (service.empty())
    out_.attributes.erase(out_.attributes.begin() + static_cast<std::ptrdiff_t>(mark.attributes));
  else
    out_.attributes[mark.attributes].bits = texts_.Intern(service);
  resource = pool_.Add(mark, Origin::kJaeger);
  return true;
}

// Of a span that has one.
bool Decoder::DecodeSpansProcess(std::uint32_t& resource) {
  const std::string_view bytes = process_.front();
  const bool simple = process_.size() == 1 && !bytes.empty();
  if (const std::uint32_t* const known = simple ? processes_.Find(bytes) : nullptr) {
    resource = *known;
    return true;
  }
  if (!DecodeProcess(process_, resource)) return false;
  if (simple) processes_.Add(bytes, resource);
  return true;
}

bool Decoder::ScanSpan(std::string_view message, SpanRecord& span) {
  in_ = {};
  logs_.clear();
  process_.clear();
  warnings_.clear();
  references_.clear();
  const std::size_t begin = out_.attributes.size();
  WireReader reader(message);
  while (reader.Next()) {
    bool good = true;
    switch (reader.tag()) {
      case WireTag(field::kSpanTraceId, kWireBytes): in_.trace_id = reader.Bytes(); break;
      case WireTag(field::kSpanSpanId, kWireBytes): in_.span_id = reader.Bytes(); break;
      case WireTag(field::kSpanOperationName, kWireBytes): in_.name = reader.Bytes(); break;
      case WireTag(field::kSpanReferences, kWireBytes):
        good = DecodeReference(reader.Bytes());
        break;
      case WireTag(field::kSpanFlags, kWireVarint):
        span.flags = static_cast<std::uint32_t>(reader.Varint());
        break;
      case WireTag(field::kSpanStartTime, kWireBytes):
        good = DecodeTime(reader.Bytes(), in_.start);
        break;
      case WireTag(field::kSpanDuration, kWireBytes):
        good = DecodeTime(reader.Bytes(), in_.duration);
        break;
      case WireTag(field::kSpanTags, kWireBytes): good = DecodeTag(reader.Bytes()); break;
      case WireTag(field::kSpanLogs, kWireBytes): logs_.push_back(reader.Bytes()); break;
      case WireTag(field::kSpanProcess, kWireBytes): process_.push_back(reader.Bytes()); break;
      case WireTag(field::kSpanWarnings, kWireBytes): warnings_.push_back(reader.Bytes()); break;
      default: reader.Skip();
    }
    if (!good) return false;
  }
  span.attributes = From(begin);
  return Done(reader);
}

void Decoder::AddWarnings(SpanRecord& span) {
  for (const std::string_view warning : warnings_)
    out_.AddString(keys_.Intern("jaeger.warning"), warning, true);
  span.attributes.count += static_cast<std::uint32_t>(warnings_.size());
}

// Checks and completes a span that was scanned; false where it is refused.
bool Decoder::FinishSpan(SpanRecord& span) {
  if (!ReadTraceId(in_.trace_id, span.trace_id)) {
    Refuse(kJaegerTraceIdShort,
           "trace id is " + std::to_string(in_.trace_id.size()) + " bytes long, not 16");
  } else if (span.trace_id.empty()) {
    Refuse(kJaegerNoTraceId, "its trace id is all zeros");
  }
  const auto of_trace = [&] { return " (trace " + span.trace_id.ToHex() + ")"; };
  if (!ReadSpanId(in_.span_id, span.span_id)) {
    Refuse(kJaegerSpanIdShort,
           "span id is " + std::to_string(in_.span_id.size()) + " bytes long, not 8" + of_trace());
  } else if (span.span_id.empty()) {
    Refuse(kJaegerNoSpanId, "its span id is all zeros" + of_trace());
  }
  const auto start = in_.start.unix_ns();
  const auto duration = in_.duration.duration_ns();
  if (!start) Refuse(kJaegerStartRange, "its start time is no 64-bit number of nanoseconds");
  if (!duration) Refuse(kJaegerDurationRange, "its duration is no 64-bit number of nanoseconds");
  if (refusal_.first != nullptr) return false;
  span.start_ns = *start;
  span.duration_ns = static_cast<std::uint64_t>(*duration);
  span.presence = model::kHasStart | model::kHasDuration;
  span.name = texts_.Intern(in_.name);
  span.scope = scope_;
  ApplyJaegerConventions(out_, span);
  AddWarnings(span);
  SetJaegerReferences(references_, {}, out_, span);
  return true;
}

bool Decoder::DecodeSpan(std::string_view message) {
  const SpanBatch::Mark mark = out_.mark();
  ++span_number_;
  refusal_.first = nullptr;
  SpanRecord span;
  if (!ScanSpan(message, span)) return false;
  bool kept = FinishSpan(span);
  span.events.begin = static_cast<std::uint32_t>(out_.events.size());
  for (const std::string_view log : logs_)
    if (!DecodeLog(log)) return false;
  span.events.count = static_cast<std::uint32_t>(logs_.size());
  kept = kept && refusal_.first == nullptr;
  if (!kept) out_.Rollback(mark);
  span.resource = batch_resource_;
  if (!process_.empty() && !DecodeSpansProcess(span.resource)) return false;
  if (kept) {
    out_.spans.push_back(span);
    ++report_.accepted;
  } else {
    report_.Reject(refusal_.first, "span " + std::to_string(span_number_) + ": " + refusal_.second,
                   references_.empty());
  }
  return true;
}

bool Decoder::DecodeSpans(std::string_view batch) {
  WireReader reader(batch);
  while (reader.Next()) {
    if (stop_.Step()) return false;
    if (reader.tag() == WireTag(field::kBatchSpans, kWireBytes)) {
      const std::string_view span = reader.Bytes();
      if (reader.ok() && !DecodeSpan(span)) return false;
    } else {
      reader.Skip();
    }
  }
  return Done(reader);
}

// The process may stand behind the spans, so it is looked for first.
bool Decoder::DecodeRequest() {
  std::vector<std::string_view> batches;
  WireReader request(message_);
  while (request.Next()) {
    if (request.tag() == WireTag(field::kRequestBatch, kWireBytes)) {
      batches.push_back(request.Bytes());
    } else {
      request.Skip();
    }
  }
  if (!Done(request)) return false;
  std::vector<std::string_view> process;
  for (const std::string_view batch : batches) {
    WireReader reader(batch);
    while (reader.Next()) {
      if (reader.tag() == WireTag(field::kBatchProcess, kWireBytes)) {
        process.push_back(reader.Bytes());
      } else {
        reader.Skip();
      }
    }
    if (!Done(reader)) return false;
  }
  return DecodeBatches(process, batches);
}

bool Decoder::DecodeBatches(const std::vector<std::string_view>& process,
                            const std::vector<std::string_view>& batches) {
  if (!DecodeProcess(process, batch_resource_)) return false;
  scope_ = static_cast<std::uint32_t>(out_.scopes.size());
  out_.scopes.emplace_back();
  for (const std::string_view batch : batches)
    if (!DecodeSpans(batch)) return false;
  return true;
}

Result<model::DecodeReport> Decoder::Run(bool request) {
  const SpanBatch::Mark mark = out_.mark();
  const bool good = request ? DecodeRequest() : DecodeBatches({}, {message_});
  if (!good || report_.accepted == 0) out_.Rollback(mark);
  if (good) return std::move(report_);
  if (stop_.stopped()) return stop_.status().error();
  return Error(ErrorCode::kInvalidArgument, "Jaeger protobuf is malformed at byte " +
                                                std::to_string(problem_at_ - message_.data()) +
                                                " of " + std::to_string(message_.size()) + ": " +
                                                problem_);
}

}  // namespace

Result<model::DecodeReport> DecodeJaegerProtobuf(std::string_view message, SpanBatch& out,
                                                 const JaegerProtobufLimits& limits) {
  const Status room =
      CheckJaegerRoom("Jaeger protobuf", message.size(), limits.max_message_bytes, out);
  if (!room.has_value()) return room.error();
  return Decoder(message, out, limits.stop).Run(true);
}

Result<model::DecodeReport> DecodeJaegerSpans(std::string_view message, SpanBatch& out,
                                              const JaegerProtobufLimits& limits) {
  const Status room =
      CheckJaegerRoom("Jaeger protobuf", message.size(), limits.max_message_bytes, out);
  if (!room.has_value()) return room.error();
  return Decoder(message, out, limits.stop).Run(false);
}

}  // namespace tracestore::codec
