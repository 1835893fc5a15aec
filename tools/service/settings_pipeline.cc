// What happens to spans between a receiver and the store.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr double kMostParts = 1'000'000;
constexpr double kMostBytes = 1'099'511'627'776;  // 1 TiB

constexpr Setting kSettings[] = {
    {.name = "processors",
     .field = TS_FIELD(pipeline.processors),
     .group = "Pipeline",
     .help = "List of what is done to spans: add, drop, hash, redact, filter (docs/ingest.md)"},
    {.name = "collector.tags",
     .field = TS_FIELD(pipeline.tags),
     .group = "Pipeline",
     .help = "key=value for every resource that lacks the key; ${NAME:default} is a variable",
     .roles = kStoring,
     .jaegers = true},
    {.name = "agent.tags",
     .field = TS_FIELD(pipeline.tags),
     .group = "Pipeline",
     .help = "key=value for every resource that lacks the key; ${NAME:default} is a variable",
     .roles = kAgent,
     .jaegers = true},
    {.name = "downsampling.ratio",
     .field = TS_FIELD(pipeline.head_probability),
     .group = "Pipeline",
     .help = "Share of traces that are kept, told from the trace id; debug spans are kept always",
     .roles = kStoring,
     .most = 1,
     .jaegers = true},
    {.name = "ingest.max-bytes",
     .field = TS_FIELD(pipeline.max_bytes),
     .group = "Pipeline",
     .help = "Of messages and batches being taken in; beyond it senders are told to come again",
     .least = 1 << 20,
     .most = kMostBytes,
     .unit = Unit::kBytes},
    {.name = "limits.attributes",
     .field = TS_FIELD(pipeline.max_attributes),
     .group = "Pipeline",
     .help = "Of a span, event, link, resource or scope; the rest is cut, marked and counted",
     .most = kMostParts},
    {.name = "limits.events",
     .field = TS_FIELD(pipeline.max_events),
     .group = "Pipeline",
     .help = "Of a span, likewise",
     .most = kMostParts},
    {.name = "limits.links",
     .field = TS_FIELD(pipeline.max_links),
     .group = "Pipeline",
     .help = "Of a span, likewise",
     .most = kMostParts},
    {.name = "limits.value-bytes",
     .field = TS_FIELD(pipeline.max_value_bytes),
     .group = "Pipeline",
     .help = "Of one value, name or key; what is longer is cut",
     .least = 16,
     .most = 1 << 30,
     .unit = Unit::kBytes},
    {.name = "limits.span-bytes",
     .field = TS_FIELD(pipeline.max_span_bytes),
     .group = "Pipeline",
     .help = "Of a span with its events and links; what is larger is cut",
     .least = 1024,
     .most = 1 << 30,
     .unit = Unit::kBytes},
};

}  // namespace

std::span<const Setting> PipelineSettings() { return kSettings; }

}  // namespace tracestore::tools
