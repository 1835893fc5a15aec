// SummaryChecker: holds the summary sections of a segment against its rows.
#pragma once
#include <cstdint>
#include <map>
#include <optional>

#include "codec/column/string_dictionary.h"
#include "model/span_batch.h"
#include "store/segment/segment_reader.h"
#include "store/segment/summary_counter.h"
#include "store/verify/verify_run.h"

namespace tracestore::store {

// One thread. Memory: the rows of one trace part, and the summaries counted anew.
class SummaryChecker {
 public:
  SummaryChecker(const SegmentReader& segment, const column::StringDictionary& dictionary,
                 std::map<SectionKind, std::uint64_t>& section_at, VerifyRun& run);

  // All rows of each page, in order.
  void AddPage(const model::SpanBatch& rows);
  // `whole`: no page was missed; else nothing can be said.
  void Finish(bool whole);

 private:
  void AddTrace();
  void Say(SectionKind kind, const char* what);

  const SegmentReader& segment_;
  const column::StringDictionary& dictionary_;
  std::map<SectionKind, std::uint64_t>& section_at_;
  VerifyRun& run_;
  const LinkSummary* links_ = nullptr;
  const MetricSummary* metrics_ = nullptr;
  std::optional<SummaryCounter> link_counter_;
  std::optional<SummaryCounter> metric_counter_;
  model::SpanBatch trace_;  // the rows of the part that is being read
};

}  // namespace tracestore::store
