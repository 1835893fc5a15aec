#include "store/verify/catalog_verifier.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/try.h"
#include "store/engine/compaction.h"
#include "store/engine/tombstones.h"

namespace tracestore::store {
namespace {

std::string Named(SegmentId id) { return "segment " + std::to_string(id.value); }

class CatalogChecker {
 public:
  CatalogChecker(const CatalogView& view,
                 const std::map<SegmentId, std::shared_ptr<const SegmentReader>>& open,
                 const std::string& path, VerifyRun& run)
      : view_(view), open_(open), path_(path), run_(run), tombstones_(view.tombstones) {}

  Status Check() {
    for (const SegmentInfo& info : view_.segments) CheckSegment(info);
    CheckTombstones();
    CheckListedStraddlers();
    return CheckStraddlersComplete();
  }

 private:
  void Wrong(const char* section, const std::string& what) {
    run_.Damage(path_, 0, section, what);
  }

  void CheckSegment(const SegmentInfo& info) {
    const std::string name = Named(info.id);
    if (info.id >= view_.next_segment_id)
      Wrong("meta", "next_segment is not above " + name + ", which is live");
    if (info.log_end < info.log_begin || LogPosition{view_.retired_before, 0} < info.log_end)
      Wrong("segments", name + ": its place in the log is none");
    if (info.max_arrival_ns < info.min_arrival_ns)
      Wrong("segments", name + ": its latest arrival is before its earliest");
    const auto found = open_.find(info.id);
    if (found == open_.end()) return;
    const SegmentReader& segment = *found->second;
    const SegmentMeta& meta = segment.meta();
    const auto origin = segment.ReadOrigin();
    if (origin.has_value() && *origin && **origin != OriginOf(info))
      Wrong("segments", name + ": its file is of another place in the log, arrival or generation");
    if (info.file_bytes != segment.file_bytes()) {
      Wrong("segments", name + ": its file has " + std::to_string(segment.file_bytes()) +
                            " bytes, not " + std::to_string(info.file_bytes));
    }
    if (info.rows != meta.rows || info.traces != meta.traces) {
      Wrong("segments", name + ": its file has " + std::to_string(meta.rows) + " spans of " +
                            std::to_string(meta.traces) + " traces, not " +
                            std::to_string(info.rows) + " of " + std::to_string(info.traces));
    }
    if (info.min_start_ns != meta.min_start_ns || info.max_start_ns != meta.max_start_ns ||
        info.min_time_ns > meta.min_start_ns ||
        info.max_time_ns < std::max(meta.max_end_ns, meta.max_start_ns)) {
      Wrong("segments", name + ": its times are not those of its file");
    }
  }

  void CheckTombstones() {
    std::uint64_t last = 0;
    for (const Tombstone& tombstone : view_.tombstones) {
      if (tombstone.sequence <= last)
        Wrong("tombstones", "tombstone " + std::to_string(tombstone.sequence) + " is out of order");
      last = tombstone.sequence;
      if (tombstone.position.file_number == 0 ||
          (tombstone.kind == TombstoneKind::kBefore && !tombstone.trace_id.empty())) {
        Wrong("tombstones", "tombstone " + std::to_string(tombstone.sequence) + " is not valid");
      }
    }
  }

  // Each pair is of a live segment that has the trace.
  void CheckListedStraddlers() {
    for (const Straddler& straddler : view_.straddlers) {
      listed_.insert(straddler);
      const bool live = std::any_of(view_.segments.begin(), view_.segments.end(),
                                    [&](const auto& info) { return info.id == straddler.segment; });
      if (!live) {
        Wrong("straddlers", "a pair names " + Named(straddler.segment) + ", which is not live");
        continue;
      }
      const auto found = open_.find(straddler.segment);
      if (found == open_.end()) continue;
      const auto ids = found->second->FindLowId(straddler.trace_id_low);
      if (ids.has_value() && ids->empty())
        Wrong("straddlers", Named(straddler.segment) + " has no trace of a pair that names it");
    }
  }

  // A trace in two segments is listed for both. Segments that are wholly deleted don't count: a
  // seal passes them over, too.
  Status CheckStraddlersComplete() {
    std::vector<std::pair<SegmentId, const SegmentReader*>> shown;
    for (const SegmentInfo& info : view_.segments) {
      const auto found = open_.find(info.id);
      if (found != open_.end() && !tombstones_.HidesAll(info.log_end))
        shown.emplace_back(info.id, found->second.get());
    }
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const auto table = shown[i].second->traces();
      if (!table.has_value()) continue;  // was said
      for (const TracePart& part : (*table)->parts) {
        for (std::size_t j = i + 1; j < shown.size(); ++j) {
          const auto there = shown[j].second->FindLowId(part.id.low);
          if (!there.has_value() || there->empty()) continue;
          CheckListed(part.id, shown[i].first);
          CheckListed(part.id, shown[j].first);
        }
      }
      TS_TRY(run_.Advance(path_, 0));
    }
    return {};
  }

  void CheckListed(TraceId id, SegmentId segment) {
    if (listed_.insert({id.low, segment}).second) {
      Wrong("straddlers", "trace " + id.ToHex() + " is in " + Named(segment) +
                              " and in another, and not listed as such");
    }
  }

  const CatalogView& view_;
  const std::map<SegmentId, std::shared_ptr<const SegmentReader>>& open_;
  const std::string& path_;
  VerifyRun& run_;
  const TombstoneSet tombstones_;
  std::set<Straddler> listed_;  // and those that were missed, so that each is said once
};

}  // namespace

Status VerifyCatalog(const CatalogView& view,
                     const std::map<SegmentId, std::shared_ptr<const SegmentReader>>& open,
                     const std::string& catalog_path, VerifyRun& run) {
  return CatalogChecker(view, open, catalog_path, run).Check();
}

}  // namespace tracestore::store
