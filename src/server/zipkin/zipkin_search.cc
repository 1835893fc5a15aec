#include "server/zipkin/zipkin_search.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "assembly/duplicates.h"
#include "base/try.h"
#include "codec/zipkin/zipkin_convert.h"
#include "codec/zipkin/zipkin_text.h"
#include "model/span_batch.h"

namespace tracestore::server {
namespace {

// A trace's timestamp in Zipkin is its root's; the store's order is by the earliest span. How much
// earlier than its root a span may begin for the trace to be found all the same.
constexpr std::uint64_t kSlackNs = 3'600'000'000'000;
constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
// Candidates asked for at a time.
constexpr std::uint32_t kPageTraces = 50;

Expression Compare(Field field, CompareOp op, std::string value) {
  Condition condition;
  condition.field = field;
  condition.op = op;
  condition.value = std::move(value);
  return Expression::Of(std::move(condition));
}
Expression Is(Field field, std::string value) {
  return Compare(field, CompareOp::kEqual, std::move(value));
}

Expression AnyOf(Field field, const std::vector<std::string>& names) {
  std::vector<Expression> all;
  for (const std::string& name : names) all.push_back(Is(field, name));
  return Expression::Or(std::move(all));
}

// A regular expression of the text, letters of either case.
std::string IgnoringCase(std::string_view text) {
  std::string out = "(?i)^";
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (!plain) out += '\\';
    out += c;
  }
  return out + '$';
}

Expression RemoteIs(const std::string& name) {
  std::vector<Expression> any;
  for (const std::string_view key : codec::ZipkinPeerNameKeys()) {
    any.push_back(Expression::Attribute(std::string(key), CompareOp::kRegex, IgnoringCase(name),
                                        Level::kSpan));
  }
  return Expression::Or(std::move(any));
}

// nullopt: any span might have it.
std::optional<Expression> TagIs(const std::string& key, const std::string& value) {
  Expression attribute = Expression::Attribute(key, CompareOp::kEqual, value);
  if (key == "error")
    return Expression::Or({std::move(attribute), Is(Field::kStatus, "error")});
  if (key == "otel.scope.name")
    return Expression::Or({std::move(attribute), Is(Field::kScopeName, value)});
  if (codec::IsZipkinMadeTag(key)) return std::nullopt;
  return attribute;
}

std::optional<Expression> WordIs(const std::string& word) {
  // An event with attributes is shown as their JSON.
  if (codec::IsZipkinMadeTag(word) || word.starts_with('{')) return std::nullopt;
  return Expression::Or({Is(Field::kEventName, word),
                         Expression::Attribute(word, CompareOp::kExists, "")});
}

TimeRange StartsOf(const ZipkinSearch& search) {
  constexpr std::uint64_t kNsEach = 1'000'000;
  constexpr std::uint64_t kMicrosecond = 1'000;
  const auto at = [](std::uint64_t ms) {
    return ms > kForever / kNsEach ? kForever : ms * kNsEach;
  };
  const std::uint64_t begin = at(search.begin_ms);
  const std::uint64_t end = at(search.end_ms);
  return {begin - std::min(begin, kSlackNs),
          end > kForever - kMicrosecond ? kForever : end + kMicrosecond};
}

// Durations are told in whole microseconds, of which the least is 1.
void AddDurations(const ZipkinSearch& search, std::vector<Expression>& span) {
  constexpr std::uint64_t kNsEach = 1'000;
  const auto nanoseconds = [](std::uint64_t us) {
    return std::to_string(us > kForever / kNsEach ? kForever : us * kNsEach);
  };
  if (search.min_duration_us && *search.min_duration_us > 1) {
    span.push_back(Compare(Field::kDuration, CompareOp::kGreaterEqual,
                           nanoseconds(*search.min_duration_us)));
  } else {
    span.push_back(Compare(Field::kDuration, CompareOp::kGreaterEqual, "0"));
  }
  if (search.max_duration_us) {
    span.push_back(
        Compare(Field::kDuration, CompareOp::kLess, nanoseconds(*search.max_duration_us + 1)));
  }
}

Result<std::vector<std::string>> OperationsNamed(const Snapshot& snapshot,
                                                 const std::vector<std::string>& services,
                                                 const std::string& lower) {
  std::set<std::string> names;
  std::vector<std::string> of = services;
  if (of.empty()) of.emplace_back();  // all
  for (const std::string& service : of) {
    TS_TRY_ASSIGN(const auto operations, snapshot.Operations(service));
    for (const OperationInfo& operation : operations) {
      if (codec::ZipkinLowerCase(operation.name) == lower) names.insert(operation.name);
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

// The conditions that are still to be met by a span of the service.
class Judge {
 public:
  explicit Judge(const ZipkinSearch& search)
      : search_(search),
        service_(!search.service.empty()),
        remote_(!search.remote_service.empty()),
        name_(!search.span_name.empty()),
        duration_(search.min_duration_us.has_value()),
        annotations_(search.annotations) {}

  void See(const codec::ZipkinSpan& span) {
    if (!search_.service.empty() && span.local.service != search_.service) return;
    service_ = false;
    if (span.remote.service == search_.remote_service) remote_ = false;
    if (span.name == search_.span_name) name_ = false;
    if (duration_ && span.duration_us >= *search_.min_duration_us &&
        span.duration_us <= search_.max_duration_us.value_or(kForever)) {
      duration_ = false;
    }
    SeeAnnotations(span);
  }
  bool satisfied() const {
    return !service_ && !remote_ && !name_ && !duration_ && annotations_.empty();
  }

 private:
  void SeeAnnotations(const codec::ZipkinSpan& span) {
    if (annotations_.empty()) return;
    for (const codec::ZipkinAnnotation& annotation : span.annotations) {
      const auto at = annotations_.find(std::string(annotation.value));
      if (at != annotations_.end() && at->second.empty()) annotations_.erase(at);
    }
    for (const codec::ZipkinTag& tag : span.tags) {
      const auto at = annotations_.find(std::string(tag.key));
      if (at != annotations_.end() && (at->second.empty() || at->second == tag.value))
        annotations_.erase(at);
    }
  }

  const ZipkinSearch& search_;
  bool service_, remote_, name_, duration_;
  std::map<std::string, std::string> annotations_;
};

}  // namespace

Result<std::vector<std::string>> ServicesNamed(const Snapshot& snapshot,
                                               const std::string& lower) {
  TS_TRY_ASSIGN(const auto services, snapshot.Services());
  std::vector<std::string> names;
  for (const NamedCount& service : services) {
    if (codec::ZipkinLowerCase(service.name) == lower) names.push_back(service.name);
  }
  return names;
}

Result<std::optional<Query>> CandidatesOf(const Snapshot& snapshot, const ZipkinSearch& search) {
  std::vector<std::string> services;
  if (!search.service.empty()) {
    TS_TRY_ASSIGN(services, ServicesNamed(snapshot, search.service));
    if (services.empty()) return std::optional<Query>();
  }
  std::vector<Expression> all;
  const auto some_span = [&](std::vector<Expression> conditions) {
    if (!services.empty()) conditions.push_back(AnyOf(Field::kService, services));
    all.push_back(Expression::SomeSpan(Expression::And(std::move(conditions))));
  };
  if (!search.span_name.empty()) {
    TS_TRY_ASSIGN(const auto names, OperationsNamed(snapshot, services, search.span_name));
    if (names.empty()) return std::optional<Query>();
    some_span({AnyOf(Field::kOperation, names)});
  }
  if (!search.remote_service.empty()) some_span({RemoteIs(search.remote_service)});
  for (const auto& [key, value] : search.annotations) {
    auto condition = value.empty() ? WordIs(key) : TagIs(key, value);
    if (condition) some_span({std::move(*condition)});
  }
  if (search.min_duration_us) {
    std::vector<Expression> span;
    AddDurations(search, span);
    some_span(std::move(span));
  }
  if (all.empty() && !services.empty()) some_span({});
  Query query;
  query.where = Expression::And(std::move(all));
  query.trace_start = StartsOf(search);
  query.limit = std::clamp<std::uint32_t>(search.limit, 1, kPageTraces);
  return std::optional<Query>(std::move(query));
}

Result<ZipkinTrace> GetZipkinTrace(const Snapshot& snapshot, TraceId id, bool strict) {
  ZipkinTrace trace;
  std::vector<TraceId> ids = {id};
  if (!strict) {
    TS_TRY_ASSIGN(ids, snapshot.TracesWithLowId(id.low));
    if (ids.empty()) return Error(ErrorCode::kNotFound, id.ToShortHex() + " not found");
  }
  if (ids.size() == 1) {
    TS_TRY_ASSIGN(trace.spans, snapshot.Get(ids.front()));
  } else {
    const auto together = std::make_shared<model::SpanBatch>();
    model::BatchAppender appender(*together);
    for (const TraceId one : ids) {
      TS_TRY_ASSIGN(const SpanList spans, snapshot.Get(one));
      appender.SetSource(*spans.batch());
      for (std::uint32_t row = 0; row < spans.size(); ++row) appender.Append(row);
    }
    trace.spans = SpanList(together);
  }
  trace.rows = assembly::FindDistinct(*trace.spans.batch()).rows;
  return trace;
}

bool Matches(const ZipkinTrace& trace, const ZipkinSearch& search) {
  codec::ZipkinConverter converter(*trace.spans.batch());
  Judge judge(search);
  std::uint64_t root = 0;
  std::uint64_t least = 0;
  for (const std::uint32_t row : trace.rows) {
    const codec::ZipkinSpan& span = converter.Convert(row);
    if (span.timestamp_us != 0) {
      if (root == 0 && span.parent_id.empty()) root = span.timestamp_us;
      if (least == 0 || span.timestamp_us < least) least = span.timestamp_us;
    }
    judge.See(span);
  }
  const std::uint64_t at = root != 0 ? root : least;
  constexpr std::uint64_t kUsEach = 1'000;
  if (at == 0 || at / kUsEach < search.begin_ms) return false;
  if (at / kUsEach > search.end_ms || (at / kUsEach == search.end_ms && at % kUsEach != 0))
    return false;
  return judge.satisfied();
}

ZipkinTraces::ZipkinTraces(Snapshot snapshot, ZipkinSearch search, bool strict)
    : snapshot_(std::move(snapshot)), search_(std::move(search)), strict_(strict) {}

Status ZipkinTraces::Begin() {
  begun_ = true;
  TS_TRY_ASSIGN(auto query, CandidatesOf(snapshot_, search_));
  more_pages_ = query.has_value();
  if (query) query_ = std::move(*query);
  return {};
}

Result<bool> ZipkinTraces::NextPage() {
  if (!more_pages_) return false;
  TS_TRY_ASSIGN(page_, snapshot_.Find(query_));
  at_ = 0;
  query_.cursor = page_.next_cursor;
  more_pages_ = !query_.cursor.empty();
  return true;
}

// Where ids are lenient, traces of one low half are one.
bool ZipkinTraces::SeenBefore(TraceId id) const {
  return !strict_ && std::binary_search(low_ids_.begin(), low_ids_.end(), id.low);
}

Result<std::optional<ZipkinTrace>> ZipkinTraces::Next() {
  if (!begun_) TS_TRY(Begin());
  while (given_ < search_.limit) {
    if (at_ == page_.traces.size()) {
      TS_TRY_ASSIGN(const bool more, NextPage());
      if (!more) break;
      continue;
    }
    const TraceId id = page_.traces[at_++].trace_id;
    if (SeenBefore(id)) continue;
    TS_TRY_ASSIGN(ZipkinTrace trace, GetZipkinTrace(snapshot_, id, strict_));
    if (!Matches(trace, search_)) continue;
    ++given_;
    if (!strict_)
      low_ids_.insert(std::lower_bound(low_ids_.begin(), low_ids_.end(), id.low), id.low);
    return std::optional<ZipkinTrace>(std::move(trace));
  }
  return std::optional<ZipkinTrace>();
}

}  // namespace tracestore::server
