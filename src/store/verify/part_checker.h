// PartChecker: the table of traces, the page index and meta of a segment against its rows.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/span_batch.h"
#include "store/segment/segment_reader.h"
#include "store/verify/verify_run.h"

namespace tracestore::store {

// One thread. Memory: some 200 bytes for each row of the trace at hand.
class PartChecker {
 public:
  // All must outlive the checker. `section_at`: offsets of the sections, for findings. `services`:
  // null where they can't be read.
  PartChecker(const SegmentReader& segment, const TraceTable& table, const ServiceLists* services,
              const column::StringDictionary& dictionary,
              const std::map<SectionKind, std::uint64_t>& section_at, VerifyRun& run);

  // The rows of a page, in order.
  void AddPage(std::uint32_t page, const model::SpanBatch& rows);
  // The page can't be read: what its rows would say isn't known.
  void MissPage(std::uint32_t page);
  void Finish();

 private:
  struct RowFacts {
    std::uint32_t service = 0;  // dictionary ids
    std::uint32_t name = 0;
  };
  void CheckZone(std::uint32_t page, const model::SpanBatch& rows);
  void AddRow(std::uint32_t row, const model::SpanBatch& rows, const model::SpanRecord& span,
              const std::vector<std::uint32_t>& services);
  void FinishPart();
  void CheckPart(const TracePart& part);
  void CheckRoot(const TracePart& part, const std::vector<std::uint64_t>& ids);
  void CheckOrder(const TracePart& part);
  void CheckMeta();
  void Wrong(SectionKind kind, const std::string& what);
  void WrongPart(const TracePart& part, const std::string& what);

  const SegmentReader& segment_;
  const TraceTable& table_;
  const ServiceLists* const services_;
  const column::StringDictionary& dictionary_;
  const std::map<SectionKind, std::uint64_t>& section_at_;
  VerifyRun& run_;
  std::size_t part_ = 0;          // at hand
  bool part_whole_ = true;        // none of its rows was missed
  bool all_whole_ = true;
  model::SpanBatch part_rows_;    // its spans, without their lists
  std::vector<RowFacts> facts_;   // parallel
  bool has_firehose_ = false;
  SegmentMeta meta_;              // as the rows say
  bool any_start_ = false;
};

}  // namespace tracestore::store
