#include "query/subtree.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/id_hash.h"
#include "base/try.h"
#include "query/fetch.h"
#include "query/trace_index.h"
#include "store/segment/page_tree.h"

namespace tracestore::query {
namespace {

using store::PageTree;

// A page of one of the trace's parts.
struct Page {
  PageTree tree;
  std::uint32_t page_row = 0;  // of the segment, its first
  std::uint32_t first = 0;     // rows of the page that are of the part: [first, last)
  std::uint32_t last = 0;
  std::uint32_t number = 0;    // of row `first`, in the trace
};

// Pages that were looked at, for as long as the walk goes.
class Pages {
 public:
  Pages(const TraceRows& rows, const StopWhen& stop) : rows_(rows), stop_(stop) {}

  // The page with the row of that number.
  Result<const Page*> Of(std::uint32_t number) {
    const TraceRows::Part& part = rows_.PartOf(number);
    const std::uint32_t row = part.first_row + (number - part.begin);
    const std::uint32_t page = part.segment->PageOfRow(row);
    const auto part_number = static_cast<std::uint64_t>(&part - rows_.parts().data());
    const auto [at, fresh] = pages_.try_emplace(part_number << 32 | page);
    Page& out = at->second;
    if (!fresh) return &out;
    TS_TRY(CheckStop(stop_));
    TS_TRY(part.segment->ReadTree(page, out.tree));
    const store::PageInfo& info = part.segment->pages()[page];
    const std::uint32_t begin = std::max(info.first_row, part.first_row);
    const std::uint32_t end = std::min(info.first_row + info.rows, part.first_row + part.rows);
    out.page_row = info.first_row;
    out.first = begin - info.first_row;
    out.last = end - info.first_row;
    out.number = part.begin + (begin - part.first_row);
    return &out;
  }

 private:
  const TraceRows& rows_;
  const StopWhen& stop_;
  std::unordered_map<std::uint64_t, Page> pages_;  // by part and page
};

// Spans are below others by their ids: of different spans that share one, each has the children of
// all, and only those count that stand below.
class Walk {
 public:
  Walk(const store::SnapshotData& data, const TraceIndex& index)
      : data_(data), index_(index), pages_(index.rows(), data.stop), taken_(index.rows().size()),
        expanded_(index.rows().size()) {}

  Status Run(TraceId id, SpanId top) {
    ReadHead(id);
    std::vector<std::uint32_t> tops;
    index_.by_id().ForEachCandidate(top.value, [&](std::uint32_t number) { tops.push_back(number); });
    for (const std::uint32_t number : tops) {
      TS_TRY_ASSIGN(const Page* page, pages_.Of(number));
      if (IdOf(*page, number) == top) Take(number, top);
    }
    for (std::size_t i = 0; i < head_.size(); ++i) {
      if (SpanOf(head_[i]).span_id == top) TakeOfHead(i);
    }
    while (!open_.empty()) {
      const SpanId parent = open_.back();
      open_.pop_back();
      if (parent.empty()) continue;  // an empty parent id names no span
      TS_TRY(ExpandRows(parent));
      TS_TRY(AddRoots(parent));
      AddHead(parent);
    }
    return {};
  }

  // `hold` stands for `out`.
  Status ReadRows(MemoryHold& hold, model::SpanBatch& out) {
    std::vector<std::uint32_t> numbers;
    for (std::uint32_t number = 0; number < taken_.size(); ++number) {
      if (taken_[number]) numbers.push_back(number);
    }
    model::BatchAppender appender(out);
    TS_TRY(index_.rows().Read(numbers, {}, data_.stop,
                              [&](const model::SpanBatch& rows, const auto& some) {
                                appender.SetSource(rows);
                                for (const std::uint32_t number : some)
                                  appender.Append(number - some.front());
                                return hold.Set(out.memory_bytes());
                              }));
    for (std::size_t i = 0; i < head_.size(); ++i) {
      if (!head_taken_[i]) continue;
      appender.SetSource(*head_[i].batch);
      appender.Append(head_[i].row);
    }
    return hold.Set(out.memory_bytes());
  }

 private:
  struct HeadRow {
    const model::SpanBatch* batch = nullptr;
    std::uint32_t row = 0;
  };
  static const model::SpanRecord& SpanOf(const HeadRow& row) { return row.batch->spans[row.row]; }
  static SpanId IdOf(const Page& page, std::uint32_t number) {
    return SpanId{page.tree.ids[page.first + (number - page.number)]};
  }

  // The head's rows of the trace, by parent.
  void ReadHead(TraceId id) {
    for (const auto& batch : data_.head)
      batch->ForEachRow(id, [&](std::uint32_t row) { head_.push_back({&batch->batch(), row}); });
    std::stable_sort(head_.begin(), head_.end(), [](const HeadRow& a, const HeadRow& b) {
      return SpanOf(a).parent_id < SpanOf(b).parent_id;
    });
    head_taken_.resize(head_.size());
  }

  void Take(std::uint32_t number, SpanId id) {
    if (taken_[number]) return;
    taken_[number] = true;
    if (ids_.insert(id.value).second) open_.push_back(id);
  }
  void TakeOfHead(std::size_t i) {
    if (head_taken_[i]) return;
    head_taken_[i] = true;
    const SpanId id = SpanOf(head_[i]).span_id;
    if (ids_.insert(id.value).second) open_.push_back(id);
  }

  // What stands below the rows of that id in their pages. Rows below a row follow it.
  Status ExpandRows(SpanId id) {
    std::vector<std::uint32_t> numbers;
    index_.by_id().ForEachCandidate(id.value, [&](std::uint32_t number) {
      if (!expanded_[number]) numbers.push_back(number);
    });
    for (const std::uint32_t number : numbers) {
      if (expanded_[number]) continue;  // below one of the same id before it
      TS_TRY_ASSIGN(const Page* page, pages_.Of(number));
      if (IdOf(*page, number) != id) continue;
      expanded_[number] = true;
      const std::uint32_t top = page->first + (number - page->number);
      for (std::uint32_t row = top + 1; row < page->last; ++row) {
        const std::uint32_t parent = page->tree.parents[row];
        if (parent == store::kNoRow || parent < top) break;
        const std::uint32_t below = number + (row - top);
        expanded_[below] = true;
        Take(below, SpanId{page->tree.ids[row]});
      }
    }
    return {};
  }

  // Rows whose parent isn't in their page.
  Status AddRoots(SpanId parent) {
    std::vector<std::uint32_t> numbers;
    index_.by_parent().ForEachCandidate(parent.value, [&](std::uint32_t number) {
      if (!taken_[number]) numbers.push_back(number);
    });
    for (const std::uint32_t number : numbers) {
      TS_TRY_ASSIGN(const Page* page, pages_.Of(number));
      const std::uint32_t row = page->first + (number - page->number);
      const auto& roots = page->tree.roots;
      const auto root = std::lower_bound(
          roots.begin(), roots.end(), row,
          [](const PageTree::Root& a, std::uint32_t wanted) { return a.row < wanted; });
      if (root != roots.end() && root->row == row && root->parent == parent)
        Take(number, SpanId{page->tree.ids[row]});
    }
    return {};
  }

  void AddHead(SpanId parent) {
    auto at = std::lower_bound(
        head_.begin(), head_.end(), parent,
        [](const HeadRow& row, SpanId wanted) { return SpanOf(row).parent_id < wanted; });
    for (; at != head_.end() && SpanOf(*at).parent_id == parent; ++at)
      TakeOfHead(static_cast<std::size_t>(at - head_.begin()));
  }

  const store::SnapshotData& data_;
  const TraceIndex& index_;
  Pages pages_;
  std::vector<bool> taken_;     // by number
  std::vector<bool> expanded_;  // the rows below it in its page are taken
  std::vector<HeadRow> head_;   // by parent
  std::vector<bool> head_taken_;
  std::unordered_set<std::uint64_t, base::IdHash> ids_;  // of the subtree
  std::vector<SpanId> open_;               // of these, whose children are to be found
};

}  // namespace

Result<std::shared_ptr<model::SpanBatch>> FetchSubtree(const store::SnapshotData& data, TraceId id,
                                                       SpanId top) {
  TS_TRY_ASSIGN(const auto index, TraceIndex::Of(data, id));
  Walk walk(data, *index);
  TS_TRY(walk.Run(id, top));
  auto out = std::make_shared<HeldBatch>(data);
  TS_TRY(walk.ReadRows(out->hold, out->batch));
  return BatchOf(std::move(out));
}

}  // namespace tracestore::query
