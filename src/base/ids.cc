#include <tracestore/ids.h>

#include "base/hex.h"

namespace tracestore {

std::string TraceId::ToHex() const {
  std::string text(32, '0');
  base::WriteHex64(high, text.data());
  base::WriteHex64(low, text.data() + 16);
  return text;
}

std::string TraceId::ToShortHex() const {
  if (high != 0) return ToHex();
  std::string text(16, '0');
  base::WriteHex64(low, text.data());
  return text;
}

std::optional<TraceId> TraceId::FromHex(std::string_view text) noexcept {
  if (text.empty() || text.size() > 32) return std::nullopt;
  const std::size_t low_digits = text.size() < 16 ? text.size() : 16;
  const std::string_view head = text.substr(0, text.size() - low_digits);
  const auto low = base::ParseHex64(text.substr(text.size() - low_digits));
  if (!low) return std::nullopt;
  if (head.empty()) return TraceId{0, *low};
  const auto high = base::ParseHex64(head);
  if (!high) return std::nullopt;
  return TraceId{*high, *low};
}

std::string SpanId::ToHex() const {
  std::string text(16, '0');
  base::WriteHex64(value, text.data());
  return text;
}

std::optional<SpanId> SpanId::FromHex(std::string_view text) noexcept {
  const auto value = base::ParseHex64(text);
  if (!value) return std::nullopt;
  return SpanId{*value};
}

}  // namespace tracestore
