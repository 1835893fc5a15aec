// Any bytes as the catalog's data file, looked at before LMDB does, as they are and with a byte
// changed in turn at places of each page: the look ends, and reads nothing outside of the file.
#include <cstdint>
#include <map>
#include <string>

#include "store/catalog/lmdb_pages.h"
#include "store/segment/segment_test_support.h"

namespace {

using namespace tracestore;

void Try(const std::string& bytes) {
  const store::testing::BytesFile file(bytes);
  (void)store::CheckLmdbMetas(file, "fuzz.mdb");
  // Commits of which a small file's pages may be.
  for (std::uint64_t commit = 0; commit < 24; ++commit)
    (void)store::CheckLmdbPages(file, "fuzz.mdb", commit, {{"meta", std::uint16_t{0}}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  Try(bytes);
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kMostPages = 32;
  for (std::size_t page = 0; page < kMostPages && page * kPage < size; ++page) {
    for (const std::size_t in_page : {std::size_t{8}, std::size_t{10}, std::size_t{12}, 16 + page,
                                      std::size_t{40}, kPage - 24 - page}) {
      const std::size_t at = page * kPage + in_page;
      if (at >= size) continue;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x24);
      Try(bytes);
      bytes[at] = static_cast<char>(bytes[at] ^ 0x24);
    }
  }
  return 0;
}
