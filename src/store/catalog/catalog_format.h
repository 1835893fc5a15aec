// The bytes of the catalog's keys and values, and the checks both implementations share
// (docs/format/catalog.md, version 1). Private to the catalog.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/catalog/catalog.h"

namespace tracestore::store {

inline constexpr std::uint32_t kCatalogVersion = 1;

// Keys in `meta`.
inline constexpr std::string_view kMetaFormat = "format";
inline constexpr std::string_view kMetaUuid = "uuid";
inline constexpr std::string_view kMetaCreated = "created";
inline constexpr std::string_view kMetaRetiredBefore = "retired_before";
inline constexpr std::string_view kMetaNextSegment = "next_segment";
inline constexpr std::string_view kMetaNextTombstone = "next_tombstone";
inline constexpr std::string_view kMetaSegmentsVersion = "segments_version";
inline constexpr std::string_view kMetaTombstonesVersion = "tombstones_version";

// Eight bytes, big-endian, so that LMDB's order of keys is the order of numbers.
std::string NumberKey(std::uint64_t value);
std::optional<std::uint64_t> ParseNumberKey(std::string_view bytes);
// 16 bytes: trace id's low half, segment id, both big-endian.
std::string StraddlerKey(const Straddler& straddler);
std::optional<Straddler> ParseStraddlerKey(std::string_view bytes);

// Eight or four bytes, little-endian.
std::string NumberValue(std::uint64_t value);
std::optional<std::uint64_t> ParseNumberValue(std::string_view bytes);
std::string SegmentValue(const SegmentInfo& info);
std::optional<SegmentInfo> ParseSegmentValue(SegmentId id, std::string_view bytes);
std::string TombstoneValue(const Tombstone& tombstone);
std::optional<Tombstone> ParseTombstoneValue(std::uint64_t sequence, std::string_view bytes);

// What CommitSeal checks besides the segments: versions, and numbers that never go down. Gives the
// next segment id to be.
Result<SegmentId> CheckSealNumbers(const SealCommit& commit, const CatalogView& before);
Status CheckSetting(const std::string& key, const std::string& value);
Error AlreadyLive(SegmentId id);
Error NotLive(const char* what, SegmentId id);
Error NewerCatalog(const std::string& directory, std::uint32_t version);

}  // namespace tracestore::store
