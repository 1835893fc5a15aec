// Any bytes as a segment file that is verified and salvaged, as they are and with a byte changed in
// turn at places all over it: nothing breaks, and the rows that are got out name nothing that isn't
// there.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "store/engine/batch_codec.h"
#include "store/segment/segment_test_support.h"
#include "store/verify/segment_salvage.h"
#include "store/verify/segment_verifier.h"

namespace {

using namespace tracestore;
using store::testing::BytesFile;

void Try(const std::string& bytes) {
  const VerifyOptions options;
  store::VerifyRun run(options);
  if (!store::VerifySegment(std::make_unique<BytesFile>(bytes), "fuzz.seg", run).has_value())
    std::abort();
  (void)store::SalvageOrigin(BytesFile(bytes), "fuzz.seg");
  const auto salvage = store::SalvageSegment(std::make_unique<BytesFile>(bytes), "fuzz.seg", 7);
  if (!salvage.has_value()) return;
  if (!store::DecodeBatch(store::EncodeBatch(salvage->rows)).has_value()) std::abort();
  // What verifies is there whole.
  const VerifyReport report = run.Finish();
  if (report.sound() && (!salvage->losses.empty() || salvage->rows.size() != report.counters.spans))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  Try(bytes);
  Try(store::testing::MakeFile(store::testing::SplitParts(bytes)));
  constexpr std::size_t kPlaces = 12;
  for (std::size_t i = 0; i < kPlaces && i < size; ++i) {
    const std::size_t at = size * (2 * i + 1) / (2 * kPlaces);
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    Try(bytes);
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  }
  return 0;
}
