// Random numbers, texts and value blobs; and the description of a span.
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/bytes.h"
#include "codec/testing/arbitrary_batch.h"
#include "model/text.h"
#include "model/value_blob.h"

namespace tracestore::codec {

std::uint64_t Random::Next() noexcept {
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

std::string ArbitraryText(Random& random, const ArbitraryOptions& options) {
  using namespace std::string_view_literals;
  static constexpr std::array kPlain{
      "GET /api/orders"sv, "checkout"sv, "SELECT * FROM t"sv, "200"sv, "true"sv, "db.statement"sv,
      "10.0.0.1:8080"sv,   "x"sv};
  static constexpr std::array kHostile{
      ""sv,        "\""sv,           "\\"sv,           "a\0b"sv,         "\n\r\t\b\f\x01\x7f"sv,
      "{\"a\":"sv, "</script>"sv,    "caf\xC3\xA9"sv,  "\xE2\x82\xAC"sv, "\xF0\x9F\x92\xA9"sv,
      " "sv,       "\xE2\x80\xA8"sv, "\xEF\xBF\xBF"sv, "%s%n"sv,         "null"sv};
  static constexpr std::array kInvalid{"\xFF"sv, "\xC3"sv, "a\x80z"sv, "\xED\xA0\x80"sv,
                                       "\xF4\x90\x80\x80"sv};
  if (options.invalid_utf8 && random.Percent(10))
    return std::string(kInvalid[random.Below(kInvalid.size())]);
  if (options.hostile_strings && random.Percent(20)) {
    if (random.Percent(5)) return std::string(1 + random.Below(5000), 'L');
    std::string text(kHostile[random.Below(kHostile.size())]);
    if (random.Percent(30)) text += kHostile[random.Below(kHostile.size())];
    return text;
  }
  std::string text(kPlain[random.Below(kPlain.size())]);
  if (random.Percent(40)) text += "-" + std::to_string(random.Below(1000));
  return text;
}

namespace {

std::string ArbitraryBytes(Random& random) {
  std::string bytes(random.Below(12), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

}  // namespace

double ArbitraryDouble(Random& random) {
  static constexpr std::array kSpecial{0.0,
                                       -0.0,
                                       1.0,
                                       -72.5,
                                       1e300,
                                       5e-324,
                                       0.1,
                                       123456789012345670000.0,
                                       9007199254740993.0,
                                       std::numeric_limits<double>::max(),
                                       std::numeric_limits<double>::infinity(),
                                       -std::numeric_limits<double>::infinity(),
                                       std::numeric_limits<double>::quiet_NaN()};
  if (random.Percent(60)) return kSpecial[random.Below(kSpecial.size())];
  const double value = std::bit_cast<double>(random.Next());
  return std::isnan(value) ? 2.5 : value;
}

std::int64_t ArbitraryInt(Random& random) {
  static constexpr std::array<std::int64_t, 8> kSpecial{0,
                                                        1,
                                                        -1,
                                                        200,
                                                        127,
                                                        9007199254740993,
                                                        std::numeric_limits<std::int64_t>::min(),
                                                        std::numeric_limits<std::int64_t>::max()};
  if (random.Percent(60)) return kSpecial[random.Below(kSpecial.size())];
  return static_cast<std::int64_t>(random.Next());
}

std::string ArbitraryValueBlob(Random& random, const ArbitraryOptions& options, ValueType container,
                               unsigned depth) {
  std::string blob;
  model::ValueBlobWriter writer(blob);
  std::vector<bool> maps{container == ValueType::kMap};
  for (int steps = 0; steps < 40; ++steps) {
    if (random.Percent(25)) {  // ends a level
      if (maps.size() == 1) break;
      writer.End();
      maps.pop_back();
      continue;
    }
    if (maps.back()) writer.Key(ArbitraryText(random, options));
    switch (random.Below(maps.size() < depth ? 8 : 6)) {
      case 0: writer.Empty(); break;
      case 1: writer.String(ArbitraryText(random, options)); break;
      case 2: writer.Bool(random.Percent(50)); break;
      case 3: writer.Int(ArbitraryInt(random)); break;
      case 4: writer.Double(ArbitraryDouble(random)); break;
      case 5: writer.Bytes(ArbitraryBytes(random)); break;
      case 6:
        writer.BeginArray();
        maps.push_back(false);
        break;
      default:
        writer.BeginMap();
        maps.push_back(true);
        break;
    }
  }
  for (; maps.size() > 1; maps.pop_back()) writer.End();
  return blob;
}

namespace {

void DescribeAttributes(const model::SpanBatch& batch, model::Range range, std::string& out) {
  out += "{";
  for (const model::Attribute& attribute : model::AttributesOf(batch, range)) {
    out += attribute.synthetic() ? " *" : " ";
    model::AppendJsonString(batch.text(attribute.key), out);
    out += ":" + std::to_string(static_cast<int>(attribute.type())) + ":";
    model::AppendJsonString(model::CanonicalText(batch, attribute), out);
  }
  out += " }";
}

void AppendField(const char* name, std::uint64_t value, std::string& out) {
  if (value != 0) out += std::string(" ") + name + "=" + std::to_string(value);
}

void AppendText(const char* name, std::string_view text, std::string& out) {
  if (text.empty()) return;
  out += std::string(" ") + name + "=";
  model::AppendJsonString(text, out);
}

}  // namespace

std::string DescribeSpan(const model::SpanBatch& batch, const model::SpanRecord& span) {
  std::string out = span.trace_id.ToHex() + "/" + span.span_id.ToHex() + "<" +
                    span.parent_id.ToHex() + "@" + std::to_string(span.parent_position);
  AppendText("name", batch.text(span.name), out);
  AppendField("start", span.start_ns, out);
  AppendField("duration", span.duration_ns, out);
  AppendField("presence", span.presence, out);
  AppendField("kind", static_cast<std::uint64_t>(span.kind), out);
  AppendField("status", static_cast<std::uint64_t>(span.status), out);
  AppendText("message", batch.text(span.status_message), out);
  AppendText("tracestate", batch.text(span.trace_state), out);
  AppendText("unknown", batch.text(span.unknown_fields), out);
  AppendField("flags", span.flags, out);
  AppendField("dropped_attributes", span.dropped_attributes, out);
  AppendField("dropped_events", span.dropped_events, out);
  AppendField("dropped_links", span.dropped_links, out);
  out += " attributes";
  DescribeAttributes(batch, span.attributes, out);
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const model::EventRecord& event = batch.events[span.events.begin + i];
    out += "\n  event @" + std::to_string(event.time_ns);
    AppendText("name", batch.text(event.name), out);
    AppendText("unknown", batch.text(event.unknown_fields), out);
    AppendField("dropped", event.dropped_attributes, out);
    DescribeAttributes(batch, event.attributes, out);
  }
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    const model::ReferenceRecord& reference = batch.references[span.references.begin + i];
    out += "\n  reference " + std::to_string(static_cast<int>(reference.type)) + " " +
           reference.trace_id.ToHex() + "/" + reference.span_id.ToHex();
    AppendText("tracestate", batch.text(reference.trace_state), out);
    AppendText("unknown", batch.text(reference.unknown_fields), out);
    AppendField("flags", reference.flags, out);
    AppendField("dropped", reference.dropped_attributes, out);
    DescribeAttributes(batch, reference.attributes, out);
  }
  const model::ResourceRecord& resource = batch.resources[span.resource];
  out += "\n  resource origin=" + std::to_string(static_cast<int>(resource.origin));
  AppendText("schema", batch.text(resource.schema_url), out);
  AppendText("unknown", batch.text(resource.unknown_fields), out);
  AppendField("dropped", resource.dropped_attributes, out);
  DescribeAttributes(batch, resource.attributes, out);
  const model::ScopeRecord& scope = batch.scopes[span.scope];
  out += "\n  scope";
  AppendText("name", batch.text(scope.name), out);
  AppendText("version", batch.text(scope.version), out);
  AppendText("schema", batch.text(scope.schema_url), out);
  AppendText("unknown", batch.text(scope.unknown_fields), out);
  AppendField("dropped", scope.dropped_attributes, out);
  DescribeAttributes(batch, scope.attributes, out);
  return out;
}

}  // namespace tracestore::codec
