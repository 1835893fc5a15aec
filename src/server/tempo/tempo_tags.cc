#include "server/tempo/tempo_tags.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/try.h"
#include "query/tags.h"

namespace tracestore::server {
namespace {

// Of how many spans, the newest, texts are read that no index lists.
constexpr std::uint32_t kMostSpans = 2'000;
constexpr std::string_view kString = "string";
constexpr std::string_view kKeyword = "keyword";

using Texts = std::set<std::string, std::less<>>;

std::vector<std::string> AtMost(const Texts& texts, std::size_t most) {
  std::vector<std::string> out(texts.begin(), texts.end());
  if (most != 0 && out.size() > most) out.resize(most);
  return out;
}

Condition On(Field field, CompareOp op, std::string value) {
  Condition condition;
  condition.field = field;
  condition.op = op;
  condition.value = std::move(value);
  return condition;
}

// Names of events, or messages of statuses, of the newest spans that have some.
Result<Texts> TextsOfSpans(const Snapshot& snapshot, Field field, TimeRange starts) {
  Query query;
  query.where = Expression::SomeSpan(Expression::Of(On(field, CompareOp::kNotEqual, "")));
  query.span_start = starts;
  query.limit = kMostSpans;
  TS_TRY_ASSIGN(const SpanList spans, snapshot.FindSpans(query));
  Texts texts;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (field == Field::kStatusMessage) texts.emplace(spans[i].status_message());
    for (std::size_t e = 0; field == Field::kEventName && e < spans[i].event_count(); ++e)
      texts.emplace(spans[i].event(e).name());
  }
  texts.erase("");
  return texts;
}

Result<Texts> OperationNames(const Snapshot& snapshot) {
  TS_TRY_ASSIGN(const auto operations, snapshot.Operations(""));
  Texts texts;
  for (const OperationInfo& operation : operations) texts.insert(operation.name);
  texts.erase("");
  return texts;
}

TempoValues Typed(std::string_view type, const std::vector<std::string>& texts) {
  TempoValues out;
  for (const std::string& text : texts) out.emplace_back(type, text);
  return out;
}

Result<Texts> IntrinsicTexts(const Snapshot& snapshot, TempoIntrinsic intrinsic,
                             TimeRange starts) {
  switch (intrinsic) {
    case TempoIntrinsic::kName: return OperationNames(snapshot);
    case TempoIntrinsic::kStatusMessage:
      return TextsOfSpans(snapshot, Field::kStatusMessage, starts);
    case TempoIntrinsic::kEventName: return TextsOfSpans(snapshot, Field::kEventName, starts);
    default: break;
  }
  TS_TRY_ASSIGN(query::OwnerNames names, query::NamesOfOwners(*snapshot.data(), starts));
  switch (intrinsic) {
    case TempoIntrinsic::kRootName: return std::move(names.root_operations);
    case TempoIntrinsic::kRootService: return std::move(names.root_services);
    case TempoIntrinsic::kScopeName: return std::move(names.scopes);
    default: return std::move(names.scope_versions);
  }
}

Result<TempoValues> IntrinsicValues(const Snapshot& snapshot, TempoIntrinsic intrinsic,
                                    TimeRange starts, std::size_t most) {
  if (intrinsic == TempoIntrinsic::kStatus)
    return Typed(kKeyword, AtMost({"error", "ok", "unset"}, most));
  if (intrinsic == TempoIntrinsic::kKind) {
    return Typed(kKeyword, AtMost({"client", "consumer", "internal", "producer", "server",
                                   "unspecified"},
                                  most));
  }
  if (intrinsic == TempoIntrinsic::kUncounted) return TempoValues();
  TS_TRY_ASSIGN(const Texts texts, IntrinsicTexts(snapshot, intrinsic, starts));
  return Typed(kString, AtMost(texts, most));
}

std::string_view TypeName(ValueType type) {
  switch (type) {
    case ValueType::kBool: return "bool";
    case ValueType::kInt: return "int";
    case ValueType::kDouble: return "float";
    default: return kString;
  }
}

query::ValueBounds BoundsOf(std::size_t most) {
  query::ValueBounds bounds;
  if (most != 0) bounds.count = std::min(bounds.count, most);
  return bounds;
}

// The numbers of the status codes that spans have, and the three names.
Result<Texts> StatusCodes(const Snapshot& snapshot, TimeRange starts) {
  Texts texts = {"error", "ok", "unset"};
  for (const StatusCode code : {StatusCode::kUnset, StatusCode::kOk, StatusCode::kError}) {
    Query query;
    query.where = Expression::SomeSpan(
        Expression::Of(On(Field::kStatus, CompareOp::kEqual, StatusCodeName(code))));
    query.span_start = starts;
    query.limit = 1;
    TS_TRY_ASSIGN(const SearchPage page, snapshot.Find(query));
    if (!page.traces.empty()) texts.insert(std::to_string(static_cast<int>(code)));
  }
  return texts;
}

}  // namespace

Result<TempoScopeNames> TempoNames(const Snapshot& snapshot, const TempoScopes& scopes,
                                   TimeRange starts, std::size_t most) {
  TempoScopeNames out;
  if (scopes.levels != 0) {
    TS_TRY_ASSIGN(query::LeveledKeys keys, query::KeysByLevel(*snapshot.data(), starts));
    for (const TempoLevel& scope : kTempoLevels) {
      if ((scopes.levels & scope.level) == 0) continue;
      auto names = AtMost(keys.At(scope.level), most);
      if (!names.empty()) out.emplace_back(scope.name, std::move(names));
    }
  }
  if (scopes.intrinsic) {
    const auto& names = TempoIntrinsicNames();
    out.emplace_back("intrinsic", AtMost({names.begin(), names.end()}, most));
  }
  return out;
}

Result<TempoValues> TempoValuesOf(const Snapshot& snapshot, const TempoTag& tag, TimeRange starts,
                                  std::size_t most) {
  if (tag.intrinsic) return IntrinsicValues(snapshot, *tag.intrinsic, starts, most);
  TS_TRY_ASSIGN(auto found, query::TypedValues(*snapshot.data(), tag.key, tag.levels, starts,
                                               BoundsOf(most)));
  TempoValues out;
  for (query::TypedValue& value : found)
    out.emplace_back(TypeName(value.type), std::move(value.text));
  return out;
}

Result<std::vector<std::string>> TempoTextsOf(const Snapshot& snapshot, const std::string& tag,
                                              TimeRange starts, std::size_t most) {
  if (tag == "status") return std::vector<std::string>();
  Texts texts;
  if (tag == "status.code") {
    TS_TRY_ASSIGN(texts, StatusCodes(snapshot, starts));
  } else if (tag == "name") {
    TS_TRY_ASSIGN(texts, OperationNames(snapshot));
  } else if (tag == "root.name" || tag == "root.service.name") {
    TS_TRY_ASSIGN(texts, IntrinsicTexts(snapshot, tag == "root.name" ? TempoIntrinsic::kRootName
                                                                     : TempoIntrinsic::kRootService,
                                        starts));
  } else {
    TS_TRY_ASSIGN(const auto found, query::TypedValues(*snapshot.data(), tag, query::kOnAny, starts,
                                                       BoundsOf(most)));
    for (const query::TypedValue& value : found) texts.insert(value.text);
  }
  return AtMost(texts, most);
}

}  // namespace tracestore::server
