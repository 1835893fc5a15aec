#include <string>
#include <utility>

#include <nanobind/stl/string.h>
#include <tracestore/values.h>

#include "convert.h"
#include "errors.h"

namespace tracestore::python {
namespace {

nb::object Bytes(std::string_view bytes) { return nb::bytes(bytes.data(), bytes.size()); }

nb::object Scalar(const ValueParts::Part& part) {
  switch (part.type) {
    case ValueType::kString: return Text(part.text);
    case ValueType::kBool: return nb::bool_(part.integer != 0);
    case ValueType::kInt: return nb::int_(part.integer);
    case ValueType::kDouble: return nb::float_(part.number);
    case ValueType::kBytes: return Bytes(part.text);
    default: return nb::none();
  }
}

// An array or map that is being filled: a list or a dict, and the key that waits for its value.
struct Open {
  nb::object container;
  nb::object key;
};

void Put(Open& open, const nb::object& value) {
  if (nb::isinstance<nb::list>(open.container)) {
    nb::borrow<nb::list>(open.container).append(value);
  } else if (!nb::borrow<nb::dict>(open.container).contains(open.key)) {
    open.container[open.key] = value;
  }
}

nb::object Container(const AttributeView& attribute) {
  using Kind = ValueParts::Kind;
  const auto make = [](bool map) -> nb::object {
    return map ? nb::object(nb::dict()) : nb::object(nb::list());
  };
  std::vector<Open> open;
  open.push_back({make(attribute.type() == ValueType::kMap), nb::none()});
  ValueParts parts(attribute);
  while (true) {
    const ValueParts::Part part = parts.Next();
    switch (part.kind) {
      case Kind::kScalar: Put(open.back(), Scalar(part)); break;
      case Kind::kKey: open.back().key = Text(part.text); break;
      case Kind::kBeginArray:
      case Kind::kBeginMap: open.push_back({make(part.kind == Kind::kBeginMap), nb::none()}); break;
      case Kind::kEnd: {
        const nb::object inner = open.back().container;
        open.pop_back();
        Put(open.back(), inner);
        break;
      }
      case Kind::kDone: return open.front().container;
    }
  }
}

}  // namespace

nb::object Text(std::string_view bytes) {
  PyObject* text =
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "replace");
  if (text == nullptr) throw nb::python_error();
  return nb::steal(text);
}

nb::object Number(bool there, std::uint64_t value) {
  return there ? nb::object(nb::int_(value)) : nb::none();
}

nb::object Time(bool there, std::uint64_t unix_ns) {
  if (!there) return nb::none();
  return nb::module_::import_("tracestore._time").attr("to_datetime")(unix_ns);
}

nb::object Value(const AttributeView& attribute) {
  switch (attribute.type()) {
    case ValueType::kEmpty: return nb::none();
    case ValueType::kString: return Text(attribute.string_value());
    case ValueType::kBool: return nb::bool_(attribute.bool_value());
    case ValueType::kInt: return nb::int_(attribute.int_value());
    case ValueType::kDouble: return nb::float_(attribute.double_value());
    case ValueType::kBytes: return Bytes(attribute.bytes_value());
    case ValueType::kArray:
    case ValueType::kMap: return Container(attribute);
  }
  return nb::none();
}

nb::dict Dict(const AttributeList& attributes) {
  nb::dict dict;
  for (const AttributeView attribute : attributes) {
    const nb::object key = Text(attribute.key());
    if (!dict.contains(key)) dict[key] = Value(attribute);
  }
  return dict;
}

nb::list Pairs(const AttributeList& attributes) {
  nb::list pairs;
  for (const AttributeView attribute : attributes)
    pairs.append(nb::make_tuple(Text(attribute.key()), Value(attribute)));
  return pairs;
}

TraceId ParseTraceId(std::string_view text) {
  if (const auto id = TraceId::FromHex(text)) return *id;
  Raise(Error(ErrorCode::kInvalidArgument,
              "'" + std::string(text) + "' is no trace id: 1 to 32 hexadecimal digits"));
}

SpanId ParseSpanId(std::string_view text) {
  if (const auto id = SpanId::FromHex(text)) return *id;
  Raise(Error(ErrorCode::kInvalidArgument,
              "'" + std::string(text) + "' is no span id: 1 to 16 hexadecimal digits"));
}

std::vector<TraceId> ParseTraceIds(const nb::list& texts) {
  std::vector<TraceId> ids;
  for (const nb::handle text : texts) ids.push_back(ParseTraceId(nb::cast<std::string>(text)));
  return ids;
}

}  // namespace tracestore::python
