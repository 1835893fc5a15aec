// Query: what to look for, as a value. Jaeger's parameters, Zipkin's annotationQuery, the command
// line's flags and the text language (ParseFilter) all become one of these.
//
// Meanings are in docs/format/semantics.md ("Comparison", "Trace").
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/span_types.h>
#include <tracestore/status.h>

namespace tracestore {

// Unix nanoseconds, half open: [begin_ns, end_ns). The default is all of time.
struct TimeRange {
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = std::numeric_limits<std::uint64_t>::max();

  constexpr bool Contains(std::uint64_t ns) const noexcept {
    return begin_ns <= ns && (ns < end_ns || end_ns == std::numeric_limits<std::uint64_t>::max());
  }
  constexpr bool all() const noexcept {
    return begin_ns == 0 && end_ns == std::numeric_limits<std::uint64_t>::max();
  }
};

enum class CompareOp : std::uint8_t {
  kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual,
  kRegex,   // RE2, unanchored
  kPrefix,
  kExists,  // of an attribute key; no value
};

// Where an attribute is looked for. kAny is all five of the same span.
enum class Level : std::uint8_t { kAny, kSpan, kResource, kScope, kEvent, kLink, kSpanOrResource };

// What a condition compares.
enum class Field : std::uint8_t {
  // Of one span.
  kAttribute,      // `key` at `level`
  kService,        // text; the resource's service.name
  kOperation,      // text; the span's name
  kKind,           // text: SpanKindName(); kEqual and kNotEqual only
  kStatus,         // text: StatusCodeName(); kEqual and kNotEqual only
  kStatusMessage,  // text
  kDuration,       // nanoseconds; a span without one never matches
  kStart,          // Unix nanoseconds; a span without one never matches
  kSpanId,         // id: 16 hex digits
  kParentId,       // id: 16 hex digits, or "" for none
  kScopeName,      // text
  kEventName,      // text; any of the span's events
  kLinkTraceId,    // id: 32 hex digits; any reference of the span but its parent
  kTraceId,        // id: 32 hex digits
  kTraceState,     // text
  kEnd,            // Unix nanoseconds; a span without a start or a duration never matches
  kResourceSchemaUrl,  // text
  kScopeVersion,       // text
  kScopeSchemaUrl,     // text
  kEventTime,       // Unix nanoseconds; any of the span's events that has one (that isn't 0)
  kEventOffset,     // nanoseconds from the span's start to such an event; may be negative
  kLinkSpanId,      // id: 16 hex digits; of a reference as kLinkTraceId has them
  kLinkTraceState,  // text; likewise
  // Of the whole trace.
  kTraceDuration,  // nanoseconds, latest end less earliest start; without a start never matches
  kTraceStart,     // Unix nanoseconds, earliest start; without one never matches
  kTraceSpans,     // number of spans, duplicates counted once
  kRootService,    // text
  kRootOperation,  // text
};

constexpr bool IsTraceField(Field field) noexcept { return field >= Field::kTraceDuration; }

// Names something that a span has.
struct Reference {
  Field field = Field::kAttribute;  // of one span
  Level level = Level::kAny;        // kAttribute only
  std::string key;                  // kAttribute only
};

// One comparison. `value` is the canonical text of what is compared with; fields in nanoseconds
// and counts take decimal text. Texts and ids are ordered by their bytes; attributes as numbers,
// but where `type` is kString by their bytes, too. kEqual and kNotEqual of an id take 1 to 16 (of
// traces 32) hex digits or "", its other operators compare its text.
struct Condition {
  Field field = Field::kAttribute;
  Level level = Level::kAny;  // kAttribute only
  CompareOp op = CompareOp::kEqual;
  std::string key;            // kAttribute only
  std::string value;
  // kAttribute only: values stored with another type are not looked at. kEmpty: all are.
  ValueType type = ValueType::kEmpty;
  // Compares with what this names instead of `value`, by kEqual, kLess, … kGreaterEqual; true if
  // two of both sides' values compare so. Fields in nanoseconds compare with each other and with
  // attributes that are durations ("2s") or times (RFC 3339) as text; else equality is that of
  // canonical texts, and the order that of numbers where both sides are, or of texts where both
  // are. A field that is absent or empty has no value.
  std::optional<Reference> other;
};

// Conditions combined. kSomeSpan holds one child and is true of a trace where one span satisfies
// all of it ("on the same span"); a condition on a span that stands outside any kSomeSpan is one of
// its own ("anywhere in the trace"). Conditions on the trace stand outside kSomeSpan; no kSomeSpan
// stands inside another. kSomeEvent and kSomeLink likewise hold one child and are true of a span
// where one event (reference) satisfies all of it: conditions within on events (links) are on that
// one, the others on its span; neither stands inside another of its kind. An empty kAnd is true, an
// empty kOr false. At most kMaxExpressionDepth levels and kMaxConditions conditions.
struct Expression {
  enum class Kind : std::uint8_t {
    kAnd, kOr, kNot, kSomeSpan, kCondition, kSomeEvent, kSomeLink,
  };
  Kind kind = Kind::kAnd;
  Condition condition;               // kCondition
  std::vector<Expression> children;  // kAnd, kOr: any number; kNot, kSome…: one

  static Expression And(std::vector<Expression> children);
  static Expression Or(std::vector<Expression> children);
  static Expression Not(Expression child);
  static Expression SomeSpan(Expression child);
  static Expression SomeEvent(Expression child);
  static Expression SomeLink(Expression child);
  static Expression Of(Condition condition);
  static Expression Attribute(std::string key, CompareOp op, std::string value,
                              Level level = Level::kAny);
};

inline constexpr unsigned kMaxExpressionDepth = 64;
inline constexpr unsigned kMaxConditions = 1024;

enum class Order : std::uint8_t {
  kNewest,   // by the trace's earliest start, latest first; ties by trace id, ascending
  kLongest,  // by the trace's duration, longest first; ties by trace id, ascending
};

// When a call gives up with kCancelled: once the deadline has passed, the flag is set, or `poll`
// says true. Looked at for every decoded page. The default: never.
struct StopWhen {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const std::atomic<bool>* cancel = nullptr;  // borrowed
  // For who must look at something himself, as an interpreter at signals. Called on the thread of
  // the call that it may stop; must not call the store.
  std::function<bool()> poll = nullptr;
};

// A query can be used any number of times, from any thread; only `cancel` is shared.
struct Query {
  // A span counts for `where` only if it started in this range (Jaeger's search). A span without
  // a start counts only for all of time. Whatever `where` says, a trace is found only if it has a
  // span in this range (that isn't a firehose span).
  TimeRange span_start;
  // The trace's earliest start lies in this range (Zipkin's search). A trace without a start
  // matches only all of time.
  TimeRange trace_start;
  Expression where;  // empty: every trace with a span in span_start
  Order order = Order::kNewest;
  std::uint32_t limit = 20;  // traces (or spans, in FindSpans); 0 means no limit
  // From SearchPage::next_cursor of the same query: go on after it. Empty: from the start.
  std::string cursor;
  bool count_total = false;  // also count all matches, whatever the limit: visits everything
  // Stops with kCancelled when passed or set; looked at for every decoded page.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const std::atomic<bool>* cancel = nullptr;  // borrowed for the call

  // Conditions on one and the same span, AND-ed: what most searches are. They collect in one
  // kSomeSpan that is AND-ed to `where`.
  Query& Service(std::string name);
  Query& Operation(std::string name);
  Query& Tag(std::string key, std::string value, Level level = Level::kAny);
  Query& MinDuration(std::chrono::nanoseconds least);
  Query& MaxDuration(std::chrono::nanoseconds most);
  Query& ErrorsOnly();
  Query& With(Condition condition);
};

// The text form of an expression (docs/filter-language.md):
//   service = "checkout" and span.http.status_code >= 500 and not any(event.exception.type exists)
// Errors: kInvalidArgument with the column and what was expected there.
Result<Expression> ParseFilter(std::string_view text);

// "10ms", "1.5s", "2m", "1h30m", "250us", "100ns" (Go's durations), in nanoseconds.
// Errors: kInvalidArgument.
Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);

}  // namespace tracestore
