// Layout: docs/format/tombstones.md.
#include "store/engine/tombstone_file.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"

namespace tracestore::store {
namespace {

constexpr std::string_view kMagic{"\x89TSDEL\r\n", 8};
// Far above what deletes leave before a compaction removes them: 76 million tombstones.
constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;
// Records that may be done with before the file is written anew.
constexpr std::size_t kIdleRecords = 4'096;

std::string Header() {
  std::string out;
  base::ByteWriter writer(out);
  writer.Raw(kMagic);
  writer.U32(kTombstoneFileVersion);
  writer.U32(base::Checksum32(out));
  return out;
}

void AppendRecord(const Tombstone& tombstone, std::string& out) {
  std::string record;
  base::ByteWriter writer(record);
  writer.U64(tombstone.sequence);
  writer.U64(static_cast<std::uint64_t>(tombstone.kind));
  writer.U64(tombstone.trace_id.high);
  writer.U64(tombstone.trace_id.low);
  writer.U64(tombstone.position.file_number);
  writer.U64(tombstone.position.offset);
  writer.U64(base::Hash64(record));
  out += record;
}

// False where it doesn't hold.
bool ParseRecord(std::string_view bytes, Tombstone& out) {
  base::ByteReader in(bytes);
  out.sequence = in.U64();
  const std::uint64_t kind = in.U64();
  out.kind = static_cast<TombstoneKind>(kind);
  out.trace_id.high = in.U64();
  out.trace_id.low = in.U64();
  out.position.file_number = in.U64();
  out.position.offset = in.U64();
  return in.U64() == base::Hash64(bytes.substr(0, kTombstoneRecordBytes - 8)) &&
         (kind == static_cast<std::uint64_t>(TombstoneKind::kTrace) ||
          kind == static_cast<std::uint64_t>(TombstoneKind::kBefore));
}

bool IsWhole(const TombstoneFile& file) {
  return file.exists && !file.header_damaged && file.damaged.empty() && file.torn_bytes == 0;
}

// Whether every one of `standing` (ascending by sequence) is in the file as it is.
bool HasAll(const TombstoneFile& file, const std::vector<Tombstone>& standing) {
  std::map<std::uint64_t, const Tombstone*> kept;  // a sequence that was broken off is given again
  for (const Tombstone& tombstone : file.tombstones) kept[tombstone.sequence] = &tombstone;
  return std::all_of(standing.begin(), standing.end(), [&](const Tombstone& tombstone) {
    const auto found = kept.find(tombstone.sequence);
    return found != kept.end() && *found->second == tombstone;
  });
}

}  // namespace

std::string TombstonePath(const std::string& directory) {
  return fs::JoinPath(directory, "tombstones");
}

std::string EncodeTombstoneFile(const std::vector<Tombstone>& tombstones) {
  std::string bytes = Header();
  for (const Tombstone& tombstone : tombstones) AppendRecord(tombstone, bytes);
  return bytes;
}

Result<TombstoneFile> ParseTombstoneFile(std::string_view bytes, const std::string& path) {
  TombstoneFile file;
  file.exists = true;
  if (bytes.size() < kTombstoneHeaderBytes) {
    file.torn_bytes = bytes.size();
    file.header_damaged = true;
    return file;
  }
  base::ByteReader header(bytes.substr(0, kTombstoneHeaderBytes));
  const std::string_view magic = header.Raw(kMagic.size());
  const std::uint32_t version = header.U32();
  file.header_damaged = magic != kMagic || version == 0 ||
                        header.U32() != base::Checksum32(bytes.substr(0, 12));
  if (!file.header_damaged && version > kTombstoneFileVersion) {
    return Error(ErrorCode::kUnsupported,
                 path + " has format version " + std::to_string(version) +
                     "; this build reads version " + std::to_string(kTombstoneFileVersion) +
                     ": use a newer tracestore");
  }
  std::size_t at = kTombstoneHeaderBytes;
  for (; bytes.size() - at >= kTombstoneRecordBytes; at += kTombstoneRecordBytes) {
    Tombstone tombstone;
    if (ParseRecord(bytes.substr(at, kTombstoneRecordBytes), tombstone)) {
      file.tombstones.push_back(tombstone);
    } else {
      file.damaged.push_back(at);
    }
  }
  file.torn_bytes = bytes.size() - at;
  return file;
}

Result<TombstoneFile> ReadTombstoneFile(fs::FileSystem& files, const std::string& directory) {
  const std::string path = TombstonePath(directory);
  auto bytes = fs::ReadWholeFile(files, path, kMostBytes);
  if (!bytes.has_value() && bytes.error().code() == ErrorCode::kNotFound) return TombstoneFile{};
  if (!bytes.has_value()) return std::move(bytes).error();
  return ParseTombstoneFile(*bytes, path);
}

Status KeepInTombstoneFile(fs::FileSystem& files, const std::string& directory,
                           const std::vector<Tombstone>& tombstones) {
  const std::string path = TombstonePath(directory);
  TS_TRY_ASSIGN(const bool stands, files.Exists(path));
  const std::uint64_t bytes = stands ? files.FileSize(path).value_or(0) : 0;
  const bool fits = bytes >= kTombstoneHeaderBytes &&
                    (bytes - kTombstoneHeaderBytes) % kTombstoneRecordBytes == 0;
  if (!fits) {
    TS_TRY_ASSIGN(TombstoneFile file, ReadTombstoneFile(files, directory));
    file.tombstones.insert(file.tombstones.end(), tombstones.begin(), tombstones.end());
    return fs::ReplaceFile(files, path, EncodeTombstoneFile(file.tombstones));
  }
  std::string records;
  for (const Tombstone& tombstone : tombstones) AppendRecord(tombstone, records);
  TS_TRY_ASSIGN(auto file, files.OpenForAppend(path));
  TS_TRY(file->Append(records));
  TS_TRY(file->Sync());
  return file->Close();
}

Status RenewTombstoneFile(fs::FileSystem& files, const std::string& directory, Catalog& catalog) {
  return catalog.HoldTombstones([&](const std::vector<Tombstone>& standing) -> Status {
    TS_TRY_ASSIGN(const TombstoneFile file, ReadTombstoneFile(files, directory));
    if (!file.exists && standing.empty()) return {};
    if (IsWhole(file) && HasAll(file, standing) &&
        file.tombstones.size() <= 2 * standing.size() + kIdleRecords) {
      return {};
    }
    return fs::ReplaceFile(files, TombstonePath(directory), EncodeTombstoneFile(standing));
  });
}

}  // namespace tracestore::store
