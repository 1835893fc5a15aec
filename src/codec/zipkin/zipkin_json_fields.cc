#include "codec/zipkin/zipkin_json_fields.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/bytes.h"
#include "base/hex.h"
#include "codec/json/json_error.h"

namespace tracestore::codec {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// As the JSON reader of Zipkin calls it.
const char* JavaTypeOf(element value) {
  switch (value.type()) {
    case element_type::ARRAY: return "BEGIN_ARRAY";
    case element_type::OBJECT: return "BEGIN_OBJECT";
    case element_type::STRING: return "STRING";
    case element_type::BOOL: return "BOOLEAN";
    case element_type::NULL_VALUE: return "NULL";
    default: return "NUMBER";
  }
}

// By byte: the value of a hexadecimal digit, kCapital more where it is a capital letter, kNoDigit
// for every other byte. A third of the decoder's time went into looking at ids digit by digit.
constexpr std::uint8_t kCapital = 0x20, kNoDigit = 0x80;
constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const int digit = base::HexDigit(static_cast<char>(i));
    const bool capital = i >= 'A' && i <= 'F';
    table[i] = digit < 0 ? kNoDigit : static_cast<std::uint8_t>(digit | (capital ? kCapital : 0));
  }
  return table;
}();

// At most 16 digits. `seen` collects the bits of what was met.
std::uint64_t HalfOf(std::string_view text, std::uint8_t& seen) {
  std::uint64_t value = 0;
  std::uint8_t met = 0;
  for (const char c : text) {
    const std::uint8_t digit = kDigits[static_cast<std::uint8_t>(c)];
    met |= digit;
    value = value << 4 | (digit & 0xF);
  }
  seen |= met;
  return value;
}

// Sixteen digits at once where all are 0 to 9 or a to f.
#if defined(__SSE2__)
bool ReadSixteen(const char* text, std::uint64_t& out) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  const auto between = [bytes](char first, char last) {
    return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(first - 1))),
                         _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(last + 1))));
  };
  const __m128i letters = between('a', 'f');
  if (_mm_movemask_epi8(_mm_or_si128(between('0', '9'), letters)) != 0xFFFF) return false;
  const __m128i digits = _mm_add_epi8(_mm_and_si128(bytes, _mm_set1_epi8(0xF)),
                                      _mm_and_si128(letters, _mm_set1_epi8(9)));
  // Of each two digits the first is in the lower byte of a lane.
  const __m128i pairs = _mm_or_si128(_mm_srli_epi16(digits, 8), _mm_slli_epi16(digits, 4));
  const __m128i whole = _mm_and_si128(pairs, _mm_set1_epi16(0xFF));
  char halves[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(halves), _mm_packus_epi16(whole, whole));
  out = __builtin_bswap64(base::LoadLe<std::uint64_t>(halves));
  return true;
}
#else
bool ReadSixteen(const char* text, std::uint64_t& out) {
  std::uint8_t seen = 0;
  out = HalfOf({text, 16}, seen);
  return (seen & (kNoDigit | kCapital)) == 0;
}
#endif

// The ids that clients send: 16 or 32 digits. False leaves them to who looks at each.
bool ReadPlainHex(std::string_view text, TraceId& out) {
  const bool both = text.size() == 32;
  if (!both && text.size() != 16) return false;
  out.high = 0;
  return ReadSixteen(text.data() + text.size() - 16, out.low) &&
         (!both || ReadSixteen(text.data(), out.high));
}

// A whole number, told as such or by a float without fraction, as a text too.
std::optional<std::int64_t> WholeOf(element value) {
  if (const auto whole = IntegerOf(value)) return whole;
  constexpr double kExact = 9007199254740992;  // 2^53
  const auto number = DoubleOf(value);
  if (!number || !(std::abs(*number) <= kExact) || std::trunc(*number) != *number)
    return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

// What Zipkin says of a value that is no `wanted` ("a long").
std::string ZipkinNumberSentence(element value, const char* wanted) {
  const std::string expected = std::string("Expected ") + wanted + " but was ";
  switch (value.type()) {
    case element_type::ARRAY:
    case element_type::OBJECT:
    case element_type::BOOL:
    case element_type::NULL_VALUE: return expected + JavaTypeOf(value);
    default: break;
  }
  const std::string text = PlainTextOf(value);
  if (text.empty()) return "empty String";
  return DoubleOf(value) ? expected + text : "For input string: \"" + text + "\"";
}

// What Zipkin says of a text that is no id, checked in its order.
std::string ZipkinIdSentence(std::string_view text, const char* field, std::size_t most, bool v1) {
  if (v1)
    return std::string(text) + " should be a 1 to 32 character lower-hex string with no prefix";
  if (text.empty()) return std::string(field) + " is empty";
  if (text.size() > most) return std::string(field) + ".length > " + std::to_string(most);
  return std::string(text) + " should be lower-hex encoded with no prefix";
}

}  // namespace

bool ReadZipkinHex(std::string_view text, bool lower, TraceId& out) {
  if (ReadPlainHex(text, out)) return true;
  std::uint8_t seen = 0;
  const std::size_t high = text.size() > 16 ? text.size() - 16 : 0;
  out.high = HalfOf(text.substr(0, high), seen);
  out.low = HalfOf(text.substr(high), seen);
  return (seen & (lower ? kNoDigit | kCapital : kNoDigit)) == 0;
}

std::optional<SpanKind> ZipkinKindOf(std::string_view text) noexcept {
  constexpr std::pair<std::string_view, SpanKind> kKinds[] = {{"CLIENT", SpanKind::kClient},
                                                              {"SERVER", SpanKind::kServer},
                                                              {"PRODUCER", SpanKind::kProducer},
                                                              {"CONSUMER", SpanKind::kConsumer}};
  for (const auto& [name, kind] : kKinds)
    if (text == name) return kind;
  return std::nullopt;
}

Error ZipkinNoJson(std::string_view text) {
  const auto error = FindJsonError(text, true);
  const bool cut = error && error->cut;
  return {ErrorCode::kInvalidArgument,
          std::string(cut ? "End of input" : "Malformed") + " reading List<Span> from json"};
}

bool ZipkinFieldReader::Refuse(std::string reason, std::string sentence, std::string zipkin) {
  refusal_ = {std::move(reason), std::move(sentence), std::move(zipkin)};
  return false;
}

bool ZipkinFieldReader::RefuseType(std::string_view what, const char* wanted, std::string zipkin,
                                   element value) {
  const std::string name(what);
  return Refuse(name + " is not " + wanted, name + " is " + TypeNameOf(value) + ", not " + wanted,
                std::move(zipkin));
}

bool ZipkinFieldReader::OtherText(element value, std::string_view what, std::string_view& out) {
  switch (value.type()) {
    case element_type::BOOL:
      if (!strict_) break;
      [[fallthrough]];
    case element_type::NULL_VALUE:
    case element_type::ARRAY:
    case element_type::OBJECT:
      return RefuseType(what, "a string",
                        std::string("Expected a string but was ") + JavaTypeOf(value), value);
    default: break;
  }
  out = Keep(PlainTextOf(value));
  return true;
}

bool ZipkinFieldReader::Id(element value, const char* what, const char* field, std::size_t most,
                           bool v1, TraceId& out) {
  std::string_view text;
  if (!Text(value, field, text)) return false;
  if (!text.empty() && text.size() <= most && ReadZipkinHex(text, strict_, out)) return true;
  const std::string rule = " is not 1 to " + std::to_string(most) + " hexadecimal digits";
  return Refuse(what + rule, std::string(what) + " " + QuoteForMessage(text) + rule,
                ZipkinIdSentence(text, field, most, v1));
}

bool ZipkinFieldReader::Micros(element value, const char* what, std::int64_t& out) {
  const auto micros = WholeOf(value);
  if (micros && (*micros <= 0 || static_cast<std::uint64_t>(*micros) <= kMaxZipkinMicros)) {
    out = *micros;
    return true;
  }
  const std::string text = PlainTextOf(value);
  const std::string rule = " is no number of microseconds";
  return Refuse(
      what + rule, std::string(what) + " " + QuoteForMessage(text) + rule,
      micros ? "For input string: \"" + text + "\"" : ZipkinNumberSentence(value, "a long"));
}

bool ZipkinFieldReader::Endpoint(element value, const char* what, ZipkinEndpoint& out) {
  simdjson::dom::object fields;
  if (!Object(value, what, fields)) return false;
  out.Clear();
  for (const auto& [key, field] : fields) {
    if (IsNull(field)) continue;
    std::string_view text;
    if (IsKey(key, "serviceName")) {
      if (!Text(field, "serviceName", text)) return false;
      out.SetService(text);
    } else if (IsKey(key, "ipv4") || IsKey(key, "ipv6")) {
      if (!Text(field, key, text)) return false;
      out.SetAddress(text);  // no address: absent, as in Zipkin
    } else if (IsKey(key, "port")) {
      const auto port = WholeOf(field);
      const bool is_int = port && *port == static_cast<std::int32_t>(*port);
      if (!is_int || *port > 0xFFFF) {
        const std::string shown = PlainTextOf(field);
        return Refuse("port is no number up to 65535",
                      "port " + QuoteForMessage(shown) + " is no number up to 65535",
                      is_int ? "invalid port " + shown : ZipkinNumberSentence(field, "an int"));
      }
      out.port = static_cast<std::uint16_t>(std::max<std::int64_t>(*port, 0));
    }
  }
  return true;
}

bool ZipkinFieldReader::Flag(element value, const char* what, bool& out) {
  const bool taken = !strict_ || value.type() == element_type::BOOL;
  if (const auto flag = BoolOf(value); taken && flag) {
    out = *flag;
    return true;
  }
  const std::string text = PlainTextOf(value);
  return Refuse(std::string(what) + " is not true or false",
                std::string(what) + " " + QuoteForMessage(text) + " is not true or false",
                std::string("Expected a boolean but was ") + JavaTypeOf(value));
}

bool ZipkinFieldReader::List(element value, const char* what, simdjson::dom::array& out) {
  if (value.get(out) == simdjson::SUCCESS) return true;
  return RefuseType(what, "a list", "Malformed", value);
}

bool ZipkinFieldReader::Object(element value, const char* what, simdjson::dom::object& out) {
  if (value.get(out) == simdjson::SUCCESS) return true;
  return RefuseType(what, "an object", "Malformed", value);
}

}  // namespace tracestore::codec
