// One condition made ready: its value parsed once into every form that it is compared with.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tracestore/query.h>

#include "model/span_batch.h"

namespace re2 {
class RE2;
}

namespace tracestore::predicate {

// Whether a condition at `asked` looks at attributes of `level` (one of the five).
constexpr bool LooksAt(Level asked, Level level) noexcept {
  if (asked == Level::kSpanOrResource) return level == Level::kSpan || level == Level::kResource;
  return asked == Level::kAny || asked == level;
}

// A validated condition. Immutable; any number of threads may use it.
struct CompiledCondition {
  Condition source;

  // The value as the attribute types whose canonical text it is; a type whose canonical text it
  // can't be is empty. (kEqual, kNotEqual)
  std::optional<std::int64_t> as_int;
  std::optional<double> as_double;
  std::optional<bool> as_bool;
  std::optional<std::string> as_bytes;

  std::optional<double> number;           // what < <= > >= compare attributes with
  std::optional<std::int64_t> whole;      // `number` exactly, where it is an integer
  std::uint64_t integer = 0;              // kDuration, kStart, kTrace… in nanoseconds or spans
  std::int64_t offset = 0;                // kEventOffset
  TraceId trace_id;                       // kTraceId, kLinkTraceId
  SpanId span_id;                         // kSpanId, kParentId, kLinkSpanId
  SpanKind kind = SpanKind::kUnspecified;
  StatusCode status = StatusCode::kUnset;
  std::shared_ptr<const re2::RE2> regex;  // kRegex

  // Errors: kInvalidArgument with a sentence for the user.
  static Result<CompiledCondition> Compile(const Condition& condition);

  // The operator on a text (a field's, or the canonical text of a value). Not kExists.
  bool TestText(std::string_view text) const;
  // The operator on a field that is an unsigned number.
  bool TestInteger(std::uint64_t value) const noexcept;
  bool TestOffset(std::int64_t value) const noexcept;
  bool TestId(TraceId id) const;
  bool TestId(SpanId id) const;  // an empty one's text is ""
  // The operator on a value that isn't kept as text: empty, bool, int, double.
  bool TestScalar(const model::Attribute& attribute) const;
  // Whether values of this type are looked at.
  bool Takes(ValueType type) const noexcept {
    return source.type == ValueType::kEmpty || source.type == type;
  }
  // The operator on any value that Takes() takes: the slow general form. kExists is true.
  bool TestValue(const model::SpanBatch& batch, const model::Attribute& attribute) const;
};

}  // namespace tracestore::predicate
