#include "server/jaeger/filter_words.h"

namespace tracestore::server {
namespace {

struct OpWord {
  std::string_view word;
  FilterOp op;
};
constexpr OpWord kOps[] = {
    {"and", FilterOp::kAnd},       {"or", FilterOp::kOr},       {"not", FilterOp::kNot},
    {"exists", FilterOp::kExists}, {"eq", FilterOp::kEqual},    {"ne", FilterOp::kNotEqual},
    {"gt", FilterOp::kGreater},    {"lt", FilterOp::kLess},     {"gte", FilterOp::kGreaterEqual},
    {"lte", FilterOp::kLessEqual}, {"regex", FilterOp::kRegex}, {"in", FilterOp::kIn},
    {"not_in", FilterOp::kNotIn},  {"some", FilterOp::kSome},
};

struct LevelWord {
  std::string_view word;
  Level level;
};
constexpr LevelWord kLevels[] = {
    {"", Level::kSpanOrResource}, {"span", Level::kSpan},   {"resource", Level::kResource},
    {"scope", Level::kScope},     {"event", Level::kEvent}, {"link", Level::kLink},
};

constexpr FilterField kFields[] = {
    {"span", "traceID", FilterType::kString, Field::kTraceId},
    {"span", "spanID", FilterType::kString, Field::kSpanId},
    {"span", "parentSpanID", FilterType::kString, Field::kParentId},
    {"span", "traceState", FilterType::kString, Field::kTraceState},
    {"span", "name", FilterType::kString, Field::kOperation},
    {"span", "statusMessage", FilterType::kString, Field::kStatusMessage},
    {"span", "duration", FilterType::kDuration, Field::kDuration},
    {"span", "startTime", FilterType::kTimestamp, Field::kStart},
    {"span", "endTime", FilterType::kTimestamp, Field::kEnd},
    {"span", "kind", FilterType::kKind, Field::kKind},
    {"span", "status", FilterType::kStatus, Field::kStatus},
    {"resource", "service", FilterType::kString, Field::kService},
    {"resource", "schemaURL", FilterType::kString, Field::kResourceSchemaUrl},
    {"scope", "name", FilterType::kString, Field::kScopeName},
    {"scope", "version", FilterType::kString, Field::kScopeVersion},
    {"scope", "schemaURL", FilterType::kString, Field::kScopeSchemaUrl},
    {"event", "name", FilterType::kString, Field::kEventName},
    {"event", "timeSinceStart", FilterType::kDuration, Field::kEventOffset},
    {"event", "time", FilterType::kTimestamp, Field::kEventTime},
    {"link", "traceID", FilterType::kString, Field::kLinkTraceId},
    {"link", "spanID", FilterType::kString, Field::kLinkSpanId},
    {"link", "traceState", FilterType::kString, Field::kLinkTraceState},
};

constexpr std::string_view kKinds[] = {"unspecified", "internal", "server",
                                       "client",      "producer", "consumer"};
constexpr std::string_view kStatuses[] = {"unset", "ok", "error"};

}  // namespace

std::optional<FilterOp> FilterOpOf(std::string_view word) noexcept {
  for (const OpWord& one : kOps) {
    if (one.word == word) return one.op;
  }
  return std::nullopt;
}

std::optional<Level> FilterLevelOf(std::string_view word) noexcept {
  for (const LevelWord& one : kLevels) {
    if (one.word == word) return one.level;
  }
  return std::nullopt;
}

const FilterField* FindFilterField(std::string_view level, std::string_view name) noexcept {
  for (const FilterField& field : kFields) {
    if (field.level == level && field.name == name) return &field;
  }
  return nullptr;
}

std::span<const std::string_view> WordsOf(FilterType type) noexcept {
  if (type == FilterType::kKind) return kKinds;
  return kStatuses;
}

std::string JoinedWordsOf(FilterType type) {
  std::string out;
  for (const std::string_view word : WordsOf(type)) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

}  // namespace tracestore::server
