#include "codec/otlp/protobuf_decoder.h"

#include <string>
#include <utility>
#include <vector>

#include "base/stop.h"
#include "codec/wire/intern_cache.h"
#include "codec/otlp/otlp_fields.h"
#include "codec/otlp/span_rules.h"
#include "codec/otlp/value_decoder.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

namespace field = otlp_field;
using model::Range;
using model::SpanBatch;
using model::SpanRecord;

// Whether to go on. kReject: this span (or what its spans stand under) breaks a rule, told in
// refusal_. kMalformed: the message can't be read on, told in problem_, or stop_ says to stop.
enum class Step : std::uint8_t { kGoOn, kReject, kMalformed };

// The batch of one message. Lists of a span are decoded one after the other (the attributes while
// its fields are scanned, events and links from views afterwards), so that each owner's attributes
// stand together although their fields may be mixed on the wire.
class Decoder {
 public:
  Decoder(std::string_view message, SpanBatch& out, const StopWhen* stop)
      : message_(message), out_(out), keys_(out.strings), texts_(out.strings), stop_(stop) {}

  Result<model::DecodeReport> Run() {
    const SpanBatch::Mark mark = out_.mark();
    WireReader reader(message_);
    while (reader.Next()) {
      if (reader.tag() != WireTag(field::kRequestResourceSpans, kWireBytes)) {
        reader.Skip();
        continue;
      }
      const std::string_view part = reader.Bytes();
      if (reader.ok() && DecodeResourceSpans(part) == Step::kMalformed) break;
    }
    if (!reader.ok()) Malformed(reader);
    if (problem_ == nullptr && !stop_.stopped()) return std::move(report_);
    out_.Rollback(mark);
    if (stop_.stopped()) return stop_.status().error();
    return Error(ErrorCode::kInvalidArgument, "OTLP message is malformed at byte " +
                                                  std::to_string(problem_at_ - message_.data()) +
                                                  " of " + std::to_string(message_.size()) + ": " +
                                                  problem_);
  }

 private:
  Step Malformed(const WireReader& reader) {
    problem_ = reader.problem();
    problem_at_ = reader.problem_at();
    return Step::kMalformed;
  }
  Step Done(const WireReader& reader) { return reader.ok() ? Step::kGoOn : Malformed(reader); }
  Step Reject(const char* reason, std::string sentence) {
    refusal_ = {reason, std::move(sentence)};
    return Step::kReject;
  }

  Range From(std::size_t begin) const {
    return {static_cast<std::uint32_t>(begin),
            static_cast<std::uint32_t>(out_.attributes.size() - begin)};
  }

  Step DecodeResourceSpans(std::string_view message);
  Step DecodeResource(const std::vector<std::string_view>& parts, model::ResourceRecord& resource);
  Step DecodeScopeSpans(std::string_view message, bool refused);
  Step DecodeScope(const std::vector<std::string_view>& parts, model::ScopeRecord& scope);
  Step DecodeSpans(std::string_view scope_spans, bool refused);
  Step DecodeSpan(std::string_view message);
  Step ScanSpan(std::string_view message, SpanRecord& span);
  Step CheckIds(SpanRecord& span);
  Step DecodeEvents(SpanRecord& span);
  Step DecodeEvent(std::string_view message);
  Step DecodeLinks(SpanRecord& span);
  Step DecodeLink(std::string_view message);
  Step DecodeStatus(std::string_view message, std::string_view& text, std::uint64_t& code);
  static bool ReadPlainAttribute(std::string_view message, std::string_view& key,
                                 DecodedValue& value) noexcept;
  Step DecodeAttribute(std::string_view message);
  void AddAttribute(std::string_view key, const DecodedValue& value);
  void RefuseSpan(bool is_root = false);

  std::string_view message_;
  SpanBatch& out_;
  InternCache<256> keys_;
  InternCache<1024> texts_;
  StopCheck stop_;
  ValueDecoder values_;
  // Scratch, reused from span to span.
  std::string unknown_;
  std::vector<std::string_view> events_;
  std::vector<std::string_view> links_;
  std::vector<std::string_view> parts_;
  struct SpanTexts {
    std::string_view trace_id, span_id, parent_id, name, trace_state, status_message;
    std::uint64_t kind = 0;
    std::uint64_t status = 0;
    std::uint64_t start_ns = 0;
    std::uint64_t end_ns = 0;
  } in_;

  model::DecodeReport report_;
  std::pair<const char*, std::string> refusal_;  // reason to count, sentence
  std::uint64_t span_number_ = 0;                // of the message, the first is 1
  const char* problem_ = nullptr;
  const char* problem_at_ = nullptr;
};

void Decoder::RefuseSpan(bool is_root) {
  report_.Reject(refusal_.first, "span " + std::to_string(span_number_) + ": " + refusal_.second,
                 is_root);
}

Step Decoder::DecodeResourceSpans(std::string_view message) {
  if (stop_.Step()) return Step::kMalformed;
  // The resource may stand behind the spans, or in several parts that are one message.
  parts_.clear();
  std::string_view schema_url;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kResourceSpansResource, kWireBytes):
        parts_.push_back(reader.Bytes());
        break;
      case WireTag(field::kResourceSpansSchemaUrl, kWireBytes): schema_url = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  if (!reader.ok()) return Malformed(reader);
  model::ResourceRecord resource;
  const SpanBatch::Mark mark = out_.mark();
  const Step step = DecodeResource(parts_, resource);
  if (step == Step::kMalformed) return step;
  resource.schema_url = texts_.Intern(schema_url);
  out_.resources.push_back(resource);
  const std::uint64_t accepted = report_.accepted;

  reader = WireReader(message);
  while (reader.Next()) {
    if (reader.tag() != WireTag(field::kResourceSpansScopeSpans, kWireBytes)) {
      reader.Skip();
      continue;
    }
    if (DecodeScopeSpans(reader.Bytes(), step == Step::kReject) == Step::kMalformed)
      return Step::kMalformed;
  }
  if (report_.accepted == accepted) out_.Rollback(mark);
  return Step::kGoOn;
}

Step Decoder::DecodeResource(const std::vector<std::string_view>& parts,
                             model::ResourceRecord& resource) {
  const std::size_t begin = out_.attributes.size();
  unknown_.clear();
  Step outcome = Step::kGoOn;
  for (const std::string_view part : parts) {
    WireReader reader(part);
    while (reader.Next()) {
      switch (reader.tag()) {
        case WireTag(field::kResourceAttributes, kWireBytes): {
          const std::string_view attribute = reader.Bytes();
          const Step step = reader.ok() ? DecodeAttribute(attribute) : Step::kGoOn;
          if (step == Step::kMalformed) return step;
          if (step == Step::kReject) outcome = step;
          break;
        }
        case WireTag(field::kResourceDroppedAttributes, kWireVarint):
          resource.dropped_attributes = static_cast<std::uint32_t>(reader.Varint());
          break;
        default: unknown_ += reader.SkipRaw();
      }
    }
    if (!reader.ok()) return Malformed(reader);
  }
  resource.attributes = From(begin);
  resource.unknown_fields = out_.strings.Intern(unknown_);
  return outcome;
}

Step Decoder::DecodeScopeSpans(std::string_view message, bool refused) {
  if (stop_.Step()) return Step::kMalformed;
  parts_.clear();
  std::string_view schema_url;
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kScopeSpansScope, kWireBytes): parts_.push_back(reader.Bytes()); break;
      case WireTag(field::kScopeSpansSchemaUrl, kWireBytes): schema_url = reader.Bytes(); break;
      default: reader.Skip();
    }
  }
  if (!reader.ok()) return Malformed(reader);
  model::ScopeRecord scope;
  const SpanBatch::Mark mark = out_.mark();
  // What was refused of the resource is what is told of its spans.
  const auto refusal = refusal_;
  const Step step = DecodeScope(parts_, scope);
  if (step == Step::kMalformed) return step;
  if (refused) refusal_ = refusal;
  scope.schema_url = texts_.Intern(schema_url);
  out_.scopes.push_back(scope);
  const std::uint64_t accepted = report_.accepted;
  if (DecodeSpans(message, refused || step == Step::kReject) == Step::kMalformed)
    return Step::kMalformed;
  if (report_.accepted == accepted) out_.Rollback(mark);
  if (refused) refusal_ = refusal;
  return Step::kGoOn;
}

Step Decoder::DecodeScope(const std::vector<std::string_view>& parts, model::ScopeRecord& scope) {
  const std::size_t begin = out_.attributes.size();
  unknown_.clear();
  Step outcome = Step::kGoOn;
  std::string_view name;
  std::string_view version;
  for (const std::string_view part : parts) {
    WireReader reader(part);
    while (reader.Next()) {
      switch (reader.tag()) {
        case WireTag(field::kScopeName, kWireBytes): name = reader.Bytes(); break;
        case WireTag(field::kScopeVersion, kWireBytes): version = reader.Bytes(); break;
        case WireTag(field::kScopeAttributes, kWireBytes): {
          const std::string_view attribute = reader.Bytes();
          const Step step = reader.ok() ? DecodeAttribute(attribute) : Step::kGoOn;
          if (step == Step::kMalformed) return step;
          if (step == Step::kReject) outcome = step;
          break;
        }
        case WireTag(field::kScopeDroppedAttributes, kWireVarint):
          scope.dropped_attributes = static_cast<std::uint32_t>(reader.Varint());
          break;
        default: unknown_ += reader.SkipRaw();
      }
    }
    if (!reader.ok()) return Malformed(reader);
  }
  scope.name = texts_.Intern(name);
  scope.version = texts_.Intern(version);
  scope.attributes = From(begin);
  scope.unknown_fields = out_.strings.Intern(unknown_);
  return outcome;
}

Step Decoder::DecodeSpans(std::string_view scope_spans, bool refused) {
  WireReader reader(scope_spans);
  while (reader.Next()) {
    if (reader.tag() != WireTag(field::kScopeSpansSpans, kWireBytes)) {
      reader.Skip();
      continue;
    }
    const std::string_view span = reader.Bytes();
    if (stop_.Step()) return Step::kMalformed;
    ++span_number_;
    if (refused) {
      RefuseSpan();
      continue;
    }
    const SpanBatch::Mark mark = out_.mark();
    const Step step = DecodeSpan(span);
    if (step == Step::kMalformed) return step;
    if (step == Step::kGoOn) {
      ++report_.accepted;
    } else {
      out_.Rollback(mark);
      RefuseSpan(in_.parent_id.empty());
    }
  }
  return Step::kGoOn;
}

Step Decoder::DecodeSpan(std::string_view message) {
  SpanRecord span;
  Step step = ScanSpan(message, span);
  if (step == Step::kGoOn) step = CheckIds(span);
  if (step != Step::kGoOn) return step;
  span.name = texts_.Intern(in_.name);
  span.trace_state = texts_.Intern(in_.trace_state);
  span.status_message = texts_.Intern(in_.status_message);
  KeepKindAndStatus(in_.kind, in_.status, span, unknown_);
  if (!unknown_.empty()) span.unknown_fields = out_.strings.Intern(unknown_);
  SetOtlpTimes(in_.start_ns, in_.end_ns, span);
  span.resource = static_cast<std::uint32_t>(out_.resources.size() - 1);
  span.scope = static_cast<std::uint32_t>(out_.scopes.size() - 1);
  step = DecodeEvents(span);
  if (step == Step::kGoOn) step = DecodeLinks(span);
  if (step == Step::kGoOn) out_.spans.push_back(span);
  return step;
}

Step Decoder::ScanSpan(std::string_view message, SpanRecord& span) {
  in_ = {};
  unknown_.clear();
  events_.clear();
  links_.clear();
  const std::size_t begin = out_.attributes.size();
  Step refused = Step::kGoOn;
  WireReader reader(message);
  while (reader.Next()) {
    Step step = Step::kGoOn;
    switch (reader.tag()) {
      case WireTag(field::kSpanTraceId, kWireBytes): in_.trace_id = reader.Bytes(); break;
      case WireTag(field::kSpanSpanId, kWireBytes): in_.span_id = reader.Bytes(); break;
      case WireTag(field::kSpanTraceState, kWireBytes): in_.trace_state = reader.Bytes(); break;
      case WireTag(field::kSpanParentSpanId, kWireBytes): in_.parent_id = reader.Bytes(); break;
      case WireTag(field::kSpanName, kWireBytes): in_.name = reader.Bytes(); break;
      case WireTag(field::kSpanKind, kWireVarint): in_.kind = reader.Varint(); break;
      case WireTag(field::kSpanStartTime, kWireFixed64): in_.start_ns = reader.Fixed64(); break;
      case WireTag(field::kSpanEndTime, kWireFixed64): in_.end_ns = reader.Fixed64(); break;
      case WireTag(field::kSpanAttributes, kWireBytes):
        step = DecodeAttribute(reader.Bytes());
        break;
      case WireTag(field::kSpanDroppedAttributes, kWireVarint):
        span.dropped_attributes = static_cast<std::uint32_t>(reader.Varint());
        break;
      case WireTag(field::kSpanEvents, kWireBytes): events_.push_back(reader.Bytes()); break;
      case WireTag(field::kSpanDroppedEvents, kWireVarint):
        span.dropped_events = static_cast<std::uint32_t>(reader.Varint());
        break;
      case WireTag(field::kSpanLinks, kWireBytes): links_.push_back(reader.Bytes()); break;
      case WireTag(field::kSpanDroppedLinks, kWireVarint):
        span.dropped_links = static_cast<std::uint32_t>(reader.Varint());
        break;
      case WireTag(field::kSpanStatus, kWireBytes):
        step = DecodeStatus(reader.Bytes(), in_.status_message, in_.status);
        break;
      case WireTag(field::kSpanFlags, kWireFixed32): span.flags = reader.Fixed32(); break;
      default: unknown_ += reader.SkipRaw();
    }
    if (step == Step::kMalformed) return step;
    if (step == Step::kReject) refused = step;
  }
  span.attributes = From(begin);
  return reader.ok() ? refused : Malformed(reader);
}

Step Decoder::CheckIds(SpanRecord& span) {
  const IdProblem problem = ReadSpanIds(in_.trace_id, in_.span_id, in_.parent_id, span);
  if (problem.reason == nullptr) return Step::kGoOn;
  return Reject(problem.reason, problem.sentence);
}

Step Decoder::DecodeEvents(SpanRecord& span) {
  span.events = {static_cast<std::uint32_t>(out_.events.size()),
                 static_cast<std::uint32_t>(events_.size())};
  for (const std::string_view event : events_) {
    const Step step = DecodeEvent(event);
    if (step != Step::kGoOn) return step;
  }
  return Step::kGoOn;
}

Step Decoder::DecodeEvent(std::string_view message) {
  model::EventRecord event;
  const std::size_t begin = out_.attributes.size();
  std::string_view name;
  unknown_.clear();
  WireReader reader(message);
  while (reader.Next()) {
    Step step = Step::kGoOn;
    switch (reader.tag()) {
      case WireTag(field::kEventTime, kWireFixed64): event.time_ns = reader.Fixed64(); break;
      case WireTag(field::kEventName, kWireBytes): name = reader.Bytes(); break;
      case WireTag(field::kEventAttributes, kWireBytes):
        step = DecodeAttribute(reader.Bytes());
        break;
      case WireTag(field::kEventDroppedAttributes, kWireVarint):
        event.dropped_attributes = static_cast<std::uint32_t>(reader.Varint());
        break;
      default: unknown_ += reader.SkipRaw();
    }
    if (step != Step::kGoOn) return step;
  }
  event.name = texts_.Intern(name);
  event.attributes = From(begin);
  if (!unknown_.empty()) event.unknown_fields = out_.strings.Intern(unknown_);
  out_.events.push_back(event);
  return Done(reader);
}

Step Decoder::DecodeLinks(SpanRecord& span) {
  span.references = {static_cast<std::uint32_t>(out_.references.size()),
                     static_cast<std::uint32_t>(links_.size())};
  for (const std::string_view link : links_) {
    const Step step = DecodeLink(link);
    if (step != Step::kGoOn) return step;
  }
  return Step::kGoOn;
}

Step Decoder::DecodeLink(std::string_view message) {
  model::ReferenceRecord link;
  const std::size_t begin = out_.attributes.size();
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view trace_state;
  unknown_.clear();
  WireReader reader(message);
  while (reader.Next()) {
    Step step = Step::kGoOn;
    switch (reader.tag()) {
      case WireTag(field::kLinkTraceId, kWireBytes): trace_id = reader.Bytes(); break;
      case WireTag(field::kLinkSpanId, kWireBytes): span_id = reader.Bytes(); break;
      case WireTag(field::kLinkTraceState, kWireBytes): trace_state = reader.Bytes(); break;
      case WireTag(field::kLinkAttributes, kWireBytes):
        step = DecodeAttribute(reader.Bytes());
        break;
      case WireTag(field::kLinkDroppedAttributes, kWireVarint):
        link.dropped_attributes = static_cast<std::uint32_t>(reader.Varint());
        break;
      case WireTag(field::kLinkFlags, kWireFixed32): link.flags = reader.Fixed32(); break;
      default: unknown_ += reader.SkipRaw();
    }
    if (step != Step::kGoOn) return step;
  }
  if (!reader.ok()) return Malformed(reader);
  const IdProblem problem = ReadLinkIds(trace_id, span_id, link);
  if (problem.reason != nullptr) return Reject(problem.reason, problem.sentence);
  link.trace_state = texts_.Intern(trace_state);
  link.attributes = From(begin);
  if (!unknown_.empty()) link.unknown_fields = out_.strings.Intern(unknown_);
  out_.references.push_back(link);
  return Step::kGoOn;
}

// On top of what an earlier part of the same status has said.
Step Decoder::DecodeStatus(std::string_view message, std::string_view& text, std::uint64_t& code) {
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kStatusMessage, kWireBytes): text = reader.Bytes(); break;
      case WireTag(field::kStatusCode, kWireVarint): code = reader.Varint(); break;
      default: reader.Skip();
    }
  }
  return Done(reader);
}

Step Decoder::DecodeAttribute(std::string_view message) {
  DecodedValue plain;
  std::string_view plain_key;
  if (ReadPlainAttribute(message, plain_key, plain)) {
    AddAttribute(plain_key, plain);
    return Step::kGoOn;
  }
  std::string_view key;
  DecodedValue value;
  WireReader reader(message);
  Step refused = Step::kGoOn;
  while (reader.Next()) {
    switch (reader.tag()) {
      case WireTag(field::kKeyValueKey, kWireBytes): key = reader.Bytes(); break;
      case WireTag(field::kKeyValueValue, kWireBytes): {
        const ValueDecoder::Outcome outcome = values_.Decode(reader.Bytes(), value);
        if (outcome == ValueDecoder::Outcome::kOk) break;
        if (outcome == ValueDecoder::Outcome::kTooDeep) {
          refused = Reject(kValueTooDeep, TooDeepSentence(key));
          break;
        }
        problem_ = values_.problem();
        problem_at_ = values_.problem_at();
        return Step::kMalformed;
      }
      default: reader.Skip();
    }
  }
  if (!reader.ok()) return Malformed(reader);
  if (refused == Step::kGoOn) AddAttribute(key, value);
  return refused;
}

// The one form in which SDKs write nearly every attribute: a key and a scalar, once each, in this
// order, both shorter than 128 bytes. False for everything else, which says nothing of its
// validity.
bool Decoder::ReadPlainAttribute(std::string_view message, std::string_view& key,
                                 DecodedValue& value) noexcept {
  constexpr auto kKey = static_cast<char>(WireTag(field::kKeyValueKey, kWireBytes));
  constexpr auto kValue = static_cast<char>(WireTag(field::kKeyValueValue, kWireBytes));
  const char* const begin = message.data();
  const std::size_t size = message.size();
  if (size < 4 || begin[0] != kKey) return false;
  const auto key_size = static_cast<std::uint8_t>(begin[1]);
  const std::size_t at = std::size_t{2} + key_size;  // of the value's tag
  if (key_size >= 0x80 || at + 4 > size || begin[at] != kValue) return false;
  // A length of 128 and more has its high bit set and can't equal what is left.
  const std::size_t rest = size - at - 2;
  if (rest >= 0x80 || static_cast<std::uint8_t>(begin[at + 1]) != rest) return false;
  key = {begin + 2, key_size};
  const char* const any = begin + at + 2;  // at least two bytes
  switch (any[0]) {
    case static_cast<char>(WireTag(field::kAnyString, kWireBytes)):
      if (static_cast<std::uint8_t>(any[1]) != rest - 2) return false;
      value = {ValueType::kString, 0, {any + 2, rest - 2}};
      return true;
    case static_cast<char>(WireTag(field::kAnyInt, kWireVarint)): {
      WireReader reader({any + 1, rest - 1});
      value = {ValueType::kInt, reader.Varint(), {}};
      return reader.done();
    }
    case static_cast<char>(WireTag(field::kAnyBool, kWireVarint)):
      value = {ValueType::kBool, any[1] != 0 ? 1U : 0U, {}};
      return rest == 2 && static_cast<std::uint8_t>(any[1]) < 0x80;
    case static_cast<char>(WireTag(field::kAnyDouble, kWireFixed64)):
      if (rest != 9) return false;
      value = {ValueType::kDouble, base::LoadLe<std::uint64_t>(any + 1), {}};
      return true;
    default: return false;
  }
}

void Decoder::AddAttribute(std::string_view key, const DecodedValue& value) {
  const model::StringId key_id = keys_.Intern(key);
  std::uint64_t bits = value.bits;
  switch (value.type) {
    case ValueType::kString:
    case ValueType::kBytes: bits = texts_.Intern(value.text); break;
    case ValueType::kArray:
    case ValueType::kMap: bits = out_.strings.Intern(values_.blob()); break;
    default: break;
  }
  out_.attributes.push_back({bits, key_id, static_cast<std::uint8_t>(value.type)});
}

}  // namespace

Result<model::DecodeReport> DecodeOtlpProtobuf(std::string_view message, model::SpanBatch& out,
                                               const OtlpLimits& limits) {
  const Status room = CheckOtlpRoom(message.size(), limits.max_message_bytes, out);
  if (!room.has_value()) return room.error();
  return Decoder(message, out, limits.stop).Run();
}

}  // namespace tracestore::codec
