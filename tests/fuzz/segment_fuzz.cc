// Any bytes as the parts of a segment file (segment_test_support.h), put together with right
// checksums, and as a whole file: nothing breaks, and the rows that come out name nothing that
// isn't there.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "query/dependencies.h"
#include "query/names.h"
#include "store/engine/batch_codec.h"
#include "store/segment/segment_reader.h"
#include "store/segment/segment_test_support.h"

namespace {

using namespace tracestore;
using store::SegmentReader;
using store::testing::BytesFile;

void Check(const model::SpanBatch& rows) {
  if (!store::DecodeBatch(store::EncodeBatch(rows)).has_value()) std::abort();
}

void ReadAll(const SegmentReader& segment) {
  store::Projection structure, one_column;
  structure.attributes = structure.events = false;
  one_column.all_columns = false;
  one_column.columns = {1};
  for (const store::Projection& projection : {store::Projection{}, structure, one_column}) {
    model::SpanBatch rows;
    if (segment.ReadRows(0, segment.meta().rows, projection, rows).has_value() &&
        rows.size() != segment.meta().rows) {
      std::abort();
    }
    Check(rows);
  }
  model::SpanBatch some;
  (void)segment.ReadRows(segment.meta().rows / 3, segment.meta().rows / 2 + 1, {}, some);
  Check(some);
}

void AskForNames(std::shared_ptr<const SegmentReader> segment) {
  store::SnapshotData data;
  data.segments.push_back(std::move(segment));
  (void)query::Services(data);
  (void)query::Operations(data, "");
  const auto keys = query::Keys(data);
  for (std::size_t i = 0; keys.has_value() && i < keys->size() && i < 4; ++i)
    (void)query::Values(data, (*keys)[i].name, 10);
  (void)query::Dependencies(data, {});
}

void Try(std::string bytes) {
  (void)store::FindRecovery(BytesFile(bytes), "fuzz.seg");
  const auto opened =
      SegmentReader::Open(std::make_unique<BytesFile>(std::move(bytes)), "fuzz.seg");
  if (!opened.has_value()) return;
  const SegmentReader& segment = **opened;
  (void)segment.ReadOrigin();
  (void)segment.VerifyAll();
  (void)segment.BytesByColumn();
  if (const auto traces = segment.traces(); traces.has_value()) {
    for (std::size_t i = 0; i < (*traces)->parts.size() && i < 8; ++i)
      (void)segment.FindTrace((*traces)->parts[i].id);
  }
  (void)segment.FindLowId(1);
  (void)segment.MayHaveValue("http.method", "GET");
  (void)segment.PagesWithValue("http.method", "GET", index::PageSet::Full(segment.page_count()));
  (void)segment.PagesWithLink({1, 2});
  ReadAll(segment);
  AskForNames(*opened);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Try(store::testing::MakeFile(store::testing::SplitParts(input)));
  Try(std::string(input));
  return 0;
}
