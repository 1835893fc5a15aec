// Trace and span ids as strong types, with their hexadecimal forms.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tracestore {

// 128 bits. A 64-bit id (Zipkin, old Jaeger) has high == 0. All zeros means "no id".
struct TraceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  constexpr bool empty() const noexcept { return (high | low) == 0; }
  constexpr auto operator<=>(const TraceId&) const noexcept = default;

  // 32 lower-case hex digits, or 16 when high is zero (as Jaeger and Zipkin print it).
  std::string ToShortHex() const;
  // Always 32 lower-case hex digits (as OTLP prints it).
  std::string ToHex() const;
  // 1 to 32 hex digits of either case; nullopt for anything else. Zero parses (to an empty id).
  static std::optional<TraceId> FromHex(std::string_view text) noexcept;
};

// 64 bits. Zero means "no id".
struct SpanId {
  std::uint64_t value = 0;

  constexpr bool empty() const noexcept { return value == 0; }
  constexpr auto operator<=>(const SpanId&) const noexcept = default;

  // 16 lower-case hex digits.
  std::string ToHex() const;
  // 1 to 16 hex digits of either case; nullopt for anything else.
  static std::optional<SpanId> FromHex(std::string_view text) noexcept;
};

}  // namespace tracestore

template <>
struct std::hash<tracestore::TraceId> {
  std::size_t operator()(const tracestore::TraceId& id) const noexcept {
    return static_cast<std::size_t>((id.low ^ (id.high * 0x9E3779B97F4A7C15ULL)) *
                                    0xBF58476D1CE4E5B9ULL);
  }
};

template <>
struct std::hash<tracestore::SpanId> {
  std::size_t operator()(const tracestore::SpanId& id) const noexcept {
    return static_cast<std::size_t>(id.value * 0xBF58476D1CE4E5B9ULL);
  }
};
