// Any bytes as keys and values of the catalog, as a lock file and as the second copy of the
// tombstones: what is taken has one form.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fs/file_system.h"
#include "store/catalog/catalog_format.h"
#include "store/engine/tombstone_file.h"

namespace {

// Text that was parsed is what its value is written as.
void Same(const std::string& written, std::string_view bytes) {
  if (written != bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto number = store::ParseNumberKey(bytes)) Same(store::NumberKey(*number), bytes);
  if (const auto key = store::ParseStraddlerKey(bytes)) Same(store::StraddlerKey(*key), bytes);
  (void)store::ParseNumberValue(bytes);
  if (const auto info = store::ParseSegmentValue({7}, bytes))
    Same(store::SegmentValue(*info), bytes);
  if (const auto tombstone = store::ParseTombstoneValue(7, bytes))
    Same(store::TombstoneValue(*tombstone), bytes);
  (void)fs::ParseLockHolder(bytes);
  if (const auto file = store::ParseTombstoneFile(bytes, "fuzz");
      file.has_value() && !file->header_damaged && file->damaged.empty() && file->torn_bytes == 0) {
    Same(store::EncodeTombstoneFile(file->tombstones), bytes);
  }
  return 0;
}
