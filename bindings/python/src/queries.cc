// Query and the answers that are lists: pages, names, links, metrics.
#include <charconv>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "convert.h"
#include "objects.h"

namespace tracestore::python {
namespace {

using Maybe = std::optional<std::string>;
using Bound = std::optional<std::uint64_t>;

// The canonical text of what a tag is compared with (docs/format/semantics.md, "Comparison").
std::string CanonicalText(const nb::handle& value) {
  if (nb::isinstance<nb::str>(value)) return nb::cast<std::string>(value);
  if (nb::isinstance<nb::bool_>(value)) return nb::cast<bool>(value) ? "true" : "false";
  if (nb::isinstance<nb::int_>(value)) return nb::cast<std::string>(nb::str(value));
  if (nb::isinstance<nb::float_>(value)) {
    char text[32];
    const double number = nb::cast<double>(value);
    return {text, std::to_chars(text, text + sizeof text, number).ptr};
  }
  Raise(Error(ErrorCode::kInvalidArgument, "a tag is compared with a str, bool, int or float"));
}

std::chrono::nanoseconds Nanoseconds(std::uint64_t ns) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(ns, kMost)));
}

Order OrderOf(const std::string& name) {
  if (name == "newest") return Order::kNewest;
  if (name == "longest") return Order::kLongest;
  Raise(Error(ErrorCode::kInvalidArgument,
              "order is 'newest' or 'longest', not '" + name + "'"));
}

void Init(Query* self, const Maybe& service, const Maybe& operation, const nb::dict& tags,
          const Bound& min_duration_ns, const Bound& max_duration_ns, bool errors,
          const Maybe& where, const Bound& start_ns, const Bound& end_ns,
          const std::string& order) {
  Query query;
  if (where) query.where = Take(ParseFilter(*where));
  if (service) query.Service(*service);
  if (operation) query.Operation(*operation);
  for (const auto& [key, value] : tags) {
    if (!nb::isinstance<nb::str>(key))
      Raise(Error(ErrorCode::kInvalidArgument, "the key of a tag is a str"));
    query.Tag(nb::cast<std::string>(key), CanonicalText(value));
  }
  if (min_duration_ns) query.MinDuration(Nanoseconds(*min_duration_ns));
  if (max_duration_ns) query.MaxDuration(Nanoseconds(*max_duration_ns));
  if (errors) query.ErrorsOnly();
  if (start_ns) query.span_start.begin_ns = *start_ns;
  if (end_ns) query.span_start.end_ns = *end_ns;
  query.order = OrderOf(order);
  new (self) Query(std::move(query));
}

void BindQuery(nb::module_& module) {
  nb::class_<Query>(module, "Query", "What to look for, as a value.")
      .def("__init__", &Init, nb::kw_only(), nb::arg("service").none() = nb::none(),
           nb::arg("operation").none() = nb::none(), nb::arg("tags") = nb::dict(),
           nb::arg("min_duration_ns").none() = nb::none(),
           nb::arg("max_duration_ns").none() = nb::none(), nb::arg("errors") = false,
           nb::arg("where").none() = nb::none(), nb::arg("start_ns").none() = nb::none(),
           nb::arg("end_ns").none() = nb::none(), nb::arg("order") = "newest");
}

void BindNames(nb::module_& module) {
  nb::class_<NamedCount>(module, "NamedCount", "A name and how often it is there.")
      .def_prop_ro("name", [](const NamedCount& n) { return Text(n.name); },
                   "The service, key or value.")
      .def_ro("count", &NamedCount::count, "Spans, or attributes of a key or value.")
      .def("__repr__", [](const NamedCount& n) {
        return Text("<NamedCount " + n.name + ": " + std::to_string(n.count) + ">");
      });
  nb::class_<OperationInfo>(module, "OperationInfo", "An operation of a service.")
      .def_prop_ro("name", [](const OperationInfo& o) { return Text(o.name); },
                   "As Span.name.")
      .def_prop_ro("kind", [](const OperationInfo& o) { return SpanKindName(o.kind); },
                   "As Span.kind.")
      .def_ro("spans", &OperationInfo::spans, "How many spans have it.")
      .def("__repr__", [](const OperationInfo& o) {
        return Text("<OperationInfo " + o.name + ", " + SpanKindName(o.kind) + ": " +
                    std::to_string(o.spans) + ">");
      });
  nb::class_<DependencyLink>(module, "DependencyLink", "Calls of one service to another.")
      .def_prop_ro("parent", [](const DependencyLink& d) { return Text(d.parent); },
                   "The service that calls.")
      .def_prop_ro("child", [](const DependencyLink& d) { return Text(d.child); },
                   "The service that is called.")
      .def_ro("calls", &DependencyLink::calls, "Spans whose parent is of the other service.")
      .def_ro("errors", &DependencyLink::errors, "Of them with status error.")
      .def("__repr__", [](const DependencyLink& d) {
        return Text("<DependencyLink " + d.parent + " to " + d.child + ": " +
                    std::to_string(d.calls) + ">");
      });
  using M = OperationMetrics;
  nb::class_<M>(module, "OperationMetrics", "Calls, errors and latency of an operation.")
      .def_prop_ro("service", [](const M& m) { return Text(m.service); }, "As Span.service.")
      .def_prop_ro("operation", [](const M& m) { return Text(m.operation); }, "As Span.name.")
      .def_prop_ro("kind", [](const M& m) { return SpanKindName(m.kind); }, "As Span.kind.")
      .def_ro("step_begin_ns", &M::step_begin_ns, "Unix nanoseconds; 0 without steps.")
      .def_ro("calls", &M::calls, "Spans, equal ones once.")
      .def_ro("errors", &M::errors, "Of them with status error.")
      .def_ro("timed", &M::timed, "Of them with a duration.")
      .def_ro("latency_ns", &M::latency_ns,
              "Nanoseconds at the quantiles asked for, at most 1.6 % off; empty where no span has "
              "a duration.")
      .def("__repr__", [](const M& m) {
        return Text("<OperationMetrics " + m.service + ": " + m.operation + ", " +
                    std::to_string(m.calls) + " calls>");
      });
}

}  // namespace

void BindQueries(nb::module_& module) {
  BindQuery(module);
  BindNames(module);
  module.def("parse_duration", [](const std::string& text) {
    return Take(ParseDuration(text)).count();
  }, nb::arg("text"), "'10ms', '1h30m' in nanoseconds. Raises InvalidArgumentError.");
  module.def("check_format", [](const std::string& name) { (void)FormatOf(name); },
             nb::arg("name"));
}

}  // namespace tracestore::python
