// Trace, TraceSummary.
#include <algorithm>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "convert.h"
#include "objects.h"

namespace tracestore::python {
namespace {

using T = const TraceObject&;
using Summary = TraceSummary;

nb::list InPreorder(T self) {
  nb::list spans;
  for (const Trace::Node node : self.trace->preorder()) {
    if (!self.trace->missing(node)) spans.append(self.Span(node));
  }
  return spans;
}

// The spans without a parent in the trace: roots, and children of missing parents.
nb::list Roots(T self) {
  nb::list spans;
  const Trace& trace = *self.trace;
  for (const Trace::Node root : trace.roots()) {
    if (!trace.missing(root)) {
      spans.append(self.Span(root));
      continue;
    }
    for (const Trace::Node child : trace.children(root)) spans.append(self.Span(child));
  }
  return spans;
}

nb::list MissingParents(T self) {
  nb::list ids;
  for (Trace::Node node = self.trace->span_count(); node < self.trace->size(); ++node)
    ids.append(self.trace->span_id(node).ToHex());
  return ids;
}

SpanObject SpanById(T self, const std::string& id) {
  const auto nodes = self.trace->Find(ParseSpanId(id));
  if (nodes.empty()) {
    Raise(Error(ErrorCode::kNotFound, "there is no span " + id + " in the trace " +
                                          self.trace->summary().trace_id.ToHex()));
  }
  return self.Span(nodes.front());
}

nb::list SpansById(T self, const std::string& id) {
  nb::list spans;
  for (const Trace::Node node : self.trace->Find(ParseSpanId(id))) spans.append(self.Span(node));
  return spans;
}

Trace::Node NodeOf(T self, const SpanObject& span) {
  if (span.trace != self.trace)
    Raise(Error(ErrorCode::kInvalidArgument, "the span is one of another trace"));
  return span.node;
}

nb::list CriticalPath(T self, const SpanObject* top) {
  Trace::Node node = self.trace->root();
  if (top != nullptr) node = NodeOf(self, *top);
  nb::list path;
  for (const Trace::PathPart& part : self.trace->CriticalPath(node))
    path.append(nb::make_tuple(self.Span(part.node), part.begin_ns, part.end_ns));
  return path;
}

nb::list Warnings(T self) {
  nb::list warnings;
  for (const Trace::Warning& warning : self.trace->warnings()) {
    warnings.append(
        nb::make_tuple(self.trace->span_id(warning.node).ToHex(), Text(warning.text)));
  }
  return warnings;
}

nb::bytes EncodeTrace(T self, const std::string& format) {
  const Format to = FormatOf(format);
  const std::string out = Run([&] { return Encode(self.trace->spans(), to); });
  return nb::bytes(out.data(), out.size());
}

nb::tuple Draw(T self, std::size_t width, std::size_t limit, bool attributes, bool ascii,
               const SpanObject* top) {
  DrawOptions options;
  options.width = std::min<std::size_t>(width, 10'000);
  options.max_rows = limit;
  options.attributes = options.shorten = attributes;
  options.ascii = ascii;
  if (top != nullptr) options.top = NodeOf(self, *top);
  const DrawnTree drawn = DrawTree(*self.trace, options);
  return nb::make_tuple(Text(drawn.text), drawn.left_out);
}

void BindSummary(nb::module_& module) {
  nb::class_<Summary::Service>(module, "ServiceCount", "What a service has of a trace.")
      .def_prop_ro("name", [](const Summary::Service& s) { return Text(s.name); },
                   "As Span.service.")
      .def_ro("span_count", &Summary::Service::span_count, "Its spans in the trace.")
      .def_ro("error_count", &Summary::Service::error_count, "Of them with status error.")
      .def("__repr__", [](const Summary::Service& s) {
        return Text("<ServiceCount " + s.name + ": " + std::to_string(s.span_count) + ">");
      });
  nb::class_<Summary>(module, "TraceSummary", "A trace in one line of a list.")
      .def_prop_ro("trace_id", [](const Summary& s) { return s.trace_id.ToHex(); },
                   "32 lower-case hexadecimal digits.")
      .def_prop_ro("start_ns", [](const Summary& s) { return Number(s.has_start, s.start_ns); },
                   "Unix nanoseconds of the earliest start; None where no span has one.")
      .def_prop_ro("start", [](const Summary& s) { return Time(s.has_start, s.start_ns); },
                   "The same as a datetime of UTC, cut to microseconds.")
      .def_prop_ro("end_ns", [](const Summary& s) { return Number(s.has_start, s.end_ns); },
                   "Unix nanoseconds of the latest end.")
      .def_prop_ro("duration_ns",
                   [](const Summary& s) { return Number(s.has_start, s.duration_ns()); },
                   "Nanoseconds from the earliest start to the latest end.")
      .def_prop_ro("root_service", [](const Summary& s) { return Text(s.root_service); },
                   "The root's service.")
      .def_prop_ro("root_operation", [](const Summary& s) { return Text(s.root_operation); },
                   "The root's name.")
      .def_ro("span_count", &Summary::span_count, "Spans equal in every field count once.")
      .def_ro("error_count", &Summary::error_count, "Spans whose status is error.")
      .def_ro("orphan_count", &Summary::orphan_count, "Spans whose parent isn't in the trace.")
      .def_prop_ro("services",
                   [](const Summary& s) {
                     nb::list services;
                     for (const auto& service : s.services) services.append(nb::cast(service));
                     return services;
                   },
                   "A ServiceCount each, by name.")
      .def("__eq__",
           [](const Summary& a, const nb::object& b) -> nb::object {
             if (!nb::isinstance<Summary>(b)) return nb::borrow(Py_NotImplemented);
             return nb::bool_(a == nb::cast<const Summary&>(b));
           },
           nb::arg("other").none())
      .def("__hash__", [](const Summary& s) { return std::hash<TraceId>()(s.trace_id); })
      .def("__repr__", [](const Summary& s) {
        return Text("<TraceSummary " + s.trace_id.ToHex() + " " + s.root_service + ": " +
                    s.root_operation + ", " + std::to_string(s.span_count) + " spans>");
      });
}

}  // namespace

Format FormatOf(const std::string& name) { return Take(ParseFormat(name)); }

void BindTraces(nb::module_& module) {
  BindSummary(module);
  nb::class_<TraceObject>(
      module, "TraceCore",
      "The spans of one trace as a tree and a graph, read only. tracestore.Trace is made of it.")
      .def_prop_ro("summary", [](T t) { return t.trace->summary(); })
      .def_prop_ro("spans", &InPreorder)
      .def_prop_ro("root", [](T t) { return t.Span(t.trace->root()); })
      .def_prop_ro("roots", &Roots)
      .def_prop_ro("missing_parents", &MissingParents)
      .def_prop_ro("warnings", &Warnings)
      .def("span", &SpanById, nb::arg("span_id"))
      .def("spans_with_id", &SpansById, nb::arg("span_id"))
      .def("critical_path", &CriticalPath, nb::arg("top").none() = nb::none())
      .def("draw", &Draw, nb::arg("width"), nb::arg("limit"), nb::arg("attributes"),
           nb::arg("ascii"), nb::arg("top").none())
      .def("encode", &EncodeTrace, nb::arg("format"))
      .def("__len__", [](T t) { return t.trace->span_count(); });
}

}  // namespace tracestore::python
