// Layout: docs/format/catalog.md.
#include "store/catalog/catalog_format.h"

#include <algorithm>

#include "base/bytes.h"

namespace tracestore::store {
namespace {

constexpr std::size_t kSegmentValueBytes = 120;
constexpr std::size_t kTombstoneValueBytes = 40;

void AppendBigEndian(std::uint64_t value, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t LoadBigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(0, 8)) {
    value = (value << 8) | static_cast<std::uint8_t>(byte);
  }
  return value;
}

}  // namespace

std::string NumberKey(std::uint64_t value) {
  std::string key;
  AppendBigEndian(value, key);
  return key;
}

std::optional<std::uint64_t> ParseNumberKey(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  return LoadBigEndian(bytes);
}

std::string StraddlerKey(const Straddler& straddler) {
  std::string key;
  AppendBigEndian(straddler.trace_id_low, key);
  AppendBigEndian(straddler.segment.value, key);
  return key;
}

std::optional<Straddler> ParseStraddlerKey(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  return Straddler{LoadBigEndian(bytes), SegmentId{LoadBigEndian(bytes.substr(8))}};
}

std::string NumberValue(std::uint64_t value) {
  std::string bytes;
  base::ByteWriter(bytes).U64(value);
  return bytes;
}

std::optional<std::uint64_t> ParseNumberValue(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  return base::LoadLe<std::uint64_t>(bytes.data());
}

std::string SegmentValue(const SegmentInfo& info) {
  std::string bytes;
  base::ByteWriter writer(bytes);
  writer.U64(info.file_bytes);
  writer.U64(info.rows);
  writer.U64(info.traces);
  writer.U64(info.min_start_ns);
  writer.U64(info.max_start_ns);
  writer.U64(info.min_time_ns);
  writer.U64(info.max_time_ns);
  writer.U64(info.log_begin.file_number);
  writer.U64(info.log_begin.offset);
  writer.U64(info.log_end.file_number);
  writer.U64(info.log_end.offset);
  writer.U64(info.min_arrival_ns);
  writer.U64(info.max_arrival_ns);
  writer.U64(static_cast<std::uint64_t>(info.partition));
  writer.U32(info.generation);
  writer.U32(info.flags);
  return bytes;
}

std::optional<SegmentInfo> ParseSegmentValue(SegmentId id, std::string_view bytes) {
  if (bytes.size() != kSegmentValueBytes) return std::nullopt;
  base::ByteReader reader(bytes);
  SegmentInfo info;
  info.id = id;
  info.file_bytes = reader.U64();
  info.rows = reader.U64();
  info.traces = reader.U64();
  info.min_start_ns = reader.U64();
  info.max_start_ns = reader.U64();
  info.min_time_ns = reader.U64();
  info.max_time_ns = reader.U64();
  info.log_begin.file_number = reader.U64();
  info.log_begin.offset = reader.U64();
  info.log_end.file_number = reader.U64();
  info.log_end.offset = reader.U64();
  info.min_arrival_ns = reader.U64();
  info.max_arrival_ns = reader.U64();
  info.partition = static_cast<std::int64_t>(reader.U64());
  info.generation = reader.U32();
  info.flags = reader.U32();
  return info;
}

std::string TombstoneValue(const Tombstone& tombstone) {
  std::string bytes;
  base::ByteWriter writer(bytes);
  writer.U64(static_cast<std::uint64_t>(tombstone.kind));
  writer.U64(tombstone.trace_id.high);
  writer.U64(tombstone.trace_id.low);
  writer.U64(tombstone.position.file_number);
  writer.U64(tombstone.position.offset);
  return bytes;
}

std::optional<Tombstone> ParseTombstoneValue(std::uint64_t sequence, std::string_view bytes) {
  if (bytes.size() != kTombstoneValueBytes) return std::nullopt;
  base::ByteReader reader(bytes);
  Tombstone tombstone;
  tombstone.sequence = sequence;
  const std::uint64_t kind = reader.U64();
  if (kind != static_cast<std::uint64_t>(TombstoneKind::kTrace) &&
      kind != static_cast<std::uint64_t>(TombstoneKind::kBefore)) {
    return std::nullopt;
  }
  tombstone.kind = static_cast<TombstoneKind>(kind);
  tombstone.trace_id.high = reader.U64();
  tombstone.trace_id.low = reader.U64();
  tombstone.position.file_number = reader.U64();
  tombstone.position.offset = reader.U64();
  return tombstone;
}

Result<SegmentId> CheckSealNumbers(const SealCommit& commit, const CatalogView& before) {
  if (commit.based_on_segments_version.value_or(before.segments_version) !=
      before.segments_version) {
    return Error(ErrorCode::kBusy, "the catalog's segments changed since they were read");
  }
  if (commit.based_on_tombstones_version.value_or(before.tombstones_version) !=
      before.tombstones_version) {
    return Error(ErrorCode::kBusy, "the catalog's tombstones changed since they were read");
  }
  if (commit.retired_before.value_or(before.retired_before) < before.retired_before) {
    return Error(ErrorCode::kInvalidArgument,
                 "the catalog needs no log below " + std::to_string(before.retired_before) +
                     " any more and can't need " + std::to_string(*commit.retired_before) +
                     " again");
  }
  SegmentId next = before.next_segment_id;
  for (const SegmentInfo& info : commit.added) {
    next.value = std::max(next.value, info.id.value + 1);
  }
  if (!commit.next_segment_id) return next;
  if (*commit.next_segment_id < next) {
    return Error(ErrorCode::kInvalidArgument,
                 "the next segment id can't be " + std::to_string(commit.next_segment_id->value) +
                     ": " + std::to_string(next.value - 1) + " is used");
  }
  return *commit.next_segment_id;
}

Status CheckSetting(const std::string& key, const std::string& value) {
  if (key.empty() || key.size() > kMostSettingKeyBytes) {
    return Error(ErrorCode::kInvalidArgument,
                 "a setting's key has 1 to " + std::to_string(kMostSettingKeyBytes) +
                     " bytes, not " + std::to_string(key.size()));
  }
  if (value.size() > kMostSettingBytes) {
    return Error(ErrorCode::kInvalidArgument,
                 "the setting " + key + " of " + std::to_string(value.size()) +
                     " bytes exceeds the limit of " + std::to_string(kMostSettingBytes) + " bytes");
  }
  return {};
}

Error AlreadyLive(SegmentId id) {
  return {ErrorCode::kInvalidArgument, "segment " + std::to_string(id.value) + " is live already"};
}

Error NotLive(const char* what, SegmentId id) {
  return {ErrorCode::kInvalidArgument,
          std::string(what) + ": segment " + std::to_string(id.value) + " is not live"};
}

Error NewerCatalog(const std::string& directory, std::uint32_t version) {
  return {ErrorCode::kUnsupported, directory + " has catalog format version " +
                                       std::to_string(version) +
                                       "; this build reads up to version " +
                                       std::to_string(kCatalogVersion)};
}

}  // namespace tracestore::store
