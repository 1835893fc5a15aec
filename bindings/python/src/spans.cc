// Span, Event, Reference.
#include <nanobind/stl/string.h>

#include "convert.h"
#include "objects.h"

namespace tracestore::python {
namespace {

const char* ReferenceName(ReferenceType type) noexcept {
  switch (type) {
    case ReferenceType::kChildOf: return "child_of";
    case ReferenceType::kFollowsFrom: return "follows_from";
    case ReferenceType::kLink: return "link";
  }
  return "link";
}

const char* EdgeName(Trace::Edge edge) noexcept {
  switch (edge) {
    case Trace::Edge::kNone: return "none";
    case Trace::Edge::kChildOf: return "child_of";
    case Trace::Edge::kFollowsFrom: return "follows_from";
    case Trace::Edge::kShared: return "shared";
  }
  return "none";
}

// Differences of times are modulo 2^64: an end before its start is a negative duration.
nb::object Duration(const SpanView& span) {
  if (!span.has_duration()) return nb::none();
  const std::uint64_t duration = span.duration_ns();
  if (span.start_ns() + duration < span.start_ns())
    return nb::int_(static_cast<std::int64_t>(duration));
  return nb::int_(duration);
}

nb::list SpansAt(const SpanObject& self, std::span<const Trace::Node> nodes) {
  nb::list spans;
  for (const Trace::Node node : nodes) {
    if (!self.trace->missing(node)) spans.append(SpanOf(self.trace, node));
  }
  return spans;
}

nb::object Parent(const SpanObject& self) {
  const Trace& trace = self.InTrace();
  const Trace::Node parent = trace.parent(self.node).node;
  if (parent == Trace::kNone || trace.missing(parent)) return nb::none();
  return nb::cast(SpanOf(self.trace, parent));
}

nb::list Parents(const SpanObject& self) {
  const Trace& trace = self.InTrace();
  nb::list parents;
  for (const Trace::Parent& parent : trace.parents(self.node)) {
    const nb::object span = trace.missing(parent.node)
                                ? nb::object(nb::none())
                                : nb::cast(SpanOf(self.trace, parent.node));
    parents.append(nb::make_tuple(EdgeName(parent.edge), trace.span_id(parent.node).ToHex(), span));
  }
  return parents;
}

nb::list Events(const SpanObject& self) {
  nb::list events;
  for (std::size_t i = 0; i < self.view().event_count(); ++i) events.append(EventObject{self, i});
  return events;
}

nb::list References(const SpanObject& self) {
  nb::list references;
  for (std::size_t i = 0; i < self.view().reference_count(); ++i)
    references.append(ReferenceObject{self, i});
  return references;
}

nb::list WarningsOf(const SpanObject& self) {
  nb::list warnings;
  for (const Trace::Warning& warning : self.InTrace().warnings()) {
    if (warning.node == self.node) warnings.append(Text(warning.text));
  }
  return warnings;
}

std::string Repr(const SpanObject& self) {
  const SpanView span = self.view();
  return "<Span " + span.span_id().ToHex() + " " + std::string(span.service()) + ": " +
         std::string(span.name()) + ">";
}

bool Same(const SpanObject& a, const SpanObject& b) {
  return a.list.batch() == b.list.batch() && a.row == b.row;
}

void BindFields(nb::class_<SpanObject>& span) {
  using S = const SpanObject&;
  span.def_prop_ro("trace_id", [](S s) { return s.view().trace_id().ToHex(); },
                   "32 lower-case hexadecimal digits.")
      .def_prop_ro("span_id", [](S s) { return s.view().span_id().ToHex(); },
                   "16 lower-case hexadecimal digits.")
      .def_prop_ro("parent_id",
                   [](S s) -> nb::object {
                     const SpanId id = s.view().parent_id();
                     return id.empty() ? nb::none() : nb::object(nb::cast(id.ToHex()));
                   },
                   "16 hexadecimal digits; None where the span names no parent.")
      .def_prop_ro("name", [](S s) { return Text(s.view().name()); }, "The operation.")
      .def_prop_ro("service", [](S s) { return Text(s.view().service()); },
                   "The resource's service.name; '' where it has none.")
      .def_prop_ro("kind", [](S s) { return SpanKindName(s.view().kind()); },
                   "'unspecified', 'internal', 'server', 'client', 'producer' or 'consumer'.")
      .def_prop_ro("status", [](S s) { return StatusCodeName(s.view().status()); },
                   "'unset', 'ok' or 'error'.")
      .def_prop_ro("status_message", [](S s) { return Text(s.view().status_message()); },
                   "What the status says besides; '' where nothing.")
      .def_prop_ro("start_ns",
                   [](S s) { return Number(s.view().has_start(), s.view().start_ns()); },
                   "Unix nanoseconds; None where the span has no start.")
      .def_prop_ro("start", [](S s) { return Time(s.view().has_start(), s.view().start_ns()); },
                   "A datetime of UTC, cut to microseconds; None where the span has no start.")
      .def_prop_ro("duration_ns", [](S s) { return Duration(s.view()); },
                   "Nanoseconds; negative where the end lies before the start; None where absent.")
      .def_prop_ro("flags", [](S s) { return s.view().flags(); },
                   "The low byte is W3C's trace flags, or Jaeger's.")
      .def_prop_ro("trace_state", [](S s) { return Text(s.view().trace_state()); },
                   "W3C's tracestate, as it came.")
      .def_prop_ro("attributes", [](S s) { return Dict(s.view().attributes()); },
                   "A dict of typed values, made anew each time; of repeated keys the first.")
      .def("attribute_items", [](S s) { return Pairs(s.view().attributes()); },
           "All attributes as (key, value), in their order, repeated keys too.")
      .def_prop_ro("resource", [](S s) { return Dict(s.view().resource_attributes()); },
                   "The attributes of what sent the span.")
      .def_prop_ro("scope_name", [](S s) { return Text(s.view().scope_name()); },
                   "The instrumentation that made the span.")
      .def_prop_ro("scope_version", [](S s) { return Text(s.view().scope_version()); },
                   "Its version.")
      .def_prop_ro("scope_attributes", [](S s) { return Dict(s.view().scope_attributes()); },
                   "Its attributes.")
      .def_prop_ro("events", &Events, "What happened within the span, in the order it came.")
      .def_prop_ro("references", &References,
                   "Links, and parents other than `parent_id`; perhaps of other traces.");
}

void BindPlace(nb::class_<SpanObject>& span) {
  using S = const SpanObject&;
  span.def_prop_ro("parent", &Parent,
                   "The parent in the trace's tree; None of a root, and where the parent is "
                   "missing.")
      .def_prop_ro("parents", &Parents,
                   "All parents in the trace as (why, span id, Span or None where it is missing); "
                   "why is 'child_of', 'follows_from' or 'shared'. The tree's parent is the first.")
      .def_prop_ro("children",
                   [](S s) { return SpansAt(s, s.InTrace().children(s.node)); },
                   "The spans below it in the tree, by start.")
      .def_prop_ro("subtree", [](S s) { return SpansAt(s, s.InTrace().subtree(s.node)); },
                   "The span and all below it, each before its children.")
      .def_prop_ro("depth", [](S s) { return s.InTrace().depth(s.node); },
                   "0 of a root; a missing parent counts.")
      .def_prop_ro("self_ns", [](S s) { return s.InTrace().self_ns(s.node); },
                   "Nanoseconds of the span that none of its children covers.")
      .def_prop_ro("begin_ns", [](S s) { return s.InTrace().interval(s.node).begin_ns; },
                   "Unix nanoseconds; moved where the trace was adjusted for clock skew; 0 without "
                   "a start.")
      .def_prop_ro("end_ns", [](S s) { return s.InTrace().interval(s.node).end_ns; },
                   "Unix nanoseconds, never before begin_ns; moved as it.")
      .def_prop_ro("copies", [](S s) { return s.InTrace().copies(s.node); },
                   "How often the very same span was stored.")
      .def_prop_ro("warnings", &WarningsOf, "Sentences on this span.");
}

}  // namespace

const Trace& SpanObject::InTrace() const {
  if (trace != nullptr) return *trace;
  Raise(Error(ErrorCode::kInvalidArgument,
              "this span came without its trace: get it with trace(span.trace_id)"));
}

SpanObject SpanOf(const std::shared_ptr<const Trace>& trace, Trace::Node node) {
  return {trace->spans(), trace->row(node), trace, node};
}
SpanObject TraceObject::Span(Trace::Node node) const { return SpanOf(trace, node); }

void BindSpans(nb::module_& module) {
  nb::class_<SpanObject> span(
      module, "Span",
      "One span, read only. Those of a Trace know their place in it: parent, children, self_ns and "
      "so on; on those that spans() gives, these raise InvalidArgumentError.");
  BindFields(span);
  BindPlace(span);
  span.def("__repr__", [](const SpanObject& s) { return Text(Repr(s)); })
      .def("__eq__",
           [](const SpanObject& a, const nb::object& b) -> nb::object {
             if (!nb::isinstance<SpanObject>(b)) return nb::borrow(Py_NotImplemented);
             return nb::bool_(Same(a, nb::cast<const SpanObject&>(b)));
           },
           nb::arg("other").none())
      .def("__hash__", [](const SpanObject& s) {
        return std::hash<const void*>()(s.list.batch().get()) ^ std::hash<std::size_t>()(s.row);
      });

  nb::class_<EventObject>(module, "Event", "What happened at a moment of a span.")
      .def_prop_ro("time_ns", [](const EventObject& e) { return e.view().time_ns(); },
                   "Unix nanoseconds.")
      .def_prop_ro("time", [](const EventObject& e) { return Time(true, e.view().time_ns()); },
                   "A datetime of UTC, cut to microseconds.")
      .def_prop_ro("name", [](const EventObject& e) { return Text(e.view().name()); },
                   "What happened.")
      .def_prop_ro("attributes", [](const EventObject& e) { return Dict(e.view().attributes()); },
                   "As Span.attributes.")
      .def("__repr__", [](const EventObject& e) {
        return Text("<Event " + std::string(e.view().name()) + ">");
      });

  nb::class_<ReferenceObject>(module, "Reference", "A span's reference to another span.")
      .def_prop_ro("type", [](const ReferenceObject& r) { return ReferenceName(r.view().type()); },
                   "'child_of', 'follows_from' or 'link'.")
      .def_prop_ro("trace_id", [](const ReferenceObject& r) { return r.view().trace_id().ToHex(); },
                   "32 lower-case hexadecimal digits.")
      .def_prop_ro("span_id", [](const ReferenceObject& r) { return r.view().span_id().ToHex(); },
                   "16 lower-case hexadecimal digits.")
      .def_prop_ro("trace_state",
                   [](const ReferenceObject& r) { return Text(r.view().trace_state()); },
                   "W3C's tracestate of the span it refers to.")
      .def_prop_ro("flags", [](const ReferenceObject& r) { return r.view().flags(); },
                   "As OTLP's of links: W3C's trace flags in the low byte.")
      .def_prop_ro("attributes",
                   [](const ReferenceObject& r) { return Dict(r.view().attributes()); },
                   "As Span.attributes.")
      .def("__repr__", [](const ReferenceObject& r) {
        return std::string("<Reference ") + ReferenceName(r.view().type()) + " " +
               r.view().span_id().ToHex() + ">";
      });
}

}  // namespace tracestore::python
