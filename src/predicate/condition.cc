#include "predicate/condition.h"

#include <bit>
#include <charconv>
#include <cmath>

#include <re2/re2.h>

#include "base/try.h"
#include "model/text.h"
#include "predicate/validate.h"

namespace tracestore::predicate {
namespace {

// A regular expression may take this many bytes compiled, its automata included; RE2 falls back
// to slower matching rather than taking more. Times 1,024 conditions this bounds a query.
constexpr std::int64_t kRegexBytes = 1 << 20;

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

bool IsEquality(CompareOp op) noexcept {
  return op == CompareOp::kEqual || op == CompareOp::kNotEqual;
}

template <typename Number>
std::optional<Number> ParseWhole(std::string_view text) noexcept {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void ParseEqualForms(CompiledCondition& c) {
  const std::string& text = c.source.value;
  const auto integer = ParseWhole<std::int64_t>(text);
  if (integer && std::to_string(*integer) == text) c.as_int = integer;
  if (const auto number = ParseWhole<double>(text)) {
    std::string canonical;
    model::AppendDouble(*number, canonical);
    if (canonical == text) c.as_double = number;
  }
  if (text == "NaN") c.as_double = std::nan("");
  if (text == "Infinity") c.as_double = HUGE_VAL;
  if (text == "-Infinity") c.as_double = -HUGE_VAL;
  if (text == "true" || text == "false") c.as_bool = text == "true";
  if (auto bytes = model::DecodeBase64(text)) {
    std::string canonical;
    model::AppendBase64(*bytes, canonical);
    if (canonical == text) c.as_bytes = std::move(bytes);
  }
}

Status ParseName(CompiledCondition& c) {
  const std::string& text = c.source.value;
  if (c.source.field == Field::kKind) {
    for (int kind = 0; kind <= 5; ++kind) {
      if (text != SpanKindName(static_cast<SpanKind>(kind))) continue;
      c.kind = static_cast<SpanKind>(kind);
      return {};
    }
    return Invalid("kind is one of unspecified, internal, server, client, producer, consumer, "
                     "not '" +
                   text + "'");
  }
  for (int status = 0; status <= 2; ++status) {
    if (text != StatusCodeName(static_cast<StatusCode>(status))) continue;
    c.status = static_cast<StatusCode>(status);
    return {};
  }
  return Invalid("status is one of unset, ok, error, not '" + text + "'");
}

template <typename Id>
Status ParseId(const char* digits, const CompiledCondition& c, Id& out) {
  const std::string& text = c.source.value;
  if (!IsEquality(c.source.op) || text.empty()) return {};
  const auto id = Id::FromHex(text);
  if (!id) {
    return Invalid(std::string(FieldName(c.source.field)) + " is 1 to " + digits +
                   " hex digits, not '" + text + "'");
  }
  out = *id;
  return {};
}

Status ParseFieldValue(CompiledCondition& c) {
  const std::string& text = c.source.value;
  const std::string name = FieldName(c.source.field);
  switch (c.source.field) {
    case Field::kKind:
    case Field::kStatus: return ParseName(c);
    case Field::kDuration:
    case Field::kStart:
    case Field::kEnd:
    case Field::kEventTime:
    case Field::kTraceDuration:
    case Field::kTraceStart:
    case Field::kTraceSpans: {
      const auto value = ParseWhole<std::uint64_t>(text);
      const char* what = c.source.field == Field::kTraceSpans ? "a number of spans"
                                                               : "a number of nanoseconds";
      if (!value) return Invalid(name + " is compared with " + what + ", not '" + text + "'");
      c.integer = *value;
      return {};
    }
    case Field::kEventOffset: {
      const auto value = ParseWhole<std::int64_t>(text);
      if (!value)
        return Invalid(name + " is compared with a number of nanoseconds, not '" + text + "'");
      c.offset = *value;
      return {};
    }
    case Field::kSpanId:
    case Field::kParentId:
    case Field::kLinkSpanId: return ParseId("16", c, c.span_id);
    case Field::kTraceId:
    case Field::kLinkTraceId: return ParseId("32", c, c.trace_id);
    default: return {};
  }
}

Status CompileRegex(CompiledCondition& c) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexBytes);
  auto regex = std::make_shared<const re2::RE2>(c.source.value, options);
  if (!regex->ok()) {
    return Invalid("bad regular expression '" + c.source.value + "': " + regex->error());
  }
  c.regex = std::move(regex);
  return {};
}

template <typename Number>
bool Compare(CompareOp op, Number left, Number right) noexcept {
  switch (op) {
    case CompareOp::kEqual: return left == right;
    case CompareOp::kNotEqual: return left != right;
    case CompareOp::kLess: return left < right;
    case CompareOp::kLessEqual: return left <= right;
    case CompareOp::kGreater: return left > right;
    case CompareOp::kGreaterEqual: return left >= right;
    default: return false;
  }
}

bool EqualsScalar(const CompiledCondition& c, const model::Attribute& attribute) noexcept {
  switch (attribute.type()) {
    case ValueType::kEmpty: return c.source.value.empty();
    case ValueType::kBool: return c.as_bool && *c.as_bool == (attribute.bits != 0);
    case ValueType::kInt:
      return c.as_int && *c.as_int == static_cast<std::int64_t>(attribute.bits);
    case ValueType::kDouble: {
      if (!c.as_double) return false;
      const double value = std::bit_cast<double>(attribute.bits);
      if (std::isnan(*c.as_double)) return std::isnan(value);
      // By bits, since 0 and -0 have different texts.
      return attribute.bits == std::bit_cast<std::uint64_t>(*c.as_double);
    }
    default: return false;
  }
}

// The canonical text of a value that isn't kept as text, in `buffer`.
std::string_view ScalarText(const model::Attribute& attribute, std::string& buffer) {
  buffer.clear();
  switch (attribute.type()) {
    case ValueType::kBool: buffer = attribute.bits != 0 ? "true" : "false"; break;
    case ValueType::kInt: {
      char digits[24];
      const auto end =
          std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(attribute.bits));
      buffer.assign(digits, end.ptr);
      break;
    }
    case ValueType::kDouble:
      model::AppendDouble(std::bit_cast<double>(attribute.bits), buffer);
      break;
    default: break;
  }
  return buffer;
}

}  // namespace

Result<CompiledCondition> CompiledCondition::Compile(const Condition& condition) {
  TS_TRY(ValidateCondition(condition));
  CompiledCondition c;
  c.source = condition;
  if (condition.field == Field::kAttribute && condition.key.empty())
    return Invalid("an attribute is named by a key that isn't empty");
  if (condition.other) return c;
  if (condition.op == CompareOp::kRegex) TS_TRY(CompileRegex(c));
  if (condition.field != Field::kAttribute) {
    TS_TRY(ParseFieldValue(c));
    return c;
  }
  c.number = model::ParseNumber(condition.value);
  c.whole = ParseWhole<std::int64_t>(condition.value);
  if (IsEquality(condition.op) || condition.type == ValueType::kDouble) ParseEqualForms(c);
  if (condition.type == ValueType::kDouble) c.number = c.as_double;  // also beyond all finite ones
  return c;
}

bool CompiledCondition::TestText(std::string_view text) const {
  switch (source.op) {
    case CompareOp::kEqual: return text == source.value;
    case CompareOp::kNotEqual: return text != source.value;
    case CompareOp::kRegex:
      return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex);
    case CompareOp::kPrefix: return text.substr(0, source.value.size()) == source.value;
    case CompareOp::kExists: return true;
    default: break;
  }
  if (source.field != Field::kAttribute || source.type == ValueType::kString)
    return Compare(source.op, text, std::string_view(source.value));
  if (!number) return false;
  const auto left = model::ParseNumber(text);
  return left && Compare(source.op, *left, *number);
}

bool CompiledCondition::TestInteger(std::uint64_t value) const noexcept {
  return Compare(source.op, value, integer);
}

bool CompiledCondition::TestOffset(std::int64_t value) const noexcept {
  return Compare(source.op, value, offset);
}

bool CompiledCondition::TestId(TraceId id) const {
  if (IsEquality(source.op)) return (id == trace_id) == (source.op == CompareOp::kEqual);
  return TestText(id.empty() ? "" : id.ToHex());
}

bool CompiledCondition::TestId(SpanId id) const {
  if (IsEquality(source.op)) return (id == span_id) == (source.op == CompareOp::kEqual);
  return TestText(id.empty() ? "" : id.ToHex());
}

bool CompiledCondition::TestScalar(const model::Attribute& attribute) const {
  switch (source.op) {
    case CompareOp::kEqual: return EqualsScalar(*this, attribute);
    case CompareOp::kNotEqual: return !EqualsScalar(*this, attribute);
    case CompareOp::kExists: return true;
    case CompareOp::kRegex:
    case CompareOp::kPrefix: {
      std::string buffer;
      return TestText(ScalarText(attribute, buffer));
    }
    default: break;
  }
  double left = 0;
  if (attribute.type() == ValueType::kInt) {
    if (whole) return Compare(source.op, static_cast<std::int64_t>(attribute.bits), *whole);
    left = static_cast<double>(static_cast<std::int64_t>(attribute.bits));
  } else if (attribute.type() == ValueType::kDouble) {
    left = std::bit_cast<double>(attribute.bits);
  } else {
    return false;
  }
  return number && !std::isnan(left) && Compare(source.op, left, *number);
}

bool CompiledCondition::TestValue(const model::SpanBatch& batch,
                                  const model::Attribute& attribute) const {
  if (source.op == CompareOp::kExists) return true;
  switch (attribute.type()) {
    case ValueType::kString:
      return TestText(batch.text(static_cast<model::StringId>(attribute.bits)));
    case ValueType::kBytes:
    case ValueType::kArray:
    case ValueType::kMap: {
      // Only numbers and wholly numeric strings are ordered, whatever bytes read as base64.
      const CompareOp op = source.op;
      if (op != CompareOp::kEqual && op != CompareOp::kNotEqual && op != CompareOp::kRegex &&
          op != CompareOp::kPrefix) {
        return false;
      }
      return TestText(model::CanonicalText(batch, attribute));
    }
    default: return TestScalar(attribute);
  }
}

}  // namespace tracestore::predicate
