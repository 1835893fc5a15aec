// Attribute keys and typed values of a snapshot, each at the level where it stands: what names and
// values of tags are offered from. Query's names.h counts them at all levels together.
//
// Firehose spans are not looked at. A time range holds for spans of the head one by one, for those
// of segments as a whole: of a segment with spans in the range everything is told.
//
// Cost: keys are read off the shapes of a segment's pages once, and kept (QueryMemory); values off
// its tables, where no row of it is deleted, and else, or where they are of high cardinality, off
// the pages that have the key. The head is walked. Any thread. Errors: kIo, kCorruption,
// kCancelled.
#pragma once
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/query.h>
#include <tracestore/span_types.h>
#include <tracestore/status.h>

#include "store/engine/snapshot.h"

namespace tracestore::query {

// A set of the levels at which an attribute can stand, a bit each.
using LevelSet = std::uint8_t;
inline constexpr LevelSet kOnSpan = 1;
inline constexpr LevelSet kOnResource = 2;
inline constexpr LevelSet kOnScope = 4;
inline constexpr LevelSet kOnEvent = 8;
inline constexpr LevelSet kOnLink = 16;
inline constexpr LevelSet kOnAny = 31;
inline constexpr std::size_t kLevels = 5;

// Of each level, in the order of the bits.
struct LeveledKeys {
  using Keys = std::set<std::string, std::less<>>;
  std::array<Keys, kLevels> keys;
  // Of one level.
  Keys& At(LevelSet level) { return keys[static_cast<std::size_t>(std::countr_zero(level))]; }
};
Result<LeveledKeys> KeysByLevel(const store::SnapshotData& data, TimeRange starts = {});

// Names that stand once for many spans: of instrumentation scopes, and of the roots of traces, or
// of the part of a trace that a segment has. Spans of the head without a parent count as roots.
struct OwnerNames {
  std::set<std::string, std::less<>> scopes;
  std::set<std::string, std::less<>> scope_versions;
  std::set<std::string, std::less<>> root_services;
  std::set<std::string, std::less<>> root_operations;
};
Result<OwnerNames> NamesOfOwners(const store::SnapshotData& data, TimeRange starts = {});

// A value with its canonical text.
struct TypedValue {
  ValueType type = ValueType::kEmpty;
  std::string text;
  friend auto operator<=>(const TypedValue&, const TypedValue&) = default;
};

// Where to stop; which values are told then is not said.
struct ValueBounds {
  std::size_t count = 10'000;
  std::size_t text_bytes = std::size_t{1} << 20;  // of their texts together
};

// The distinct values of type string, bool, int and double that the key has at these levels, by
// type and text. Memory: the bounds, and a page.
Result<std::vector<TypedValue>> TypedValues(const store::SnapshotData& data, std::string_view key,
                                            LevelSet levels, TimeRange starts = {},
                                            const ValueBounds& bounds = {});

}  // namespace tracestore::query
