#include "server/zipkin/zipkin_dependencies.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/id_hash.h"
#include "base/try.h"
#include "codec/zipkin/zipkin_text.h"
#include "model/span_batch.h"
#include "server/zipkin/zipkin_link_reader.h"

namespace tracestore::server {
namespace {

struct Counts {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
};
using Links = std::map<std::pair<std::string, std::string>, Counts>;

// Spans that started in the window's milliseconds, the last one whole.
TimeRange StartsIn(const ZipkinWindow& window) {
  constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
  constexpr std::uint64_t kNsEach = 1'000'000;
  const auto at = [](std::uint64_t ms) {
    return ms >= kForever / kNsEach ? kForever : ms * kNsEach;
  };
  return {at(window.begin_ms), at(window.end_ms + 1)};
}

void AddLinks(const std::vector<assembly::ServiceLink>& found, Links& links) {
  for (const assembly::ServiceLink& link : found) {
    Counts& counts =
        links[{codec::ZipkinLowerCase(link.parent), codec::ZipkinLowerCase(link.child)}];
    counts.calls += link.calls;
    counts.errors += link.errors;
  }
}

// Rows trace by trace.
std::vector<std::uint32_t> ByTrace(const model::SpanBatch& spans) {
  std::vector<std::uint32_t> rows(spans.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::stable_sort(rows.begin(), rows.end(), [&](std::uint32_t x, std::uint32_t y) {
    return spans.spans[x].trace_id < spans.spans[y].trace_id;
  });
  return rows;
}

class Counter {
 public:
  explicit Counter(const Snapshot& snapshot) : snapshot_(snapshot) {}

  Status AddPage(const model::SpanBatch& spans) {
    ZipkinLinkReader reader(spans);
    const std::vector<std::uint32_t> rows = ByTrace(spans);
    for (std::size_t i = 0; i < rows.size();) {
      const TraceId id = spans.spans[rows[i]].trace_id;
      const std::size_t begin = i;
      while (i < rows.size() && spans.spans[rows[i]].trace_id == id) ++i;
      TS_TRY(AddTrace(id, std::span(rows).subspan(begin, i - begin), reader));
    }
    return {};
  }

  std::vector<DependencyLink> List() const {
    std::vector<DependencyLink> out;
    for (const auto& [ends, counts] : links_)
      out.push_back({ends.first, ends.second, counts.calls, counts.errors});
    return out;
  }

 private:
  Status AddTrace(TraceId id, std::span<const std::uint32_t> rows, ZipkinLinkReader& reader) {
    if (!done_.insert(id.low).second) return {};
    TS_TRY_ASSIGN(const auto same, snapshot_.TracesWithLowId(id.low));
    std::vector<assembly::ServiceLink> found;
    if (same.size() != 1 || !reader.Read(rows, found)) {
      TS_TRY_ASSIGN(found, ZipkinLinksOfAll(snapshot_, id));
    }
    AddLinks(found, links_);
    return {};
  }

  const Snapshot& snapshot_;
  Links links_;
  std::unordered_set<std::uint64_t, base::IdHash> done_;  // low halves
};

}  // namespace

Result<std::vector<DependencyLink>> ZipkinDependencies(const Snapshot& snapshot,
                                                       const ZipkinWindow& window) {
  Query query;
  query.span_start = StartsIn(window);
  query.limit = 1'000;  // traces at a time
  SpanParts parts;
  parts.keys = ZipkinLinkKeys();
  parts.events = false;
  parts.max_spans = 100'000;
  parts.keep_pages = false;
  Counter counter(snapshot);
  do {
    TS_TRY_ASSIGN(const SpanPage page, snapshot.ReadSpans(query, parts));
    if (!page.spans.empty()) TS_TRY(counter.AddPage(*page.spans.batch()));
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  return counter.List();
}

}  // namespace tracestore::server
