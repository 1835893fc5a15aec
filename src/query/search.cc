#include "query/search.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "assembly/duplicates.h"
#include "base/id_hash.h"
#include "base/stop.h"
#include "base/try.h"
#include "predicate/batch_binding.h"
#include "predicate/compiled_query.h"
#include "predicate/trace_evaluator.h"
#include "query/candidates.h"
#include "query/cursor.h"
#include "query/fetch.h"
#include "query/part_judge.h"

namespace tracestore::query {
namespace {

using predicate::BatchBinding;
using predicate::CompiledQuery;
using predicate::OrderKey;
using predicate::TraceEvaluator;
using predicate::Verdict;
using store::SegmentReader;
using store::SnapshotData;

Status CheckStop(const SnapshotData& data, const Query& query) {
  TS_TRY(CheckStop(data.stop));
  return CheckStop(StopWhen{query.deadline, query.cancel});
}

// For what reads a whole trace; the other is looked at before and behind it.
StopWhen StopOf(const SnapshotData& data, const Query& query) {
  const bool own = query.deadline.has_value() || query.cancel != nullptr;
  return own ? StopWhen{query.deadline, query.cancel} : data.stop;
}

// Keeps the first `limit` + 1 traces in the order, after the cursor.
class Best {
 public:
  Best(std::uint32_t limit, std::optional<OrderKey> after) : limit_(limit), after_(after) {}

  void Offer(const OrderKey& key) {
    ++total_;
    if (after_ && !after_->Before(key)) return;
    kept_.insert(key);
    if (limit_ != 0 && kept_.size() > limit_ + 1ULL) kept_.erase(std::prev(kept_.end()));
  }
  // Whether a trace with an order key of at most `most` can't be among the first any more.
  bool Excludes(std::uint64_t most) const {
    return limit_ != 0 && kept_.size() > limit_ && most < std::prev(kept_.end())->key;
  }
  std::uint64_t total() const { return total_; }
  std::size_t size() const { return kept_.size(); }

  SearchPage Page(std::uint64_t hash, bool with_total) const {
    SearchPage page;
    for (const OrderKey& key : kept_) {
      if (limit_ != 0 && page.traces.size() == limit_) {
        page.next_cursor =
            EncodeCursor(hash, {page.traces.back().order_key, page.traces.back().trace_id});
        break;
      }
      page.traces.push_back({key.trace_id, key.key});
    }
    if (with_total) page.total = total_;
    return page;
  }

 private:
  struct Less {
    bool operator()(const OrderKey& a, const OrderKey& b) const { return a.Before(b); }
  };
  std::uint32_t limit_;
  std::optional<OrderKey> after_;
  std::set<OrderKey, Less> kept_;
  std::uint64_t total_ = 0;
};

// A batch of the head may be a whole file; a page of a segment has about as many rows.
constexpr std::uint32_t kRowsBetweenChecks = 1024;

// No trace with a span in the segment starts later.
std::uint64_t LatestStart(const SegmentReader& segment) {
  return segment.meta().has_startless ? ~0ULL : segment.meta().max_start_ns;
}

class Searcher {
 public:
  Searcher(const SnapshotData& data, const Query& query, const CompiledQuery& compiled,
           std::optional<OrderKey> after)
      : data_(data), query_(query), compiled_(compiled), best_(query.limit, after),
        evaluator_(compiled), hold_(data.account) {}

  Result<SearchPage> Run() {
    TS_TRY(ChooseLeaf());
    TS_TRY(SearchHead());
    std::vector<std::size_t> order(data_.segments.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
      return LatestStart(*data_.segments[x]) > LatestStart(*data_.segments[y]);
    });
    for (const std::size_t i : order) TS_TRY(SearchSegment(i));
    return best_.Page(compiled_.hash(), query_.count_total);
  }

 private:
  // Of the leaves that each matching trace satisfies, the one with the fewest candidate pages.
  Status ChooseLeaf() {
    std::size_t fewest = ~std::size_t{0};
    for (const std::uint32_t leaf : compiled_.required_leaves()) {
      std::vector<index::PageSet> pages;
      std::size_t count = 0;
      for (const auto& segment : data_.segments) {
        TS_TRY_ASSIGN(index::PageSet set, CandidatePages(*segment, compiled_, leaf));
        count += set.cardinality();
        pages.push_back(std::move(set));
        TS_TRY(CheckStop(data_, query_));
      }
      if (count < fewest) {
        fewest = count;
        leaf_ = leaf;
        candidates_ = std::move(pages);
      }
    }
    return {};
  }

  // A trace whose start is at most `start` can't be among the first any more. (The order by
  // duration has no such bound; a total needs all.)
  bool TooOld(std::uint64_t start) const {
    return !query_.count_total && compiled_.order() == Order::kNewest && best_.Excludes(start);
  }

  Status SearchHead() {
    struct Hit {
      std::uint64_t start;
      TraceId id;
    };
    std::vector<Hit> hits;
    for (const auto& batch : data_.head) {
      BatchBinding binding(compiled_, batch->batch());
      for (std::uint32_t row = 0; row < batch->batch().size(); ++row) {
        if (row % kRowsBetweenChecks == 0) TS_TRY(CheckStop(data_, query_));
        const auto& span = batch->batch().spans[row];
        // A trace begins no later than any of its spans that has a start.
        if (binding.MatchesLeaf(leaf_, row))
          hits.push_back({span.has_start() ? span.start_ns : ~0ULL, span.trace_id});
      }
    }
    // The newest first, where some may do: of a large head few are taken off a heap, where to sort
    // them all costs more than to find them.
    const auto comes_later = [](const Hit& a, const Hit& b) {
      return a.start != b.start ? a.start < b.start : a.id > b.id;
    };
    const bool some_do =
        query_.limit != 0 && !query_.count_total && compiled_.order() == Order::kNewest;
    if (some_do) std::make_heap(hits.begin(), hits.end(), comes_later);
    while (!hits.empty()) {
      if (some_do) std::pop_heap(hits.begin(), hits.end(), comes_later);
      const Hit hit = hits.back();
      hits.pop_back();
      if (TooOld(hit.start)) break;
      TS_TRY(DecideScattered(hit.id));
      TS_TRY(CountKept());
    }
    return {};
  }

  Status SearchSegment(std::size_t number) {
    const SegmentReader& segment = *data_.segments[number];
    const index::PageSet& candidates = candidates_[number];
    if (candidates.empty() || TooOld(LatestStart(segment))) return {};
    TS_TRY_ASSIGN(const PartJudge* judge, JudgeOf(number));
    TS_TRY_ASSIGN(const store::Projection projection, ProjectionFor(segment, compiled_.needs()));
    TS_TRY_ASSIGN(const auto* table, segment.traces());
    for (const std::uint32_t page : candidates.ToVectorDescending()) {
      TS_TRY(CheckStop(data_, query_));
      const store::PageInfo& info = segment.pages()[page];
      if (TooOld(info.max_start_ns)) continue;
      TS_TRY(JudgePage(number, *judge, info, *table));
      TS_TRY(CountKept());
      if (undecided_.empty()) continue;
      model::SpanBatch rows;
      TS_TRY(segment.ReadRows(info.first_row, info.first_row + info.rows, projection, rows));
      TS_TRY(SearchPageRows(info, rows));
    }
    return {};
  }

  // Traces found and decided: a node of a tree and one of a hash table each.
  Status CountKept() {
    constexpr std::size_t kNodeBytes = 72;
    return hold_.Set((best_.size() + decided_.size()) * kNodeBytes);
  }

  Result<const PartJudge*> JudgeOf(std::size_t number) {
    judges_.resize(data_.segments.size());
    if (!judges_[number]) {
      const SegmentReader& segment = *data_.segments[number];
      // The newest are found in a page or two; the longest may be on any.
      const bool of_most = (query_.count_total || compiled_.order() == Order::kLongest) &&
                           candidates_[number].cardinality() > segment.page_count() / 2;
      TS_TRY_ASSIGN(auto judge, PartJudge::Make(compiled_, segment, of_most));
      judges_[number] = std::move(judge);
    }
    return &*judges_[number];
  }

  // Decides what parts of the page can be decided without their rows; the others are `undecided_`.
  Status JudgePage(std::size_t number, const PartJudge& judge, const store::PageInfo& info,
                   const store::TraceTable& table) {
    undecided_.clear();
    const std::uint32_t end = info.first_row + info.rows;
    for (std::size_t i = table.PartOf(info.first_row);
         i < table.parts.size() && table.parts[i].first_row < end; ++i) {
      const store::TracePart& part = table.parts[i];
      if (part.has_start && TooOld(part.start_ns)) continue;
      if (data_.Hidden(number, part.id)) continue;
      const Verdict leaf = judge.JudgeLeaf(part, leaf_);
      if (leaf == Verdict::kNo) continue;
      if (!IsAlone(part)) {
        TS_TRY_ASSIGN(const bool decided, JudgeStraddler(part.id, leaf));
        if (!decided) undecided_.push_back(&part);
        continue;
      }
      const model::TraceExtent extent{part.has_start, part.start_ns, part.end_ns};
      if (!query_.count_total && best_.Excludes(OrderNumber(extent))) continue;
      TraceVerdict trace(compiled_.leaf_count());
      judge.AddPart(part, trace);
      const Verdict verdict = Judge(compiled_, trace);
      if (verdict == Verdict::kMaybe) undecided_.push_back(&part);
      // A part of several pages is met on each of them.
      if (verdict == Verdict::kYes && (IsInside(part, info) || decided_.insert(part.id).second))
        OfferExtent(part.id, extent);
    }
    return {};
  }

  // Whether tables of traces alone decide on a trace of several parts, one of which has that
  // verdict on leaf_; they have done so then. The other parts are looked for in all segments: not
  // where they can't decide either, and only the longest traces leave many out by their extent.
  Result<bool> JudgeStraddler(TraceId id, Verdict leaf) {
    if (decided_.contains(id)) return true;
    if (leaf == Verdict::kMaybe && !compiled_.NeedsWholeTrace() &&
        compiled_.order() != Order::kLongest) {
      return false;
    }
    TS_TRY_ASSIGN(const model::TraceExtent extent, ExtentOf(data_, id));
    if (!query_.count_total && best_.Excludes(OrderNumber(extent))) {
      decided_.insert(id);
      return true;
    }
    if (compiled_.NeedsWholeTrace()) {
      TS_TRY_ASSIGN(leaf, JudgeScattered(id));
    }
    if (leaf == Verdict::kMaybe) return false;
    decided_.insert(id);
    if (leaf == Verdict::kYes) OfferExtent(id, extent);
    return true;
  }

  // All rows of the trace are in this part.
  bool IsAlone(const store::TracePart& part) const {
    return !data_.straddlers->contains(part.id.low) && !InHead(data_, part.id);
  }
  static bool IsInside(const store::TracePart& part, const store::PageInfo& info) {
    return part.first_row >= info.first_row &&
           part.first_row + part.rows <= info.first_row + info.rows;
  }

  Status SearchPageRows(const store::PageInfo& info, const model::SpanBatch& rows) {
    BatchBinding binding(compiled_, rows);
    for (const store::TracePart* part : undecided_) {
      const std::uint32_t begin = std::max(part->first_row, info.first_row) - info.first_row;
      const std::uint32_t end =
          std::min(part->first_row + part->rows - info.first_row, info.rows);
      bool hit = false;
      for (std::uint32_t row = begin; row < end && !hit; ++row)
        hit = binding.MatchesLeaf(leaf_, row);
      if (hit) TS_TRY(DecidePart(info, *part, binding, begin, end));
    }
    return {};
  }

  Status DecidePart(const store::PageInfo& info, const store::TracePart& part,
                    BatchBinding& binding, std::uint32_t first, std::uint32_t last) {
    if (part.has_start && TooOld(part.start_ns)) return {};
    if (!IsInside(part, info) || !IsAlone(part) ||
        (compiled_.trace_needs().spans && part.has_repeats)) {
      return DecideScattered(part.id);
    }
    if (compiled_.NeedsWholeTrace()) {
      evaluator_.Reset();
      for (std::uint32_t row = first; row < last; ++row) evaluator_.Add(binding, row);
      if (!evaluator_.Matches()) return {};
    }
    OfferExtent(part.id, {part.has_start, part.start_ns, part.end_ns});
    return {};
  }

  // A trace with rows elsewhere, too: decided once, from all of them.
  Status DecideScattered(TraceId id) {
    if (!decided_.insert(id).second) return {};
    TS_TRY(CheckStop(data_, query_));
    TS_TRY_ASSIGN(const model::TraceExtent extent, ExtentOf(data_, id));
    if (TooOld(extent.start_ns)) return {};
    if (compiled_.NeedsWholeTrace()) {
      TS_TRY_ASSIGN(Verdict verdict, JudgeScattered(id));
      if (verdict == Verdict::kMaybe) {
        TS_TRY_ASSIGN(verdict, EvaluateScattered(id));
      }
      if (verdict == Verdict::kNo) return {};
    }
    OfferExtent(id, extent);
    return {};
  }

  // From the tables of traces alone.
  Result<Verdict> JudgeScattered(TraceId id) {
    if (InHead(data_, id)) return Verdict::kMaybe;
    TraceVerdict trace(compiled_.leaf_count());
    for (std::size_t i = 0; i < data_.segments.size(); ++i) {
      TS_TRY_ASSIGN(const auto ordinals, data_.segments[i]->FindTrace(id));
      if (ordinals.empty() || data_.Hidden(i, id)) continue;
      TS_TRY_ASSIGN(const auto* table, data_.segments[i]->traces());
      TS_TRY_ASSIGN(const PartJudge* judge, JudgeOf(i));
      for (const std::uint32_t ordinal : ordinals) judge->AddPart(table->parts[ordinal], trace);
    }
    return Judge(compiled_, trace);
  }

  Result<Verdict> EvaluateScattered(TraceId id) {
    model::SpanBatch spans;
    TS_TRY(FetchInto(data_, id, spans, StopOf(data_, query_)));
    BatchBinding binding(compiled_, spans);
    evaluator_.Reset();
    const assembly::DistinctSpans distinct = assembly::FindDistinct(spans);
    for (const std::uint32_t row : distinct.rows) evaluator_.Add(binding, row);
    return evaluator_.Matches() ? Verdict::kYes : Verdict::kNo;
  }

  void OfferExtent(TraceId id, const model::TraceExtent& extent) {
    best_.Offer({OrderNumber(extent), id});
  }
  std::uint64_t OrderNumber(const model::TraceExtent& extent) const {
    return compiled_.order() == Order::kNewest ? extent.start_ns : extent.duration_ns();
  }

  const SnapshotData& data_;
  const Query& query_;
  const CompiledQuery& compiled_;
  Best best_;
  TraceEvaluator evaluator_;
  std::uint32_t leaf_ = 0;
  std::vector<index::PageSet> candidates_;  // by segment, of leaf_
  std::unordered_set<TraceId, base::TraceIdHash> decided_;
  std::vector<std::optional<PartJudge>> judges_;            // by segment, made when first needed
  std::vector<const store::TracePart*> undecided_;          // of the page at hand
  MemoryHold hold_;                                         // for best_ and decided_
};

Result<SearchPage> Search(const SnapshotData& data, const Query& query,
                          const CompiledQuery& compiled) {
  std::optional<OrderKey> after;
  if (!query.cursor.empty()) {
    TS_TRY_ASSIGN(after, DecodeCursor(query.cursor, compiled.hash()));
  }
  return Searcher(data, query, compiled, after).Run();
}

}  // namespace

Result<SearchPage> FindTraces(const SnapshotData& data, const Query& query) {
  TS_TRY_ASSIGN(const CompiledQuery compiled, CompiledQuery::Compile(query));
  return Search(data, query, compiled);
}

Result<std::string> CursorAfter(const Query& query, const FoundTrace& trace) {
  TS_TRY_ASSIGN(const CompiledQuery compiled, CompiledQuery::Compile(query));
  return EncodeCursor(compiled.hash(), {trace.order_key, trace.trace_id});
}

Result<std::shared_ptr<model::SpanBatch>> FindSpans(const SnapshotData& data, const Query& query) {
  TS_TRY_ASSIGN(const CompiledQuery compiled, CompiledQuery::Compile(query));
  // Each matching trace gives at least one span: no more traces than spans are needed.
  TS_TRY_ASSIGN(const SearchPage page, Search(data, query, compiled));
  auto out = std::make_shared<HeldBatch>(data);
  model::BatchAppender appender(out->batch);
  for (const FoundTrace& found : page.traces) {
    TS_TRY(CheckStop(data, query));
    model::SpanBatch spans;
    TS_TRY(FetchInto(data, found.trace_id, spans, StopOf(data, query)));
    BatchBinding binding(compiled, spans);
    appender.SetSource(spans);
    const assembly::DistinctSpans distinct = assembly::FindDistinct(spans);
    for (const std::uint32_t row : distinct.rows) {
      bool any = false;
      for (std::size_t leaf = 0; leaf < compiled.leaf_count() && !any; ++leaf)
        any = binding.MatchesLeaf(leaf, row);
      if (any) appender.Append(row);
      if (query.limit != 0 && out->batch.size() == query.limit) break;
    }
    TS_TRY(out->hold.Set(out->batch.memory_bytes()));
    if (query.limit != 0 && out->batch.size() == query.limit) break;
  }
  return BatchOf(std::move(out));
}

}  // namespace tracestore::query
