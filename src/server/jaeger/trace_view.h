// A stored trace as Jaeger's query service shows it.
#pragma once
#include <string>

#include <tracestore/spans.h>

namespace tracestore::server {

// Appends the trace object of `spans`, which all belong to one trace, to `out`.
//
// Raw: each span as often as it was stored, in stored order, tags as they came. Otherwise as the
// reader's adjusters leave it (adjust.h): spans equal in every field once, spans by start, tags by
// key, and the warnings on clocks. No span is moved for its clock, which is Jaeger's default.
void AppendTrace(const SpanList& spans, bool raw, std::string& out);

}  // namespace tracestore::server
