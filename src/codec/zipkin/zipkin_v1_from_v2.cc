#include <algorithm>

#include "codec/zipkin/zipkin_v1.h"

namespace tracestore::codec {
namespace {

// The core annotations and the address that say what a span of version 2 is.
struct Metadata {
  std::uint64_t start_us = 0;
  std::uint64_t end_us = 0;
  std::string_view begin, end, address;
};

// Annotations of incomplete version 1 spans tell the kind, and better times.
struct Seen {
  SpanKind kind;
  std::uint64_t ms = 0, ws = 0, wr = 0, mr = 0;
};

Seen Scan(const ZipkinSpan& span, Metadata& metadata) {
  Seen seen{span.kind};
  for (const auto& [timestamp_us, value] : span.annotations) {
    if (value.size() != 2) continue;
    if (value == "cs" || value == "sr") {
      seen.kind = value == "cs" ? SpanKind::kClient : SpanKind::kServer;
      metadata.start_us = std::min(metadata.start_us, timestamp_us);
    } else if (value == "cr" || value == "ss") {
      seen.kind = value == "cr" ? SpanKind::kClient : SpanKind::kServer;
      metadata.end_us = std::max(metadata.end_us, timestamp_us);
    } else if (value == "ms") {
      seen.kind = SpanKind::kProducer;
      seen.ms = timestamp_us;
    } else if (value == "mr") {
      seen.kind = SpanKind::kConsumer;
      seen.mr = timestamp_us;
    } else if (value == "ws") {
      seen.ws = timestamp_us;
    } else if (value == "wr") {
      seen.wr = timestamp_us;
    }
  }
  return seen;
}

// The earlier (later) of two times of which 0 is none.
void Earlier(std::uint64_t other, std::uint64_t& time) {
  if (time == 0 || (other != 0 && other < time)) time = other;
}
void Later(std::uint64_t other, std::uint64_t& time) {
  if (time == 0 || (other != 0 && other > time)) time = other;
}

Metadata MetadataOf(const ZipkinSpan& span) {
  Metadata metadata;
  metadata.address = "sa";
  metadata.start_us = span.timestamp_us;
  // An end that no reader could hold is left out; the duration still tells it.
  const bool timed = span.timestamp_us != 0 && span.duration_us != 0;
  if (timed && span.duration_us <= kMaxZipkinMicros - span.timestamp_us)
    metadata.end_us = span.timestamp_us + span.duration_us;
  const Seen seen = Scan(span, metadata);
  switch (seen.kind) {
    case SpanKind::kClient:
      metadata.begin = "cs";
      metadata.end = "cr";
      break;
    case SpanKind::kServer:
      metadata.address = "ca";
      metadata.begin = "sr";
      metadata.end = "ss";
      break;
    case SpanKind::kProducer:
      metadata.address = "ma";
      metadata.begin = "ms";
      metadata.end = "ws";
      Earlier(seen.ms, metadata.start_us);
      Later(seen.ws, metadata.end_us);
      break;
    case SpanKind::kConsumer:
      metadata.address = "ma";
      Earlier(seen.wr, metadata.start_us);
      Later(seen.mr, metadata.end_us);
      metadata.begin = "mr";
      if (metadata.end_us == 0 && seen.wr == 0) break;
      metadata.begin = "wr";
      metadata.end = "mr";
      break;
    case SpanKind::kUnspecified:
    case SpanKind::kInternal: break;
  }
  return metadata;
}

}  // namespace

void ToZipkinV1(const ZipkinSpan& source, ZipkinV1Span& out) {
  const Metadata metadata = MetadataOf(source);
  out.Clear();
  out.trace_id = source.trace_id;
  out.id = source.id;
  out.parent_id = source.parent_id;
  out.name = source.name;
  out.debug = source.debug;
  // That a span is shared is told by the absence of its times.
  if (!source.shared) {
    out.timestamp_us = source.timestamp_us;
    out.duration_us = source.duration_us;
  }
  const bool begins = metadata.start_us != 0 && !metadata.begin.empty();
  const bool ends = metadata.end_us != 0 && !metadata.end.empty();
  const std::uint32_t host = out.AddEndpoint(source.local);
  if (begins) out.annotations.push_back({metadata.start_us, metadata.begin, host});
  for (const auto& [timestamp_us, value] : source.annotations) {
    if ((begins && value == metadata.begin) || (ends && value == metadata.end)) continue;
    out.annotations.push_back({timestamp_us, value, host});
  }
  if (ends) out.annotations.push_back({metadata.end_us, metadata.end, host});
  for (const auto& [key, value] : source.tags) out.binaries.push_back({key, value, host, false});
  const bool bare = out.annotations.empty() && out.binaries.empty();
  if (bare && host != kNoZipkinEndpoint) out.binaries.push_back({"lc", "", host, false});
  if (!source.remote.empty())
    out.binaries.push_back({metadata.address, {}, out.AddEndpoint(source.remote), true});
}

}  // namespace tracestore::codec
