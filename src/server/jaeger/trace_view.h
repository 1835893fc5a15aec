// A stored trace as Jaeger's query service shows it.
#pragma once
#include <tracestore/spans.h>

#include <cstdint>
#include <string>

namespace tracestore::server {

// Appends the trace object of `spans`, which all belong to one trace, to `out`.
//
// Raw: each span as often as it was stored, in stored order, tags as they came. Otherwise as the
// reader's adjusters leave it (adjust.h): spans equal in every field once, spans by start, tags by
// key, and the warnings on clocks. A span whose clock is another's than its parent's is moved by at
// most `max_skew_ns`; 0, Jaeger's default: none is.
void AppendTrace(const SpanList& spans, bool raw, std::uint64_t max_skew_ns, std::string& out);

}  // namespace tracestore::server
