// RandomQuery and Describe (predicate/testing/small_world.h).
#include <algorithm>
#include <string>
#include <vector>

#include <re2/re2.h>

#include "model/text.h"
#include "predicate/testing/random.h"
#include "predicate/testing/small_world.h"
#include "predicate/validate.h"

namespace tracestore::predicate::testing {
namespace {

using model::SpanBatch;
using model::SpanRecord;

class QueryMaker {
 public:
  QueryMaker(std::uint64_t seed, const SpanBatch& sample) : random_(seed), sample_(sample) {}

  Query Make() {
    Query query;
    if (random_.Percent(40)) query.span_start = RandomRange();
    if (random_.Percent(20)) query.trace_start = RandomRange();
    query.order = random_.Percent(70) ? Order::kNewest : Order::kLongest;
    query.limit = random_.Pick<std::uint32_t>({0, 1, 2, 5, 20, 1000});
    query.count_total = random_.Percent(30);
    if (random_.Percent(8)) return query;
    if (random_.Percent(40)) {
      // What most searches are: a few conditions on one span.
      query.where = Expression::SomeSpan(SpanExpression(2));
    } else {
      query.where = TraceExpression(3);
    }
    return query;
  }

 private:
  const SpanRecord& AnySpan() { return sample_.spans[random_.Below(sample_.size())]; }

  TimeRange RandomRange() {
    TimeRange range;
    std::uint64_t near = 1'700'000'000'000'000'000;
    if (!sample_.empty()) near = AnySpan().start_ns;
    const std::uint64_t width = random_.Pick<std::uint64_t>({1, 60'000'000'000, 1'200'000'000'000});
    if (random_.Percent(80)) range.begin_ns = near < width ? 0 : near - width;
    if (random_.Percent(80)) range.end_ns = near + width < near ? range.end_ns : near + width;
    return range;
  }

  Expression TraceExpression(int depth) {
    if (depth == 0 || random_.Percent(30)) return Expression::Of(AnyCondition(true));
    switch (random_.Below(5)) {
      case 0: return Expression::SomeSpan(SpanExpression(depth - 1));
      case 1: return Expression::Not(TraceExpression(depth - 1));
      case 2:
      case 3: return Expression::And(Several([&] { return TraceExpression(depth - 1); }));
      default: return Expression::Or(Several([&] { return TraceExpression(depth - 1); }));
    }
  }

  Expression SpanExpression(int depth) {
    if (depth == 0 || random_.Percent(30)) return Expression::Of(AnyCondition(false));
    switch (random_.Below(7)) {
      case 0: return Expression::Not(SpanExpression(depth - 1));
      case 5: return SomeElement(in_event_, &Expression::SomeEvent, depth);
      case 6: return SomeElement(in_link_, &Expression::SomeLink, depth);
      case 1:
      case 2:
      case 3: return Expression::And(Several([&] { return SpanExpression(depth - 1); }));
      default: return Expression::Or(Several([&] { return SpanExpression(depth - 1); }));
    }
  }

  Expression SomeElement(bool& inside, Expression (*make)(Expression), int depth) {
    if (inside) return SpanExpression(depth - 1);
    inside = true;
    Expression body = SpanExpression(depth - 1);
    inside = false;
    return make(std::move(body));
  }

  template <typename MakeOne>
  std::vector<Expression> Several(MakeOne&& make_one) {
    std::vector<Expression> list;
    for (std::uint32_t i = random_.Percent(3) ? 0 : random_.Below(3) + 1; i > 0; --i)
      list.push_back(make_one());
    return list;
  }

  Condition AnyCondition(bool on_trace) {
    Condition c;
    if (random_.Percent(on_trace ? 15 : 0)) {
      c.field = static_cast<Field>(static_cast<unsigned>(Field::kTraceDuration) + random_.Below(5));
    } else if (!random_.Percent(50)) {
      c.field =
          static_cast<Field>(1 + random_.Below(static_cast<unsigned>(Field::kTraceDuration) - 1));
    }
    do {
      c.op = random_.Percent(50) ? CompareOp::kEqual : static_cast<CompareOp>(random_.Below(9));
    } while (!ValidateOp(c.field, c.op).has_value());
    if (sample_.empty()) {
      Invent(c);
    } else {
      TakeFromData(c);
    }
    if (c.op == CompareOp::kRegex) c.value = RegexFor(c.value);
    if (c.op == CompareOp::kPrefix) c.value.resize(random_.Below(c.value.size() + 1));
    if (c.op == CompareOp::kExists) c.value.clear();
    if (!IsTraceField(c.field) && random_.Percent(6)) AddOther(c);
    return c;
  }

  // Another name for the right side.
  void AddOther(Condition& c) {
    Condition other;
    other.field =
        static_cast<Field>(random_.Below(static_cast<unsigned>(Field::kTraceDuration)));
    if (!sample_.empty()) TakeFromData(other);
    if (other.field == Field::kAttribute && other.key.empty()) return;
    c.op = random_.Pick({CompareOp::kEqual, CompareOp::kLess, CompareOp::kLessEqual,
                         CompareOp::kGreater, CompareOp::kGreaterEqual});
    c.value.clear();
    c.type = ValueType::kEmpty;
    c.other = Reference{other.field, other.level, other.key};
  }

  std::string RegexFor(const std::string& text) {
    const std::uint32_t from = random_.Below(text.size() + 1);
    const std::string part = text.substr(from, random_.Below(6));
    // Half a character of UTF-8 is no regular expression.
    const std::string quoted = model::IsUtf8(part) ? re2::RE2::QuoteMeta(part) : ".";
    switch (random_.Below(4)) {
      case 0: return quoted;
      case 1: return from == 0 ? "^" + quoted : quoted + "$";
      case 2: return "(?i)" + quoted + "|zzz";
      default: return quoted + ".*[a-z0-9]?";
    }
  }

  void Invent(Condition& c) {
    switch (c.field) {
      case Field::kAttribute:
        c.key = "user";
        c.value = "7";
        break;
      case Field::kKind: c.value = "server"; break;
      case Field::kStatus: c.value = "error"; break;
      case Field::kSpanId:
      case Field::kParentId:
      case Field::kLinkSpanId:
      case Field::kTraceId:
      case Field::kLinkTraceId: c.value = "00000000000000a1"; break;
      default: c.value = "7";
    }
  }

  static std::string Near(std::uint64_t value, std::uint32_t way) {
    if (way == 0 && value > 0) return std::to_string(value - 1);
    return std::to_string(way == 1 && value + 1 != 0 ? value + 1 : value);
  }

  void TakeFromData(Condition& c) {
    const SpanRecord& span = AnySpan();
    const auto text = [&](model::StringId id) { return std::string(sample_.text(id)); };
    const std::uint32_t way = random_.Below(5);
    switch (c.field) {
      case Field::kAttribute: TakeAttribute(span, c); break;
      case Field::kService:
      case Field::kRootService: c.value = model::ServiceOf(sample_, span); break;
      case Field::kOperation:
      case Field::kRootOperation: c.value = text(span.name); break;
      case Field::kKind: c.value = SpanKindName(span.kind); break;
      case Field::kStatus: c.value = StatusCodeName(span.status); break;
      case Field::kStatusMessage: c.value = text(span.status_message); break;
      case Field::kDuration:
      case Field::kTraceDuration: c.value = Near(span.duration_ns, way); break;
      case Field::kStart:
      case Field::kTraceStart: c.value = Near(span.start_ns, way); break;
      case Field::kEnd: c.value = Near(span.end_ns(), way); break;
      case Field::kTraceId: c.value = span.trace_id.ToHex(); break;
      case Field::kTraceState: c.value = text(span.trace_state); break;
      case Field::kResourceSchemaUrl:
        c.value = text(sample_.resources[span.resource].schema_url);
        break;
      case Field::kScopeVersion: c.value = text(sample_.scopes[span.scope].version); break;
      case Field::kScopeSchemaUrl: c.value = text(sample_.scopes[span.scope].schema_url); break;
      case Field::kEventTime:
        c.value = Near(sample_.events.empty()
                           ? 0
                           : sample_.events[random_.Below(sample_.events.size())].time_ns, way);
        break;
      case Field::kEventOffset: c.value = std::to_string(random_.Below(1010) - 5LL); break;
      case Field::kLinkSpanId:
      case Field::kLinkTraceState: {
        c.value = "";
        if (sample_.references.empty()) break;
        const auto& link = sample_.references[random_.Below(sample_.references.size())];
        c.value = c.field == Field::kLinkSpanId ? link.span_id.ToHex() : text(link.trace_state);
        break;
      }
      case Field::kSpanId: c.value = span.span_id.ToHex(); break;
      case Field::kParentId: c.value = span.parent_id.empty() ? "" : span.parent_id.ToHex(); break;
      case Field::kScopeName: c.value = text(sample_.scopes[span.scope].name); break;
      case Field::kEventName:
        c.value = sample_.events.empty()
                      ? "log"
                      : text(sample_.events[random_.Below(sample_.events.size())].name);
        break;
      case Field::kLinkTraceId:
        c.value = sample_.references.empty()
                      ? "a1"
                      : sample_.references[random_.Below(sample_.references.size())]
                            .trace_id.ToHex();
        break;
      case Field::kTraceSpans: c.value = std::to_string(random_.Below(12)); break;
    }
  }

  model::Range AttributesAt(const SpanRecord& span, Level level) {
    switch (level) {
      case Level::kResource: return sample_.resources[span.resource].attributes;
      case Level::kScope: return sample_.scopes[span.scope].attributes;
      case Level::kEvent:
        if (!sample_.events.empty())
          return sample_.events[random_.Below(sample_.events.size())].attributes;
        break;
      case Level::kLink:
        if (!sample_.references.empty())
          return sample_.references[random_.Below(sample_.references.size())].attributes;
        break;
      default: break;
    }
    return span.attributes;
  }

  void TakeAttribute(const SpanRecord& span, Condition& c) {
    const Level from = random_.Pick({Level::kSpan, Level::kSpan, Level::kSpan, Level::kResource,
                                     Level::kScope, Level::kEvent, Level::kLink});
    const model::Range range = AttributesAt(span, from);
    c.level = random_.Percent(40)   ? Level::kAny
              : random_.Percent(80) ? from
                                    : random_.Pick({Level::kSpan, Level::kSpanOrResource});
    c.key = "http.status_code";
    c.value = random_.Pick({"200", "500", "true", "", "0.5"});
    if (range.count == 0) return;
    const model::Attribute& attribute =
        sample_.attributes[range.begin + random_.Below(range.count)];
    c.key = sample_.text(attribute.key);
    if (random_.Percent(25)) c.type = attribute.type();
    if (!random_.Percent(10)) c.value = model::CanonicalText(sample_, attribute);
  }

  Random random_;
  const SpanBatch& sample_;
  bool in_event_ = false;  // inside a kSomeEvent (kSomeLink)
  bool in_link_ = false;
};

void DescribeReference(const Reference& reference, std::string& out) {
  const char* levels[] = {"any", "span", "resource", "scope", "event", "link", "own"};
  if (reference.field != Field::kAttribute) {
    out += FieldName(reference.field);
    return;
  }
  out += levels[static_cast<std::size_t>(reference.level)];
  out += ".";
  model::AppendJsonString(reference.key, out);
}

void DescribeTo(const Expression& e, std::string& out) {
  switch (e.kind) {
    case Expression::Kind::kCondition: {
      const Condition& c = e.condition;
      DescribeReference({c.field, c.level, c.key}, out);
      if (c.type != ValueType::kEmpty) out += ":" + std::to_string(static_cast<int>(c.type));
      out += std::string(" ") + OpName(c.op) + " ";
      if (c.other) {
        DescribeReference(*c.other, out);
      } else if (c.op != CompareOp::kExists) {
        model::AppendJsonString(c.value, out);
      }
      return;
    }
    case Expression::Kind::kSomeEvent: out += "event("; break;
    case Expression::Kind::kSomeLink: out += "link("; break;
    case Expression::Kind::kAnd: out += "and("; break;
    case Expression::Kind::kOr: out += "or("; break;
    case Expression::Kind::kNot: out += "not("; break;
    case Expression::Kind::kSomeSpan: out += "any("; break;
  }
  for (std::size_t i = 0; i < e.children.size(); ++i) {
    if (i > 0) out += ", ";
    DescribeTo(e.children[i], out);
  }
  out += ")";
}

}  // namespace

Query RandomQuery(std::uint64_t seed, const SpanBatch& sample) {
  return QueryMaker(seed, sample).Make();
}

std::string Describe(const Query& query) {
  std::string out;
  DescribeTo(query.where, out);
  const auto range = [&](const char* name, const TimeRange& r) {
    if (r.all()) return;
    out += std::string(" ") + name + " [" + std::to_string(r.begin_ns) + ", " +
           std::to_string(r.end_ns) + ")";
  };
  range("span_start", query.span_start);
  range("trace_start", query.trace_start);
  out += query.order == Order::kNewest ? " newest" : " longest";
  out += " limit " + std::to_string(query.limit);
  return out;
}

}  // namespace tracestore::predicate::testing
