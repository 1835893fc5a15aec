#include "codec/testing/arbitrary_batch.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

using model::Attribute;
using model::Range;
using model::SpanBatch;
using model::SpanRecord;

constexpr std::uint64_t kNoon = 1700000000000000000ULL;  // Unix nanoseconds, November 2023

class Generator {
 public:
  Generator(std::uint64_t seed, const ArbitraryOptions& options)
      : random_(seed), options_(options) {}

  SpanBatch Run() {
    MakeResources();
    MakeScopes();
    for (std::uint32_t i = 0; i < std::max(1U, options_.traces); ++i) traces_.push_back(NewTrace());
    for (std::uint32_t i = 0; i < options_.spans; ++i) MakeSpan();
    return std::move(batch_);
  }

 private:
  bool otlp(const model::ResourceRecord& resource) const {
    return resource.origin == Origin::kOtlp || options_.beyond_origin;
  }
  model::StringId Intern(std::string_view text) { return batch_.strings.Intern(text); }
  model::StringId Text() { return Intern(ArbitraryText(random_, options_)); }
  model::StringId TextOrNone(unsigned percent) { return random_.Percent(percent) ? Text() : 0; }
  std::uint32_t Number32() {
    if (random_.Percent(70)) return 0;
    return random_.Percent(20) ? 0xFFFFFFFFU : static_cast<std::uint32_t>(random_.Below(1000));
  }

  TraceId NewTrace() {
    TraceId id{random_.Percent(30) ? 0 : random_.Next(), random_.Next()};
    if (options_.weird_graph && random_.Percent(10)) id.low = 1 + random_.Below(3);
    return id.empty() ? TraceId{0, 1} : id;
  }
  SpanId NewSpanId() {
    const SpanId id{options_.weird_graph && random_.Percent(20) ? 1 + random_.Below(20)
                                                                : random_.Next()};
    return id.empty() ? SpanId{1} : id;
  }

  Range From(std::size_t begin) const {
    return {static_cast<std::uint32_t>(begin),
            static_cast<std::uint32_t>(batch_.attributes.size() - begin)};
  }

  // Fields of numbers no version of the protocol has used: a varint, a fixed32 and a length.
  model::StringId Unknown(bool allowed) {
    if (!allowed || !random_.Percent(15)) return 0;
    std::string bytes;
    base::ByteWriter writer(bytes);
    writer.Varint((100U << 3) | 0);
    writer.Varint(random_.Next());
    if (random_.Percent(50)) {
      writer.Varint((101U << 3) | 5);
      writer.U32(7);
    }
    if (random_.Percent(50)) {
      writer.Varint((20000U << 3) | 2);
      writer.Bytes("later");
    }
    return Intern(bytes);
  }
  model::StringId OtlpUnknown(const model::ResourceRecord& resource) {
    return Unknown(options_.unknown_fields && otlp(resource));
  }

  void AddAttribute(model::StringId key, unsigned types, bool synthetic) {
    switch (random_.Below(types)) {
      case 0: batch_.AddString(key, ArbitraryText(random_, options_), synthetic); break;
      case 1: batch_.AddBool(key, random_.Percent(50), synthetic); break;
      case 2: batch_.AddInt(key, ArbitraryInt(random_), synthetic); break;
      case 3: batch_.AddDouble(key, ArbitraryDouble(random_), synthetic); break;
      case 4: {
        std::string bytes(random_.Below(9), '\0');
        for (char& byte : bytes) byte = static_cast<char>(random_.Next());
        batch_.AddBlob(key, ValueType::kBytes, bytes, synthetic);
        break;
      }
      case 5:
      case 6: {
        const ValueType type = random_.Percent(50) ? ValueType::kArray : ValueType::kMap;
        batch_.AddBlob(key, type, ArbitraryValueBlob(random_, options_, type), synthetic);
        break;
      }
      default:
        batch_.attributes.push_back(
            {0, key, static_cast<std::uint8_t>(synthetic ? model::kSyntheticBit : 0)});
    }
  }

  // A key that none of the formats gives a meaning to.
  std::string FreeKey() {
    static constexpr std::array<std::string_view, 14> kTaken{
        "span.kind",     "error",         "otel.status_code", "otel.status_description",
        "service.name",  "event",         "jaeger.warning",   "peer.service",
        "net.peer.ip",   "net.peer.port", "net.host.ip",      "net.host.port",
        "zipkin.shared", "zipkin.debug"};
    std::string key = ArbitraryText(random_, options_);
    if (std::find(kTaken.begin(), kTaken.end(), key) != kTaken.end()) key += "_";
    return key;
  }

  // OTLP: any type, keys may repeat. Jaeger: five types. Zipkin: strings under distinct keys.
  void AddPlain(Origin origin) {
    const std::uint64_t count = random_.Below(options_.max_attributes + 1ULL);
    const std::size_t begin = batch_.attributes.size();
    for (std::uint64_t i = 0; i < count; ++i) {
      const bool any = origin == Origin::kOtlp || options_.beyond_origin;
      const model::StringId key = Intern(any ? ArbitraryText(random_, options_) : FreeKey());
      const bool synthetic = options_.beyond_origin && random_.Percent(10);
      if (origin == Origin::kZipkin && !options_.beyond_origin) {
        const auto same = [&](const Attribute& attribute) { return attribute.key == key; };
        if (std::any_of(batch_.attributes.begin() + static_cast<std::ptrdiff_t>(begin),
                        batch_.attributes.end(), same)) {
          continue;
        }
        batch_.AddString(key, ArbitraryText(random_, options_));
      } else {
        AddAttribute(key, any ? 8 : 5, synthetic);
      }
    }
  }

  void MakeResources() {
    for (std::uint32_t i = 0; i < std::max(1U, options_.resources); ++i) {
      model::ResourceRecord resource;
      resource.origin =
          options_.beyond_origin ? static_cast<Origin>(random_.Below(3)) : options_.origin;
      const std::size_t begin = batch_.attributes.size();
      const std::string service = "service-" + std::to_string(random_.Below(10));
      const bool zipkin = resource.origin == Origin::kZipkin;
      if (resource.origin == Origin::kOtlp) {
        if (random_.Percent(80)) batch_.AddString(Intern("service.name"), service);
        AddPlain(Origin::kOtlp);
      } else if (zipkin) {
        if (random_.Percent(80)) batch_.AddString(Intern("service.name"), service, true);
        AddEndpoint("net.host.ip", "net.host.port");
      } else {
        batch_.AddString(Intern("service.name"), service, true);
        AddPlain(Origin::kJaeger);
      }
      resource.attributes = From(begin);
      if (otlp(resource)) {
        resource.dropped_attributes = Number32();
        resource.schema_url = TextOrNone(30);
        resource.unknown_fields = OtlpUnknown(resource);
      }
      batch_.resources.push_back(resource);
    }
  }

  void AddEndpoint(std::string_view ip, std::string_view port) {
    if (random_.Percent(50))
      batch_.AddString(Intern(ip), "10.0.0." + std::to_string(random_.Below(256)), true);
    if (random_.Percent(20))
      batch_.AddString(Intern(ip), random_.Percent(50) ? "::1" : "2001:db8::c001", true);
    if (random_.Percent(40))
      batch_.AddInt(Intern(port), static_cast<std::int64_t>(1 + random_.Below(65535)), true);
  }

  void MakeScopes() {
    const bool rich = options_.origin == Origin::kOtlp || options_.beyond_origin;
    for (std::uint32_t i = 0; i < (rich ? std::max(1U, options_.scopes) : 1U); ++i) {
      model::ScopeRecord scope;
      const std::size_t begin = batch_.attributes.size();
      if (rich && !random_.Percent(20)) {
        scope.name = Text();
        scope.version = TextOrNone(60);
        AddPlain(Origin::kOtlp);
        scope.dropped_attributes = Number32();
        scope.schema_url = TextOrNone(30);
        scope.unknown_fields = Unknown(options_.unknown_fields);
      }
      scope.attributes = From(begin);
      batch_.scopes.push_back(scope);
    }
  }

  // OTLP: nanoseconds, 0 is absent. Jaeger: whole microseconds, always there. Zipkin: whole
  // microseconds, 0 is absent.
  void MakeTimes(Origin origin, SpanRecord& span) {
    const bool nanos = origin == Origin::kOtlp || options_.beyond_origin;
    std::uint64_t start = kNoon + random_.Below(86400ULL * 1000000000ULL);
    std::uint64_t duration = random_.Below(random_.Percent(50) ? 1000000 : 60000000000ULL);
    bool has_start = true;
    bool has_duration = true;
    if (options_.weird_times && random_.Percent(25)) {
      has_start = origin == Origin::kJaeger || random_.Percent(60);
      has_duration = origin == Origin::kJaeger || random_.Percent(60);
      if (random_.Percent(30)) start = random_.Percent(50) ? 1000 : 9000000000000000000ULL;
      if (random_.Percent(30)) duration = 0;
      if (random_.Percent(20)) duration = 4000000000000000000ULL;
      if (nanos && random_.Percent(30)) duration = 0 - duration - 1;  // an end before its start
      if (origin == Origin::kJaeger && random_.Percent(30)) start = 0;
    }
    if (!nanos) {
      start -= start % 1000;
      duration -= duration % 1000;
    }
    const std::uint64_t end = (has_start ? start : 0) + duration;
    if (origin == Origin::kOtlp && end == 0) has_duration = false;
    if (origin == Origin::kZipkin && duration == 0) has_duration = false;
    if (has_start) {
      span.start_ns = start;
      span.presence |= model::kHasStart;
    }
    if (has_duration) {
      span.duration_ns = duration;
      span.presence |= model::kHasDuration;
    }
  }

  // Kind and status as the format tells them: fields in OTLP, tags in Jaeger, both in Zipkin.
  void MakeKindAndStatus(Origin origin, SpanRecord& span) {
    if (origin == Origin::kOtlp || options_.beyond_origin) {
      span.kind = static_cast<SpanKind>(random_.Below(6));
      span.status = static_cast<StatusCode>(random_.Below(3));
      span.status_message = TextOrNone(30);
      return;
    }
    const bool kind = random_.Percent(60);
    if (kind)
      span.kind = static_cast<SpanKind>((origin == Origin::kZipkin ? 2 : 1) + random_.Below(4));
    if (origin == Origin::kJaeger && kind) {
      if (span.kind > SpanKind::kConsumer) span.kind = SpanKind::kConsumer;
      batch_.AddString(Intern("span.kind"), SpanKindName(span.kind));
    }
    if (!random_.Percent(20)) return;
    span.status = StatusCode::kError;
    if (origin == Origin::kJaeger) {
      batch_.AddBool(Intern("error"), true);
      if (!random_.Percent(50)) return;
      batch_.AddString(Intern("otel.status_description"), "timed out");
    } else {
      batch_.AddString(Intern("error"), "timed out");
    }
    span.status_message = Intern("timed out");
  }

  void MakeEvents(const model::ResourceRecord& resource, SpanRecord& span) {
    span.events.begin = static_cast<std::uint32_t>(batch_.events.size());
    const std::uint64_t count = random_.Below(options_.max_events + 1ULL);
    for (std::uint64_t i = 0; i < count; ++i) {
      model::EventRecord event;
      const bool nanos = otlp(resource);
      event.time_ns = kNoon + random_.Below(1000000000);
      if (options_.weird_times && nanos && random_.Percent(15))
        event.time_ns = random_.Percent(50) ? 0 : ~0ULL;
      if (!nanos) event.time_ns -= event.time_ns % 1000;
      const std::size_t begin = batch_.attributes.size();
      if (resource.origin == Origin::kJaeger && !options_.beyond_origin) {
        if (random_.Percent(70)) {
          event.name = Text();
          batch_.attributes.push_back(
              {event.name, Intern("event"), static_cast<std::uint8_t>(ValueType::kString)});
        }
        AddPlain(Origin::kJaeger);
      } else {
        event.name = Text();
        if (nanos) AddPlain(Origin::kOtlp);
      }
      event.attributes = From(begin);
      if (nanos) {
        event.dropped_attributes = Number32();
        event.unknown_fields = OtlpUnknown(resource);
      }
      batch_.events.push_back(event);
    }
    span.events.count = static_cast<std::uint32_t>(batch_.events.size()) - span.events.begin;
  }

  void MakeParent(SpanRecord& span) {
    if (options_.weird_graph && random_.Percent(10)) {
      span.parent_id = random_.Percent(30) ? span.span_id : NewSpanId();
    } else if (!batch_.spans.empty() && random_.Percent(85)) {
      // The nearest earlier span of the trace, or one some steps before it.
      for (std::size_t i = batch_.spans.size(); i-- > 0;) {
        if (batch_.spans[i].trace_id != span.trace_id) continue;
        span.parent_id = batch_.spans[i].span_id;
        if (random_.Percent(60)) break;
      }
    }
  }

  void MakeReferences(const model::ResourceRecord& resource, SpanRecord& span) {
    span.references.begin = static_cast<std::uint32_t>(batch_.references.size());
    if (resource.origin == Origin::kZipkin && !options_.beyond_origin) return;
    const std::uint64_t count = random_.Below(options_.max_references + 1ULL);
    if (resource.origin == Origin::kJaeger && !span.parent_id.empty())
      span.parent_position = static_cast<std::uint32_t>(random_.Below(count + 1));
    for (std::uint64_t i = 0; i < count; ++i) {
      model::ReferenceRecord reference;
      reference.trace_id = random_.Percent(50) ? span.trace_id : NewTrace();
      reference.span_id = NewSpanId();
      const std::size_t begin = batch_.attributes.size();
      if (otlp(resource)) {
        AddPlain(Origin::kOtlp);
        reference.trace_state = TextOrNone(30);
        reference.flags = Number32();
        reference.dropped_attributes = Number32();
        reference.unknown_fields = OtlpUnknown(resource);
      }
      reference.attributes = From(begin);
      reference.type = ReferenceType::kLink;
      if (options_.beyond_origin) {
        reference.type = static_cast<ReferenceType>(random_.Below(3));
      } else if (resource.origin == Origin::kJaeger) {
        reference.type =
            random_.Percent(50) ? ReferenceType::kChildOf : ReferenceType::kFollowsFrom;
      }
      // The first ChildOf of the span's own trace is the parent: no other may stand before it.
      if (reference.type == ReferenceType::kChildOf && reference.trace_id == span.trace_id &&
          (span.parent_id.empty() || i < span.parent_position)) {
        reference.type = ReferenceType::kFollowsFrom;
      }
      batch_.references.push_back(reference);
    }
    span.references.count =
        static_cast<std::uint32_t>(batch_.references.size()) - span.references.begin;
  }

  void AddSynthetic(Origin origin, SpanRecord& span) {
    if (origin == Origin::kJaeger) {
      while (random_.Percent(15))
        batch_.AddString(Intern("jaeger.warning"), ArbitraryText(random_, options_), true);
    } else if (origin == Origin::kZipkin) {
      if (random_.Percent(40)) batch_.AddString(Intern("peer.service"), "peer", true);
      if (random_.Percent(40)) AddEndpoint("net.peer.ip", "net.peer.port");
      if (random_.Percent(20)) batch_.AddBool(Intern("zipkin.shared"), true, true);
      if ((span.flags & model::kFlagDebug) != 0) batch_.AddBool(Intern("zipkin.debug"), true, true);
    }
  }

  void MakeSpan() {
    SpanRecord span;
    span.trace_id = traces_[random_.Below(traces_.size())];
    span.span_id = NewSpanId();
    span.resource = static_cast<std::uint32_t>(random_.Below(batch_.resources.size()));
    span.scope = static_cast<std::uint32_t>(random_.Below(batch_.scopes.size()));
    const model::ResourceRecord resource = batch_.resources[span.resource];
    const Origin origin = resource.origin;
    span.name = Text();
    if (origin == Origin::kZipkin && !options_.beyond_origin)
      span.name = random_.Percent(10) ? 0 : Intern("get /" + std::to_string(random_.Below(9)));
    if (otlp(resource)) {
      span.trace_state = TextOrNone(20);
      span.flags = random_.Percent(10) ? 0xFFFFFFFFU : static_cast<std::uint32_t>(random_.Below(2));
      span.dropped_attributes = Number32();
      span.dropped_events = Number32();
      span.dropped_links = Number32();
      span.unknown_fields = OtlpUnknown(resource);
    } else if (origin == Origin::kJaeger) {
      span.flags = static_cast<std::uint32_t>(random_.Below(16));
    } else {
      span.flags = random_.Percent(10) ? model::kFlagDebug : 0;
    }
    MakeTimes(origin, span);
    const std::size_t begin = batch_.attributes.size();
    AddPlain(origin);
    MakeKindAndStatus(origin, span);
    AddSynthetic(origin, span);
    span.attributes = From(begin);
    MakeEvents(resource, span);
    MakeParent(span);
    MakeReferences(resource, span);
    batch_.spans.push_back(span);
  }

  Random random_;
  const ArbitraryOptions& options_;
  SpanBatch batch_;
  std::vector<TraceId> traces_;
};

}  // namespace

model::SpanBatch ArbitraryBatch(std::uint64_t seed, const ArbitraryOptions& options) {
  return Generator(seed, options).Run();
}

}  // namespace tracestore::codec
