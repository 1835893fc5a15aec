// A structured filter walked as it was made, over spans as they are: what the real one is held
// against. Shares no code with the decoder, the checks, the lowering or the engine.
#pragma once
#include <re2/re2.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/span_batch.h"
#include "model/text.h"
#include "server/jaeger/filter_test_support.h"

namespace tracestore::server::filter_naive {

using model::SpanBatch;
using model::SpanRecord;

// A reference ("attr", "field"), a constant ("value", "list") or a call (its operator).
struct Node {
  std::string what;
  std::string level;
  std::string name;                 // key or field
  std::string type;                 // of constants
  std::vector<std::string> values;  // one of "value"
  std::vector<long double> ns;      // of values beside a duration or time
  std::vector<Node> args;
};

inline std::string JsonOf(const Node& node) {
  if (node.what == "attr") return filter_json::Attr(node.name, node.level);
  if (node.what == "field") return filter_json::Field(node.level + "." + node.name);
  if (node.what == "nested") return filter_json::Nested(node.level);
  if (node.what == "value") return filter_json::Value(node.values[0], node.type);
  if (node.what == "list") return filter_json::List(node.values, node.type);
  std::vector<std::string> args;
  for (const Node& arg : node.args) {
    const bool call =
        !std::set<std::string>{"attr", "field", "nested", "value", "list"}.contains(arg.what);
    args.push_back(call ? filter_json::Arg(JsonOf(arg)) : JsonOf(arg));
  }
  return filter_json::Call(node.what, args);
}

struct Value {
  char kind = 't';  // text, nanoseconds of a 'd'uration or an 'i'nstant, 'a'ttribute
  std::string text;
  long double ns = 0;
  ValueType type = ValueType::kEmpty;  // of an attribute
  std::optional<double> number;
};

// One span, perhaps with one event or link of it only.
class Reader {
 public:
  Reader(const SpanBatch& batch, const SpanRecord& span) : batch_(batch), span_(span) {}

  std::vector<Value> Read(const Node& reference) {
    values_.clear();
    if (reference.what == "field") {
      Fields(reference.level + "." + reference.name);
      return values_;
    }
    const std::string& level = reference.level;
    const auto own = [&](const char* name) { return level.empty() || level == name; };
    if (own("span")) Attributes(span_.attributes, reference.name);
    if (own("resource")) Attributes(batch_.resources[span_.resource].attributes, reference.name);
    if (level == "scope") Attributes(batch_.scopes[span_.scope].attributes, reference.name);
    if (level == "event")
      for (const auto& event : Events()) Attributes(event.attributes, reference.name);
    if (level == "link")
      for (const auto& link : Links()) Attributes(link.attributes, reference.name);
    return values_;
  }

 private:
  std::vector<model::EventRecord> Events() const {
    const auto begin = batch_.events.begin() + span_.events.begin;
    return {begin, begin + span_.events.count};
  }
  std::vector<model::ReferenceRecord> Links() const {
    const auto begin = batch_.references.begin() + span_.references.begin;
    return {begin, begin + span_.references.count};
  }

  void Text(std::string_view text) {
    if (!text.empty()) values_.push_back({'t', std::string(text), 0, ValueType::kEmpty, {}});
  }
  void Ns(char kind, long double ns) { values_.push_back({kind, "", ns, ValueType::kEmpty, {}}); }
  void Attributes(model::Range range, const std::string& key) {
    for (const model::Attribute& a : model::AttributesOf(batch_, range)) {
      if (batch_.text(a.key) != key) continue;
      values_.push_back(
          {'a', model::CanonicalText(batch_, a), 0, a.type(), model::AsNumber(batch_, a)});
    }
  }

  void Fields(const std::string& name) {
    const auto& resource = batch_.resources[span_.resource];
    const auto& scope = batch_.scopes[span_.scope];
    const bool start = span_.has_start();
    const bool duration = span_.has_duration();
    const auto ns = [](std::uint64_t value) { return static_cast<long double>(value); };
    if (name == "span.traceID") Text(span_.trace_id.ToHex());
    if (name == "span.spanID") Text(span_.span_id.ToHex());
    if (name == "span.parentSpanID" && !span_.parent_id.empty()) Text(span_.parent_id.ToHex());
    if (name == "span.traceState") Text(batch_.text(span_.trace_state));
    if (name == "span.name") Text(batch_.text(span_.name));
    if (name == "span.statusMessage") Text(batch_.text(span_.status_message));
    if (name == "span.kind") Text(SpanKindName(span_.kind));
    if (name == "span.status") Text(StatusCodeName(span_.status));
    if (name == "span.duration" && duration) Ns('d', ns(span_.duration_ns));
    if (name == "span.startTime" && start) Ns('i', ns(span_.start_ns));
    if (name == "span.endTime" && start && duration) Ns('i', ns(span_.end_ns()));
    if (name == "resource.service") Text(model::ServiceOf(batch_, span_));
    if (name == "resource.schemaURL") Text(batch_.text(resource.schema_url));
    if (name == "scope.name") Text(batch_.text(scope.name));
    if (name == "scope.version") Text(batch_.text(scope.version));
    if (name == "scope.schemaURL") Text(batch_.text(scope.schema_url));
    for (const auto& event : Events()) {
      if (name == "event.name") Text(batch_.text(event.name));
      if (event.time_ns == 0) continue;
      if (name == "event.time") Ns('i', ns(event.time_ns));
      if (name == "event.timeSinceStart" && start)
        Ns('d', static_cast<std::int64_t>(event.time_ns - span_.start_ns));
    }
    for (const auto& link : Links()) {
      if (name == "link.traceID" && !link.trace_id.empty()) Text(link.trace_id.ToHex());
      if (name == "link.spanID" && !link.span_id.empty()) Text(link.span_id.ToHex());
      if (name == "link.traceState") Text(batch_.text(link.trace_state));
    }
  }

  const SpanBatch& batch_;
  const SpanRecord& span_;
  std::vector<Value> values_;
};

template <typename T>
bool Holds(const std::string& op, const T& x, const T& y) {
  if (op == "eq") return x == y;
  if (op == "gt") return x > y;
  if (op == "gte") return x >= y;
  if (op == "lt") return x < y;
  return x <= y;
}

// A value against the i-th of a constant's.
inline bool Against(const std::string& op, const Value& value, const Node& constant,
                    std::size_t i) {
  const std::string& text = constant.values[i];
  if (value.kind == 'd' || value.kind == 'i') return Holds(op, value.ns, constant.ns[i]);
  if (value.kind == 't') return Holds(op, value.text, text);
  if (constant.type == "string")
    return value.type == ValueType::kString && Holds(op, value.text, text);
  if (constant.type == "int") {
    return value.type == ValueType::kInt && Holds(op, std::stoll(value.text), std::stoll(text));
  }
  if (constant.type == "bool") {
    return value.type == ValueType::kBool &&
           (value.text == "true") == (text == "true" || text == "1" || text == "T");
  }
  if (constant.type == "double") {
    if (value.type != ValueType::kDouble) return false;
    if (op == "eq" && text == "NaN") return value.text == "NaN";
    return value.number && Holds(op, *value.number, std::strtod(text.c_str(), nullptr));
  }
  if (op == "eq") return value.text == text;
  if (const auto number = model::ParseNumber(text))
    return value.number && Holds(op, *value.number, *number);
  return value.type == ValueType::kString && Holds(op, value.text, text);
}

inline bool Pair(const std::string& op, const Value& x, const Value& y) {
  const auto ns = [](const Value& v) { return v.kind == 'd' || v.kind == 'i'; };
  // No attribute of the small world is a duration or a time.
  if (ns(x) || ns(y)) return x.kind == y.kind && Holds(op, x.ns, y.ns);
  if (op == "eq") return x.text == y.text;
  const bool attributes = x.kind == 'a' && y.kind == 'a';
  if (attributes && x.number && y.number) return Holds(op, *x.number, *y.number);
  const auto is_text = [](const Value& v) { return v.kind == 't' || v.type == ValueType::kString; };
  return is_text(x) && is_text(y) && Holds(op, x.text, y.text);
}

inline bool IsConstant(const Node& node) { return node.what == "value"; }

inline bool Compares(const SpanBatch& batch, const SpanRecord& span, const std::string& op,
                     const Node& left, const Node& right) {
  if (IsConstant(left)) {
    const std::map<std::string, std::string> turned = {
        {"gt", "lt"}, {"lt", "gt"}, {"gte", "lte"}, {"lte", "gte"}, {"eq", "eq"}};
    return Compares(batch, span, turned.at(op), right, left);
  }
  Reader reader(batch, span);
  const auto values = reader.Read(left);
  const auto others = IsConstant(right) ? std::vector<Value>(1) : reader.Read(right);
  for (const Value& x : values) {
    for (const Value& y : others) {
      if (IsConstant(right) ? Against(op, x, right, 0) : Pair(op, x, y)) return true;
    }
  }
  return false;
}

inline bool Evaluate(const SpanBatch& batch, const SpanRecord& span, const Node& node) {
  const auto arg = [&](std::size_t i) { return Evaluate(batch, span, node.args[i]); };
  const auto there = [&](std::size_t i) {
    return IsConstant(node.args[i]) || !Reader(batch, span).Read(node.args[i]).empty();
  };
  if (node.what == "and") return arg(0) && arg(1);
  if (node.what == "or") return arg(0) || arg(1);
  if (node.what == "not") return !arg(0);
  if (node.what == "exists") return there(0);
  if (node.what == "regex") {
    const re2::RE2 regex(node.args[1].values[0], re2::RE2::Quiet);
    for (const Value& value : Reader(batch, span).Read(node.args[0])) {
      if (re2::RE2::PartialMatch(value.text, regex)) return true;
    }
    return false;
  }
  if (node.what == "in" || node.what == "not_in") {
    bool any = false;
    for (const Value& value : Reader(batch, span).Read(node.args[0])) {
      for (std::size_t i = 0; i < node.args[1].values.size(); ++i)
        any |= Against("eq", value, node.args[1], i);
    }
    return node.what == "in" ? any : there(0) && !any;
  }
  if (node.what == "some") {
    SpanRecord one = span;
    model::Range& range = node.args[0].level == "event" ? one.events : one.references;
    const model::Range all = range;
    for (std::uint32_t i = 0; i < all.count; ++i) {
      range = {all.begin + i, 1};
      if (Evaluate(batch, one, node.args[1])) return true;
    }
    return false;
  }
  if (node.what == "ne")
    return there(0) && there(1) && !Compares(batch, span, "eq", node.args[0], node.args[1]);
  return Compares(batch, span, node.what, node.args[0], node.args[1]);
}

}  // namespace tracestore::server::filter_naive
