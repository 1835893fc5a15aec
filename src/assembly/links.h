// Which service calls which, from one trace: by Jaeger's rule and by Zipkin's.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "assembly/trace_graph.h"

namespace tracestore::assembly {

struct ServiceLink {
  std::string parent;
  std::string child;
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;

  friend bool operator==(const ServiceLink&, const ServiceLink&) = default;
};

// Jaeger: each span is a call from each of its parents in the trace (ChildOf and FollowsFrom) whose
// service differs from its own; an error where its status is error. Spans without a service don't
// count. Ordered by parent, then child.
std::vector<ServiceLink> JaegerLinks(const TraceGraph& graph);

// Zipkin: by kinds, remote endpoints (peer.service) and the nearest ancestor that has a kind, over
// the tree with orphans under its root; messages link to the broker only. An error where the span
// (or the client parent of a server span) has a tag `error`, whatever its value; in spans that
// aren't Zipkin's own also where the status is error. Ordered by parent, then child.
std::vector<ServiceLink> ZipkinLinks(const TraceGraph& graph);

}  // namespace tracestore::assembly
