#include "codec/zipkin/zipkin_json_plain.h"

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/stop.h"
#include "codec/json/plain_json.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_json_fields.h"
#include "model/text.h"

namespace tracestore::codec {
namespace {

// The hosts of a message that were read before, by their bytes, and their resources: each writes
// the same endpoint into all of its spans. Direct mapped. Texts are borrowed.
class MetHosts {
 public:
  struct Place {
    std::string_view text;  // from brace to brace; empty: none yet
    std::uint32_t resource = 0;
  };

  // Of the endpoint that `left` begins with; null where that is too short to tell.
  Place* At(std::string_view left) noexcept {
    if (left.size() < kLooked) return nullptr;
    std::uint64_t mixed = 0;
    for (std::size_t at = kFirst; at < kLooked; at += 8)
      mixed = (mixed ^ base::LoadLe<std::uint64_t>(left.data() + at)) * 0x9E3779B97F4A7C15ULL;
    return &places_[mixed >> 57];
  }

 private:
  static constexpr std::size_t kFirst = 16, kLooked = 40;  // behind {"serviceName":" in most
  std::array<Place, 128> places_{};
};

// Each Read…() gives false where something isn't plain.
class PlainDecoder {
 public:
  PlainDecoder(std::string_view text, model::SpanBatch& out, const ZipkinJsonOptions& options)
      : strict_(options.strict), in_(text), appender_(out), stop_(options.stop) {}

  bool ReadSpans();
  bool ascii() const noexcept { return in_.ascii(); }
  const Status& stopped() const noexcept { return stop_.status(); }
  std::uint64_t spans() const noexcept { return spans_; }

 private:
  bool ReadSpan();
  bool ReadField(std::string_view key);
  bool ReadId(std::size_t most, TraceId& out);
  bool ReadSpanId(SpanId& out);
  bool ReadMicros(std::uint64_t& out);
  bool ReadKind();
  bool ReadEndpoint(ZipkinEndpoint& out);
  bool ReadHost();
  bool ReadAnnotation();
  bool ReadTags();

  const bool strict_;
  PlainJsonReader in_;  // before the appender, which borrows its texts
  ZipkinAppender appender_;
  ZipkinSpan span_;
  MetHosts hosts_;
  std::uint64_t spans_ = 0;
  StopCheck stop_;
};

bool PlainDecoder::ReadId(std::size_t most, TraceId& out) {
  std::string_view text;
  return in_.Text(text) && !text.empty() && text.size() <= most &&
         ReadZipkinHex(text, strict_, out);
}

bool PlainDecoder::ReadSpanId(SpanId& out) {
  TraceId id;
  if (!ReadId(16, id)) return false;
  out = {id.low};
  return true;
}

bool PlainDecoder::ReadMicros(std::uint64_t& out) {
  return in_.Number(out) && out <= kMaxZipkinMicros;
}

bool PlainDecoder::ReadKind() {
  std::string_view text;
  if (!in_.Text(text)) return false;
  const auto kind = ZipkinKindOf(text);
  if (kind) span_.kind = *kind;
  return kind.has_value();
}

bool PlainDecoder::ReadEndpoint(ZipkinEndpoint& out) {
  out.Clear();
  return in_.Object([&](std::string_view key) {
    std::string_view text;
    if (IsKey(key, "serviceName")) {
      if (!in_.Text(text)) return false;
      out.SetService(text);
      return true;
    }
    if (IsKey(key, "ipv4") || IsKey(key, "ipv6")) {
      if (!in_.Text(text)) return false;
      out.SetAddress(text);  // no address: absent, as in Zipkin
      return true;
    }
    std::uint64_t port = 0;
    if (!IsKey(key, "port") || !in_.Number(port) || port > 0xFFFF) return false;
    out.port = static_cast<std::uint16_t>(port);
    return true;
  });
}

bool PlainDecoder::ReadHost() {
  if (span_.resource)
    return false;  // a second one: the last counts, and of the first nothing stays
  const std::string_view left = in_.left();
  MetHosts::Place* const place = hosts_.At(left);
  if (place != nullptr && !place->text.empty() && in_.TakeAgain(place->text)) {
    span_.resource = place->resource;
    return true;
  }
  if (!ReadEndpoint(span_.local)) return false;
  span_.resource = appender_.Resource(span_.local);
  if (place != nullptr) *place = {left.substr(0, left.size() - in_.left().size()), *span_.resource};
  return true;
}

bool PlainDecoder::ReadAnnotation() {
  bool has_timestamp = false;
  bool has_value = false;
  ZipkinAnnotation annotation;
  const bool read = in_.Object([&](std::string_view key) {
    if (IsKey(key, "timestamp")) return has_timestamp = ReadMicros(annotation.timestamp_us);
    if (IsKey(key, "value")) return has_value = in_.Text(annotation.value);
    return false;
  });
  if (!read || !has_timestamp || !has_value) return false;
  span_.annotations.push_back(annotation);
  return true;
}

bool PlainDecoder::ReadTags() {
  return in_.Texts([this](std::string_view key, std::string_view value) {
    span_.tags.push_back({key, value});
  });
}

bool PlainDecoder::ReadField(std::string_view key) {
  if (IsKey(key, "traceId")) return ReadId(32, span_.trace_id) && !span_.trace_id.empty();
  if (IsKey(key, "id")) return ReadSpanId(span_.id) && !span_.id.empty();
  if (IsKey(key, "parentId")) return ReadSpanId(span_.parent_id);
  if (IsKey(key, "kind")) return ReadKind();
  if (IsKey(key, "name")) return in_.Text(span_.name);
  if (IsKey(key, "timestamp")) return ReadMicros(span_.timestamp_us);
  if (IsKey(key, "duration")) return ReadMicros(span_.duration_us);
  if (IsKey(key, "localEndpoint")) return ReadHost();
  if (IsKey(key, "remoteEndpoint")) return ReadEndpoint(span_.remote);
  if (IsKey(key, "annotations")) return in_.List([this] { return ReadAnnotation(); });
  if (IsKey(key, "tags")) return ReadTags();
  if (IsKey(key, "debug")) return in_.Flag(span_.debug);
  if (IsKey(key, "shared")) return in_.Flag(span_.shared);
  return false;
}

bool PlainDecoder::ReadSpan() {
  if (stop_.Step()) return false;
  span_.Clear();
  if (!in_.Object([this](std::string_view key) { return ReadField(key); })) return false;
  if (span_.trace_id.empty() || span_.id.empty()) return false;
  appender_.Append(span_);
  ++spans_;
  return true;
}

bool PlainDecoder::ReadSpans() {
  return in_.List([this] { return ReadSpan(); }) && in_.AtEnd();
}

}  // namespace

Result<std::optional<model::DecodeReport>> DecodePlainZipkinJson(std::string_view text,
                                                                 model::SpanBatch& out,
                                                                 const ZipkinJsonOptions& options) {
  std::optional<model::DecodeReport> report;
  PlainDecoder decoder(text, out, options);
  const bool plain = decoder.ReadSpans() && (decoder.ascii() || model::IsUtf8(text));
  if (!decoder.stopped().has_value()) return decoder.stopped().error();
  if (plain) report.emplace().accepted = decoder.spans();
  return report;
}

}  // namespace tracestore::codec
