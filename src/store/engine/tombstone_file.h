// The tombstones of a store a second time, beside its catalog, for the day the catalog is lost
// (docs/format/tombstones.md).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

#include "fs/file_system.h"
#include "store/catalog/catalog.h"

namespace tracestore::store {

inline constexpr std::uint32_t kTombstoneFileVersion = 1;
inline constexpr std::size_t kTombstoneHeaderBytes = 16;
inline constexpr std::size_t kTombstoneRecordBytes = 56;

std::string TombstonePath(const std::string& directory);

// What stands in the file.
struct TombstoneFile {
  bool exists = false;
  bool header_damaged = false;
  std::vector<Tombstone> tombstones;   // of the records that hold, as they stand
  std::vector<std::uint64_t> damaged;  // offsets of the others
  std::uint64_t torn_bytes = 0;        // at the end, less than a record
};

// The file's bytes for these tombstones; and back. Errors of the latter: kUnsupported for a newer
// version.
std::string EncodeTombstoneFile(const std::vector<Tombstone>& tombstones);
Result<TombstoneFile> ParseTombstoneFile(std::string_view bytes, const std::string& path);

// One that doesn't stand is an empty one. Errors: kIo, kUnsupported.
Result<TombstoneFile> ReadTombstoneFile(fs::FileSystem& files, const std::string& directory);

// Adds records, durably. To be called inside the catalog's write transaction that adds the
// tombstones, so that one process writes at a time. A file with an end that a killed process left
// is written anew. Errors: kIo.
Status KeepInTombstoneFile(fs::FileSystem& files, const std::string& directory,
                           const std::vector<Tombstone>& tombstones);

// For the writer: the file has what the catalog has, and not much more. Errors: kIo, kUnsupported,
// those of the catalog.
Status RenewTombstoneFile(fs::FileSystem& files, const std::string& directory, Catalog& catalog);

}  // namespace tracestore::store
