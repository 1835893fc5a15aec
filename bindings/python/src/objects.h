// The classes of the module, as C++ sees them. Every one is immutable or guards itself, so that
// threads may share it.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nanobind/nanobind.h>
#include <tracestore/spans.h>
#include <tracestore/store.h>
#include <tracestore/trace.h>

#include "errors.h"

namespace tracestore::python {

// A span of a list; where it came with its trace, also its place in it.
struct SpanObject {
  SpanList list;
  std::size_t row = 0;
  std::shared_ptr<const Trace> trace;  // may be null
  Trace::Node node = Trace::kNone;

  SpanView view() const { return list[row]; }
  // Raises InvalidArgumentError where the span came alone.
  const Trace& InTrace() const;
};

struct TraceObject {
  std::shared_ptr<const Trace> trace;

  SpanObject Span(Trace::Node node) const;
};
SpanObject SpanOf(const std::shared_ptr<const Trace>& trace, Trace::Node node);

struct EventObject {
  SpanObject span;
  std::size_t index = 0;
  EventView view() const { return span.view().event(index); }
};
struct ReferenceObject {
  SpanObject span;
  std::size_t index = 0;
  ReferenceView view() const { return span.view().reference(index); }
};

struct SnapshotObject {
  Snapshot snapshot;
  Owner owner;
};

// "jaeger", "otlp-json", … Raises InvalidArgumentError.
Format FormatOf(const std::string& name);

void BindSpans(nanobind::module_& module);
void BindTraces(nanobind::module_& module);
void BindQueries(nanobind::module_& module);
void BindStores(nanobind::module_& module);
void BindArrow(nanobind::module_& module);

}  // namespace tracestore::python
