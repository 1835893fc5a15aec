#include "query/candidates.h"

#include <algorithm>

#include "base/try.h"

namespace tracestore::query {
namespace {

using index::PageSet;
using predicate::Hint;
using store::SegmentReader;
using store::TermKind;

Result<PageSet> PagesOfText(const SegmentReader& segment, TermKind kind, const std::string& a) {
  TS_TRY_ASSIGN(const auto* strings, segment.dictionary());
  const auto id = strings->Find(a);
  if (!id) return PageSet{};
  return segment.PagesOf(kind, *id);
}

Result<PageSet> PagesOfServiceOperation(const SegmentReader& segment, const Hint& hint) {
  TS_TRY_ASSIGN(const auto* strings, segment.dictionary());
  const auto service = strings->Find(hint.a);
  const auto operation = strings->Find(hint.b);
  if (!service || !operation) return PageSet{};
  return segment.PagesOf(TermKind::kServiceOperation, *service, *operation);
}

Result<PageSet> PagesOfTrace(const SegmentReader& segment, TraceId id) {
  PageSet pages;
  TS_TRY_ASSIGN(const auto ordinals, segment.FindTrace(id));
  if (ordinals.empty()) return pages;
  TS_TRY_ASSIGN(const auto* table, segment.traces());
  for (const std::uint32_t ordinal : ordinals) {
    const store::TracePart& part = table->parts[ordinal];
    if (part.rows == 0) continue;
    const std::uint32_t last = segment.PageOfRow(part.first_row + part.rows - 1);
    for (std::uint32_t page = segment.PageOfRow(part.first_row); page <= last; ++page)
      pages.Add(page);
  }
  return pages;
}

Result<PageSet> PagesOfHint(const SegmentReader& segment, const Hint& hint,
                            const PageSet& within) {
  switch (hint.kind) {
    case Hint::Kind::kService: return PagesOfText(segment, TermKind::kService, hint.a);
    case Hint::Kind::kServiceOperation: return PagesOfServiceOperation(segment, hint);
    case Hint::Kind::kOperation: return PagesOfText(segment, TermKind::kOperation, hint.a);
    case Hint::Kind::kAttributeEqual: return segment.PagesWithValue(hint.a, hint.b, within);
    case Hint::Kind::kAttributeExists: return PagesOfText(segment, TermKind::kKey, hint.a);
    case Hint::Kind::kKind:
      return segment.PagesOf(TermKind::kKind, static_cast<std::uint32_t>(hint.span_kind));
    case Hint::Kind::kStatus:
      return segment.PagesOf(TermKind::kStatus, static_cast<std::uint32_t>(hint.status));
    case Hint::Kind::kEventName: return PagesOfText(segment, TermKind::kEventName, hint.a);
    case Hint::Kind::kScopeName: return PagesOfText(segment, TermKind::kScopeName, hint.a);
    case Hint::Kind::kLinkTraceId: return segment.PagesWithLink(hint.trace_id);
    case Hint::Kind::kTraceId: return PagesOfTrace(segment, hint.trace_id);
    case Hint::Kind::kSpanId:
    case Hint::Kind::kParentId: break;  // no index of span ids
  }
  return PageSet::Full(segment.page_count());
}

void DropByZones(const SegmentReader& segment, const predicate::CompiledQuery& query,
                 std::size_t leaf, PageSet& pages) {
  const auto& start = query.StartBounds(leaf);
  const auto& duration = query.DurationBounds(leaf);
  const auto& trace = query.TraceStartBounds();
  if (start.all() && duration.all() && trace.all()) return;
  for (const std::uint32_t page : pages.ToVector()) {
    const store::PageInfo& info = segment.pages()[page];
    // A trace begins no later than any of its spans that has a start.
    if (!start.Overlaps(info.min_start_ns, info.max_start_ns) ||
        info.max_duration_ns < duration.least || info.max_start_ns < trace.least) {
      pages.Remove(page);
    }
  }
}

using Choices = std::vector<Hint>;

bool AsksForValue(const Choices& choices) {
  return std::any_of(choices.begin(), choices.end(), [](const Hint& hint) {
    return hint.kind == Hint::Kind::kAttributeEqual;
  });
}

// Whether the segment has, as far as its filters and lists tell, each value that is asked for. Most
// of many segments lack a rare one, and nothing else is looked up in them.
Result<bool> MayHaveValues(const SegmentReader& segment, const predicate::LeafHints& hints) {
  for (const Choices& choices : hints) {
    if (choices.size() != 1 || !AsksForValue(choices)) continue;
    TS_TRY_ASSIGN(const bool may, segment.MayHaveValue(choices[0].a, choices[0].b));
    if (!may) return false;
  }
  return true;
}

Status Narrow(const SegmentReader& segment, const Choices& choices, PageSet& pages) {
  PageSet any;
  for (const Hint& hint : choices) {
    TS_TRY_ASSIGN(const PageSet some, PagesOfHint(segment, hint, pages));
    any.Or(some);
  }
  pages.And(any);
  return {};
}

}  // namespace

Result<PageSet> CandidatePages(const SegmentReader& segment,
                               const predicate::CompiledQuery& query, std::size_t leaf) {
  const predicate::LeafHints& hints = query.hints(leaf);
  TS_TRY_ASSIGN(const bool may, MayHaveValues(segment, hints));
  if (!may) return PageSet{};
  PageSet pages = PageSet::Full(segment.page_count());
  DropByZones(segment, query, leaf, pages);
  // Values last: pages are read for them.
  for (const bool values : {false, true}) {
    for (const Choices& choices : hints) {
      if (pages.empty()) return pages;
      if (AsksForValue(choices) == values) TS_TRY(Narrow(segment, choices, pages));
    }
  }
  return pages;
}

Result<store::Projection> ProjectionFor(const SegmentReader& segment,
                                        const predicate::Needs& needs) {
  store::Projection projection;
  projection.all_columns = false;
  projection.attributes = needs.span_attributes;
  projection.events = needs.event_attributes || needs.event_name || needs.events;
  TS_TRY_ASSIGN(const auto* strings, segment.dictionary());
  TS_TRY_ASSIGN(const auto* tables, segment.tables());
  std::vector<std::uint32_t> keys;
  for (const std::string& key : needs.attribute_keys) {
    if (const auto id = strings->Find(key)) keys.push_back(*id);
  }
  std::sort(keys.begin(), keys.end());
  for (std::uint32_t column = 1; column < tables->columns.size(); ++column) {
    if (std::binary_search(keys.begin(), keys.end(), tables->columns[column].key))
      projection.columns.push_back(column);
  }
  return projection;
}

}  // namespace tracestore::query
