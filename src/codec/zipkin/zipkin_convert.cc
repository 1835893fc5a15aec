#include "codec/zipkin/zipkin_convert.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>

#include "codec/json/json_writer.h"
#include "model/text.h"
#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

using model::Attribute;
using model::SpanBatch;
using model::SpanRecord;
using model::StringId;

// Attributes that name the other end of a call, best first (OpenTelemetry's Zipkin exporter).
constexpr std::string_view kPeerNames[] = {"peer.service",  "server.address", "net.peer.name",
                                           "peer.hostname", "peer.address",   "db.name"};
constexpr std::string_view kPeerAddresses[] = {
    "network.peer.address",  "net.peer.ip", "net.sock.peer.addr",
    "server.socket.address", "peer.ipv4",   "peer.ipv6"};
constexpr std::string_view kPeerPorts[] = {"network.peer.port", "net.peer.port",
                                           "net.sock.peer.port", "server.port", "peer.port"};
// What AddConverted() and ErrorTag() make.
constexpr std::string_view kWarningTag = "tracestore.warning";
constexpr std::string_view kMadeTags[] = {
    "error",     "otel.scope.name", "otel.scope.version", "otel.status_code",
    kWarningTag, "w3c.tracestate"};
// Zipkin says 0 by leaving it out.
constexpr std::string_view kNegativeDuration =
    "the span ends before it starts; its duration is shown as 0";
constexpr std::string_view kOwnAddresses[] = {"ip", "host.ip", "net.host.ip"};

using Tags = std::map<std::string_view, std::string>;

class Reader {
 public:
  Reader(const SpanBatch& batch, const SpanRecord& span, ZipkinSpan& out,
         std::deque<std::string>& texts)
      : batch_(batch),
        span_(span),
        resource_(batch.resources[span.resource]),
        out_(out),
        texts_(texts),
        zipkin_(resource_.origin == Origin::kZipkin) {}

  void Run();
  ZipkinConverter::LinkFacts LinkFacts() const;

 private:
  std::string_view Keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  const Attribute* Find(model::Range range, std::string_view key, bool synthetic) const;
  ZipkinEndpoint Kept(model::Range range, std::string_view service, std::string_view ip,
                      std::string_view port) const;
  ZipkinEndpoint LocalEndpoint() const;
  ZipkinEndpoint RemoteEndpoint() const;
  std::string PeerName() const;
  std::optional<std::string> Tag(std::string_view key) const;
  bool IsCaller() const {
    return span_.kind == SpanKind::kClient || span_.kind == SpanKind::kProducer;
  }
  bool EndsBeforeItStarts() const {
    // Zipkin's own may be above 2^63 ns.
    return !zipkin_ && span_.has_duration() && static_cast<std::int64_t>(span_.duration_ns) < 0;
  }
  std::uint64_t Duration() const;
  void Annotations();
  std::string EventText(const model::EventRecord& event) const;
  void AddTags(model::Range range, const Attribute* left_out, Tags& tags) const;
  void AddConverted(Tags& tags) const;
  void ErrorTag(Tags& tags) const;
  void AllTags();
  bool Debug() const;

  const SpanBatch& batch_;
  const SpanRecord& span_;
  const model::ResourceRecord& resource_;
  ZipkinSpan& out_;
  std::deque<std::string>& texts_;
  bool zipkin_;
};

// Only synthetic attributes, or any.
const Attribute* Reader::Find(model::Range range, std::string_view key, bool synthetic) const {
  for (const Attribute& attribute : AttributesOf(batch_, range)) {
    if ((!synthetic || attribute.synthetic()) && batch_.text(attribute.key) == key)
      return &attribute;
  }
  return nullptr;
}

// An endpoint that the decoder kept as synthetic attributes.
ZipkinEndpoint Reader::Kept(model::Range range, std::string_view service, std::string_view ip,
                            std::string_view port) const {
  ZipkinEndpoint endpoint;
  for (const Attribute& attribute : AttributesOf(batch_, range)) {
    if (!attribute.synthetic()) continue;
    const std::string_view key = batch_.text(attribute.key);
    if (key == service)
      endpoint.service = ZipkinLowerCase(CanonicalText(batch_, attribute));
    else if (key == ip)
      endpoint.SetAddress(CanonicalText(batch_, attribute));
    else if (key == port)
      endpoint.port = static_cast<std::uint16_t>(attribute.bits);
  }
  return endpoint;
}

ZipkinEndpoint Reader::LocalEndpoint() const {
  if (zipkin_) return Kept(resource_.attributes, "service.name", "net.host.ip", "net.host.port");
  ZipkinEndpoint endpoint;
  endpoint.service = ZipkinLowerCase(ServiceOf(batch_, resource_));
  for (const std::string_view key : kOwnAddresses) {
    const Attribute* address = Find(resource_.attributes, key, false);
    if (address != nullptr && endpoint.SetAddress(CanonicalText(batch_, *address))) break;
  }
  return endpoint;
}

// Of a span that isn't Zipkin's; "" where nothing tells.
std::string Reader::PeerName() const {
  for (const std::string_view key : kPeerNames) {
    // On the side that is called, only peer.service tells of the caller.
    if (!IsCaller() && key != "peer.service") break;
    const Attribute* name = Find(span_.attributes, key, false);
    if (name == nullptr) continue;
    std::string service = ZipkinLowerCase(CanonicalText(batch_, *name));
    if (!service.empty()) return service;
  }
  return {};
}

ZipkinEndpoint Reader::RemoteEndpoint() const {
  if (zipkin_) return Kept(span_.attributes, "peer.service", "net.peer.ip", "net.peer.port");
  ZipkinEndpoint endpoint;
  endpoint.service = PeerName();
  for (const std::string_view key : kPeerAddresses) {
    const Attribute* address = Find(span_.attributes, key, false);
    if (address != nullptr && endpoint.SetAddress(CanonicalText(batch_, *address))) break;
  }
  if (endpoint.ipv4.empty() && endpoint.ipv6.empty() && endpoint.service.empty()) return {};
  for (const std::string_view key : kPeerPorts) {
    if (!IsCaller() && key == "server.port") continue;
    const Attribute* port = Find(span_.attributes, key, false);
    const auto number = port == nullptr ? std::nullopt : AsNumber(batch_, *port);
    if (!number || *number < 1 || *number > 0xFFFF) continue;
    endpoint.port = static_cast<std::uint16_t>(*number);
    break;
  }
  return endpoint;
}

// In microseconds; 0 is absent. A duration below a microsecond is one, not none.
std::uint64_t Reader::Duration() const {
  if (!span_.has_duration() || span_.duration_ns == 0 || EndsBeforeItStarts()) return 0;
  return std::max<std::uint64_t>(span_.duration_ns / 1000, zipkin_ ? 0 : 1);
}

void WriteValue(const SpanBatch& batch, const Attribute& attribute, JsonWriter& out) {
  switch (attribute.type()) {
    case ValueType::kBool: return out.Bool(attribute.bits != 0);
    case ValueType::kInt: return out.Int(static_cast<std::int64_t>(attribute.bits));
    case ValueType::kDouble: return out.Double(std::bit_cast<double>(attribute.bits));
    case ValueType::kArray:
    case ValueType::kMap: {
      const std::string json = CanonicalText(batch, attribute);
      if (json.empty()) return out.Null();
      return out.Raw(json);
    }
    default: return out.String(CanonicalText(batch, attribute));
  }
}

// The name of an event, and {"name":{attributes}} where it has any, as OpenTelemetry writes it.
std::string Reader::EventText(const model::EventRecord& event) const {
  const std::string_view name = batch_.text(event.name);
  const bool jaeger = resource_.origin == Origin::kJaeger;
  const auto is_name = [&](const Attribute& field) {
    return jaeger && batch_.text(field.key) == "event" && field.type() == ValueType::kString &&
           static_cast<StringId>(field.bits) == event.name;
  };
  const auto fields = AttributesOf(batch_, event.attributes);
  const bool bare = std::all_of(fields.begin(), fields.end(), is_name);
  if (bare && (zipkin_ || !name.empty())) return std::string(name);
  std::string text;
  JsonWriter out(text);
  out.BeginObject();
  out.Key(name.empty() ? "log" : name);
  out.BeginObject();
  for (const Attribute& field : fields) {
    if (is_name(field)) continue;
    out.Key(batch_.text(field.key));
    WriteValue(batch_, field, out);
  }
  out.EndObject();
  out.EndObject();
  return text;
}

void Reader::Annotations() {
  auto& list = out_.annotations;
  list.reserve(span_.events.count);
  for (std::uint32_t i = 0; i < span_.events.count; ++i) {
    const auto& event = batch_.events[span_.events.begin + i];
    const bool timeless = event.time_ns == 0 && !zipkin_;
    list.push_back({(timeless ? span_.start_ns : event.time_ns) / 1000, Keep(EventText(event))});
  }
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

void Reader::AddTags(model::Range range, const Attribute* left_out, Tags& tags) const {
  for (const Attribute& attribute : AttributesOf(batch_, range)) {
    if (attribute.synthetic() || &attribute == left_out) continue;
    tags.insert_or_assign(batch_.text(attribute.key), CanonicalText(batch_, attribute));
  }
}

// What OTLP and Jaeger keep outside the attributes.
void Reader::AddConverted(Tags& tags) const {
  const auto& scope = batch_.scopes[span_.scope];
  if (scope.name != 0) tags["otel.scope.name"] = batch_.text(scope.name);
  if (scope.version != 0) tags["otel.scope.version"] = batch_.text(scope.version);
  if (span_.trace_state != 0) tags["w3c.tracestate"] = batch_.text(span_.trace_state);
  if (resource_.origin == Origin::kOtlp && span_.status != StatusCode::kUnset)
    tags["otel.status_code"] = span_.status == StatusCode::kOk ? "OK" : "ERROR";
  if (EndsBeforeItStarts()) tags[kWarningTag] = kNegativeDuration;
}

// Of the tag `error`.
bool SaysNo(std::string_view value) { return value.empty() || value == "false"; }

// Zipkin takes any `error` tag for an error: it must be there if the span failed, and only then.
void Reader::ErrorTag(Tags& tags) const {
  const auto found = tags.find("error");
  const bool says_no = found == tags.end() || SaysNo(found->second);
  if (span_.status != StatusCode::kError) {
    if (found != tags.end() && says_no) tags.erase(found);
    return;
  }
  const std::string_view message = batch_.text(span_.status_message);
  if (says_no) tags["error"] = message.empty() ? "true" : message;
}

void Reader::AllTags() {
  Tags tags;
  const Attribute* service =
      zipkin_ ? nullptr : FindString(batch_, resource_.attributes, "service.name");
  AddTags(resource_.attributes, service, tags);
  if (!zipkin_) AddConverted(tags);
  AddTags(span_.attributes, nullptr, tags);
  if (!zipkin_) ErrorTag(tags);
  out_.tags.reserve(tags.size());
  for (auto& [key, value] : tags) out_.tags.push_back({key, Keep(std::move(value))});
}

// What AllTags() makes of the attributes of one key other than service.name.
std::optional<std::string> Reader::Tag(std::string_view key) const {
  const Attribute* last = nullptr;
  for (const model::Range range : {resource_.attributes, span_.attributes}) {
    for (const Attribute& attribute : AttributesOf(batch_, range)) {
      if (!attribute.synthetic() && batch_.text(attribute.key) == key) last = &attribute;
    }
  }
  if (last == nullptr) return std::nullopt;
  return CanonicalText(batch_, *last);
}

ZipkinConverter::LinkFacts Reader::LinkFacts() const {
  ZipkinConverter::LinkFacts facts;
  facts.remote = PeerName();
  // An endpoint goes before a tag of its key.
  if (facts.remote.empty()) facts.remote = Tag("peer.service").value_or("");
  facts.error = span_.status == StatusCode::kError;
  if (!facts.error) {
    const auto tag = Tag("error");
    facts.error = tag && !SaysNo(*tag);
  }
  return facts;
}

bool Reader::Debug() const {
  if (zipkin_) return Find(span_.attributes, "zipkin.debug", true) != nullptr;
  return resource_.origin == Origin::kJaeger && (span_.flags & model::kFlagDebug) != 0;
}

void Reader::Run() {
  out_.Clear();
  texts_.clear();
  out_.trace_id = span_.trace_id;
  out_.id = span_.span_id;
  out_.parent_id = span_.parent_id;
  const bool known = span_.kind == SpanKind::kClient || span_.kind == SpanKind::kServer ||
                     span_.kind == SpanKind::kProducer || span_.kind == SpanKind::kConsumer;
  if (known) out_.kind = span_.kind;
  out_.name = Keep(ZipkinLowerCase(batch_.text(span_.name)));
  if (span_.has_start()) out_.timestamp_us = span_.start_ns / 1000;
  out_.duration_us = Duration();
  out_.local = LocalEndpoint();
  out_.remote = RemoteEndpoint();
  Annotations();
  AllTags();
  out_.debug = Debug();
  out_.shared = zipkin_ && Find(span_.attributes, "zipkin.shared", true) != nullptr;
}

}  // namespace

std::span<const std::string_view> ZipkinPeerNameKeys() noexcept { return kPeerNames; }

bool IsZipkinMadeTag(std::string_view key) noexcept {
  return std::find(std::begin(kMadeTags), std::end(kMadeTags), key) != std::end(kMadeTags);
}

ZipkinConverter::LinkFacts ZipkinConverter::FactsOf(std::uint32_t row) {
  return Reader(batch_, batch_.spans[row], span_, texts_).LinkFacts();
}

const ZipkinSpan& ZipkinConverter::Convert(std::uint32_t row) {
  Reader(batch_, batch_.spans[row], span_, texts_).Run();
  return span_;
}

}  // namespace tracestore::codec
