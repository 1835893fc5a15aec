// CheckLmdbPages: the structure of an LMDB 0.9 data file, looked at before LMDB does. LMDB follows
// page numbers and offsets as it finds them, with no checksum: a damaged file could end the
// process.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <tracestore/status.h>

#include "fs/file_system.h"

namespace tracestore::store {

// Both meta pages: magic, version, sizes, and the numbers of their commits, which must follow each
// other. Errors: kCorruption naming the file and the byte, kIo, kUnsupported (another LMDB
// version).
Status CheckLmdbMetas(const fs::RandomAccessFile& file, const std::string& path);

// Every page that belongs to commit `txn_id`, which an open read transaction keeps from being
// reused: each is in the file, is what its place says, names only what lies in it, has its keys in
// order and between those of the page above, and none is used twice or free at the same time. The
// named databases have the flags that `databases` says. Gives false where that commit's meta page
// was overwritten meanwhile. Memory: a bit a page. Errors as above.
Result<bool> CheckLmdbPages(const fs::RandomAccessFile& file, const std::string& path,
                            std::uint64_t txn_id,
                            const std::map<std::string, std::uint16_t>& databases);

}  // namespace tracestore::store
