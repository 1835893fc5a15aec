// What a caller says of its trace: W3C Trace Context's traceparent, and B3, which Zipkin's clients
// send.
#pragma once
#include <tracestore/ids.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tracestore::server {

struct TraceParent {
  TraceId trace_id;
  SpanId span_id;  // of the caller
  bool sampled = false;

  bool operator==(const TraceParent&) const = default;
};

// "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"; of later versions what stands in the
// place of that. nullopt: not one, as the specification says (capital digits, ids of zeros, version
// ff).
std::optional<TraceParent> ParseTraceParent(std::string_view text) noexcept;
// Of version 00.
std::string FormatTraceParent(const TraceParent& parent);

// What a request's headers come to.
struct CallersTrace {
  std::optional<TraceParent> parent;  // without a decision `sampled` says nothing
  std::optional<bool> sampled;        // the caller's decision; nullopt: it has made none
  bool w3c = false;                   // it came by traceparent, to which tracestate belongs
};

// Of headers (lower-case names; "" where absent): traceparent, where that is none b3, where that is
// none X-B3-TraceId and its others. What can't be read is as if it weren't there.
using HeaderOf = std::function<std::string_view(std::string_view name)>;
CallersTrace ReadCallersTrace(const HeaderOf& header);

}  // namespace tracestore::server
