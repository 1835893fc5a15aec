// The fields that Zipkin's two JSON formats share, read from a JSON tree. Includes simdjson: for
// the decoders' .cc only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "codec/json/json_dom.h"
#include "codec/zipkin/zipkin_span.h"

namespace tracestore::codec {

// Reads fields; where one is not taken the call gives false and refusal() says why. Views that it
// gives point into the tree or into this reader, so both must outlive them. Threads: one.
class ZipkinFieldReader {
 public:
  // `strict`: as Zipkin's server, see ZipkinJsonOptions.
  explicit ZipkinFieldReader(bool strict) : strict_(strict) {}

  bool strict() const noexcept { return strict_; }
  const ZipkinRefusal& refusal() const noexcept { return refusal_; }
  bool Refuse(std::string reason, std::string sentence, std::string zipkin);
  // "{what} is not {wanted}".
  bool RefuseType(std::string_view what, const char* wanted, std::string zipkin,
                  simdjson::dom::element value);

  // Text, numbers and, in files, booleans.
  bool Text(simdjson::dom::element value, std::string_view what, std::string_view& out) {
    if (value.type() != simdjson::dom::element_type::STRING) return OtherText(value, what, out);
    out = value.get_string().value_unsafe();
    return true;
  }
  // Bits of 1 to `most` hexadecimal digits, which may be zeros. `what` is the name for people,
  // `field` Zipkin's. Of version 1 Zipkin words its answer otherwise.
  bool Id(simdjson::dom::element value, const char* what, const char* field, std::size_t most,
          bool v1, TraceId& out);
  // A whole number of microseconds as it stands, up to kMaxZipkinMicros.
  bool Micros(simdjson::dom::element value, const char* what, std::int64_t& out);
  bool Endpoint(simdjson::dom::element value, const char* what, ZipkinEndpoint& out);
  bool Flag(simdjson::dom::element value, const char* what, bool& out);
  // Of a list, told by its name.
  bool List(simdjson::dom::element value, const char* what, simdjson::dom::array& out);
  bool Object(simdjson::dom::element value, const char* what, simdjson::dom::object& out);

  // Keeps a text as long as this reader.
  std::string_view Keep(std::string text) { return kept_.emplace_back(std::move(text)); }

 private:
  bool OtherText(simdjson::dom::element value, std::string_view what, std::string_view& out);

  bool strict_;
  ZipkinRefusal refusal_;
  std::deque<std::string> kept_;
};

// How both versions are read. Zipkin's JSON reader takes any text and stops at the list's end.
inline JsonMending ZipkinMending(bool strict) noexcept {
  return {.texts = true, .numbers = true, .rest = strict};
}

// Zipkin's answer to a message that is no JSON.
Error ZipkinNoJson(std::string_view text);

// key == "…": with the length known when it is compiled the comparison is one of registers.
template <std::size_t kSize>
bool IsKey(std::string_view key, const char (&name)[kSize]) noexcept {
  return key.size() == kSize - 1 && std::memcmp(key.data(), name, kSize - 1) == 0;
}

// At most 32 digits. False where one is none, or with `lower` a capital letter.
bool ReadZipkinHex(std::string_view text, bool lower, TraceId& out);

// Of "CLIENT", "SERVER", "PRODUCER", "CONSUMER".
std::optional<SpanKind> ZipkinKindOf(std::string_view text) noexcept;

inline bool IsNull(simdjson::dom::element value) {
  return value.type() == simdjson::dom::element_type::NULL_VALUE;
}

}  // namespace tracestore::codec
