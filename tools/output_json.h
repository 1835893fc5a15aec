// Spans and summaries as the JSON that the command line prints (docs/cli.md, "JSON").
#pragma once
#include <string>

#include <tracestore/spans.h>
#include <tracestore/summary.h>

#include "codec/json/json_writer.h"
#include "listing.h"

namespace tracestore::tools {

// The members of a span's object; the caller begins and ends it and may add others. Attributes
// become an object; a key that stands several times gets an array of its values.
void WriteSpanMembers(const SpanView& span, codec::JsonWriter& writer);

// The members of a summary's object.
void WriteSummaryMembers(const TraceSummary& summary, codec::JsonWriter& writer);

// Rows for Render().
Listing SummaryListing();
void AddSummary(const TraceSummary& summary, Listing& listing);
Listing SpanListing();
void AddSpan(const SpanView& span, Listing& listing);

// One object a span, for JSON Lines; the same in {"spans":[…]} for JSON.
std::string RenderSpansJson(const SpanList& spans, Form form);

}  // namespace tracestore::tools
