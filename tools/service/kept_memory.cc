#include "service/kept_memory.h"

#include <cstddef>

#if defined(TRACESTORE_HAS_TCMALLOC)
#include <gperftools/malloc_extension_c.h>
#elif defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#endif

namespace tracestore::tools {
namespace {
constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kMuch = 64 * kMiB;
}  // namespace

#if defined(TRACESTORE_HAS_TCMALLOC)
void BoundKeptMemory() {}  // has no thresholds that rise

// What no block is in goes back by itself with time, but only as blocks are freed: where a crowd
// has gone and nobody comes, not at all.
void GiveBackMemory() {
  std::size_t free_bytes = 0;
  if (MallocExtension_GetNumericProperty("tcmalloc.pageheap_free_bytes", &free_bytes) != 0 &&
      free_bytes > kMuch)
    MallocExtension_ReleaseToSystem(free_bytes - kMuch);
}
#elif defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
namespace {

// Bytes that no file is behind.
std::optional<std::size_t> ResidentBytes() {
  std::ifstream file("/proc/self/statm");  // in pages: all, resident, of files
  std::size_t all = 0, resident = 0, of_files = 0;
  if (!(file >> all >> resident >> of_files) || resident < of_files) return std::nullopt;
  return (resident - of_files) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

// By themselves glibc's thresholds rise to the largest block that was ever freed (at most 32 MiB),
// and each thread's arena then keeps as much: after messages of many megabytes on all ports, some
// hundreds of MiB. Said once they stay: what is larger than a usual message is the kernel's again
// when it goes. Costs no CPU that is seen (docs/benchmarks.md, "Memory after large messages").
void BoundKeptMemory() {
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(4 * kMiB));
  mallopt(M_TRIM_THRESHOLD, static_cast<int>(8 * kMiB));
}

// The thresholds are of an arena's end. What a crowd of connections has left lies in pieces below
// something that lives, and nothing but this finds it.
void GiveBackMemory() {
  const struct mallinfo2 info = mallinfo2();
  const std::size_t used = info.uordblks + info.hblkhd;
  const auto resident = ResidentBytes();
  if (resident && *resident > used + kMuch) malloc_trim(0);
}
#else
void BoundKeptMemory() {}
void GiveBackMemory() {}
#endif

}  // namespace tracestore::tools
