// Values of the library as Python objects, and back.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include <nanobind/nanobind.h>
#include <tracestore/format.h>
#include <tracestore/ids.h>
#include <tracestore/spans.h>

namespace tracestore::python {

namespace nb = nanobind;

// A str; bytes that are no UTF-8 become U+FFFD.
nb::object Text(std::string_view bytes);
// None for `there` false.
nb::object Number(bool there, std::uint64_t value);
// A datetime of UTC, cut to microseconds; None where it is absent or beyond year 9999.
nb::object Time(bool there, std::uint64_t unix_ns);

// An attribute as None, str, bool, int, float, bytes, list or dict.
nb::object Value(const AttributeView& attribute);
// Of keys that stand several times the first.
nb::dict Dict(const AttributeList& attributes);
nb::list Pairs(const AttributeList& attributes);

// Hexadecimal digits of either case. Raise InvalidArgumentError.
TraceId ParseTraceId(std::string_view text);
SpanId ParseSpanId(std::string_view text);
std::vector<TraceId> ParseTraceIds(const nb::list& texts);

}  // namespace tracestore::python
