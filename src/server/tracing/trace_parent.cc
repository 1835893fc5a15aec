#include "server/tracing/trace_parent.h"

#include <algorithm>

namespace tracestore::server {
namespace {

// version-trace id-parent id-flags: 2, 32, 16 and 2 digits.
constexpr std::size_t kTraceAt = 3;
constexpr std::size_t kSpanAt = kTraceAt + 32 + 1;
constexpr std::size_t kFlagsAt = kSpanAt + 16 + 1;
constexpr std::size_t kSize = kFlagsAt + 2;

bool IsDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

int ValueOf(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// B3's ids: 16 or 32 digits of a trace, 16 of a span.
std::optional<TraceParent> B3Ids(std::string_view trace, std::string_view span) {
  if ((trace.size() != 16 && trace.size() != 32) || span.size() != 16) return std::nullopt;
  const auto trace_id = TraceId::FromHex(trace);
  const auto span_id = SpanId::FromHex(span);
  if (!trace_id || !span_id || trace_id->empty() || span_id->empty()) return std::nullopt;
  return TraceParent{*trace_id, *span_id, false};
}

// 1, d (debug) and, of old clients, true; 0 and false.
std::optional<bool> B3Decision(std::string_view text) {
  if (text == "1" || text == "d" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  return std::nullopt;
}

// "traceid-spanid[-decision[-parentid]]", or a decision alone.
CallersTrace ReadB3(std::string_view text) {
  CallersTrace out;
  const auto first = text.find('-');
  if (first == std::string_view::npos) {
    out.sampled = B3Decision(text);
    return out;
  }
  const auto second = text.find('-', first + 1);
  out.parent = B3Ids(text.substr(0, first), text.substr(first + 1, second - first - 1));
  if (!out.parent || second == std::string_view::npos) return out;
  const std::string_view rest = text.substr(second + 1);
  out.sampled = B3Decision(rest.substr(0, rest.find('-')));
  return out;
}

CallersTrace ReadManyB3(const HeaderOf& header) {
  CallersTrace out;
  out.parent = B3Ids(header("x-b3-traceid"), header("x-b3-spanid"));
  out.sampled = B3Decision(header("x-b3-sampled"));
  if (header("x-b3-flags") == "1") out.sampled = true;
  return out;
}

}  // namespace

std::optional<TraceParent> ParseTraceParent(std::string_view text) noexcept {
  if (text.size() < kSize || text[kTraceAt - 1] != '-' || text[kSpanAt - 1] != '-' ||
      text[kFlagsAt - 1] != '-') {
    return std::nullopt;
  }
  const std::string_view version = text.substr(0, 2);
  const std::string_view parts[] = {version, text.substr(kTraceAt, 32), text.substr(kSpanAt, 16),
                                    text.substr(kFlagsAt, 2)};
  for (const std::string_view part : parts) {
    if (!std::all_of(part.begin(), part.end(), IsDigit)) return std::nullopt;
  }
  if (version == "ff") return std::nullopt;
  // Only a later version may have more, behind another dash.
  if (text.size() > kSize && (version == "00" || text[kSize] != '-')) return std::nullopt;
  const auto trace = TraceId::FromHex(parts[1]);
  const auto span = SpanId::FromHex(parts[2]);
  if (!trace || !span || trace->empty() || span->empty()) return std::nullopt;
  return TraceParent{*trace, *span, (ValueOf(parts[3][1]) & 1) != 0};
}

std::string FormatTraceParent(const TraceParent& parent) {
  return "00-" + parent.trace_id.ToHex() + "-" + parent.span_id.ToHex() +
         (parent.sampled ? "-01" : "-00");
}

CallersTrace ReadCallersTrace(const HeaderOf& header) {
  if (const auto parent = ParseTraceParent(header("traceparent")))
    return {parent, parent->sampled, true};
  CallersTrace single = ReadB3(header("b3"));
  return single.parent || single.sampled ? single : ReadManyB3(header);
}

}  // namespace tracestore::server
