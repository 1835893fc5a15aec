// The enumerations of the span model: one set of words for OTLP, Jaeger and Zipkin.
// docs/format/semantics.md says how each of the three maps on them. Numbers are stable (on disk).
#pragma once
#include <cstdint>

namespace tracestore {

// OTLP's numbers. Zipkin has no kInternal; a span without a kind there is kUnspecified.
enum class SpanKind : std::uint8_t {
  kUnspecified = 0, kInternal = 1, kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5,
};

enum class StatusCode : std::uint8_t { kUnset = 0, kOk = 1, kError = 2 };

enum class ValueType : std::uint8_t {
  kEmpty = 0,   // an attribute with a key and no value
  kString = 1, kBool = 2, kInt = 3, kDouble = 4, kBytes = 5,
  kArray = 6,   // of values of any type
  kMap = 7,     // ordered, keys may repeat
};

enum class ReferenceType : std::uint8_t {
  kChildOf = 0,      // OTLP parentSpanId, Jaeger CHILD_OF, Zipkin parentId
  kFollowsFrom = 1,  // Jaeger FOLLOWS_FROM
  kLink = 2,         // OTLP span link
};

// The format a span arrived in. Its own encoder gives it back as it was; the others convert it.
enum class Origin : std::uint8_t { kOtlp = 0, kJaeger = 1, kZipkin = 2 };

// "unspecified", "internal", "server", "client", "producer", "consumer".
const char* SpanKindName(SpanKind kind) noexcept;
// "unset", "ok", "error".
const char* StatusCodeName(StatusCode code) noexcept;

}  // namespace tracestore
