#include "server/zipkin/zipkin_dependencies.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>

#include "assembly/links.h"
#include "assembly/trace_graph.h"
#include "base/try.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_text.h"
#include "model/span_batch.h"
#include "server/zipkin/zipkin_answers.h"
#include "server/zipkin/zipkin_search.h"

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

bool AllZipkins(const model::SpanBatch& batch) {
  return std::all_of(batch.resources.begin(), batch.resources.end(),
                     [](const auto& resource) { return resource.origin == Origin::kZipkin; });
}

// The rule looks at kinds, endpoints and tags as the API shows them: spans of other origins are
// taken as they are shown.
Status AddLinks(const Snapshot& snapshot, TraceId id, Links& links) {
  TS_TRY_ASSIGN(const ZipkinTrace trace, GetZipkinTrace(snapshot, id, false));
  model::SpanBatch converted;
  const bool as_kept = AllZipkins(*trace.spans.batch());
  if (!as_kept) {
    std::string shown;
    AppendZipkinTrace(trace, shown);
    TS_TRY(codec::DecodeZipkinJson(shown, converted));
  }
  const auto graph = assembly::TraceGraph::Build(as_kept ? *trace.spans.batch() : converted);
  for (const assembly::ServiceLink& link : assembly::ZipkinLinks(graph)) {
    Counts& counts =
        links[{codec::ZipkinLowerCase(link.parent), codec::ZipkinLowerCase(link.child)}];
    counts.calls += link.calls;
    counts.errors += link.errors;
  }
  return {};
}

}  // namespace

Result<std::vector<DependencyLink>> ZipkinDependencies(const Snapshot& snapshot,
                                                       const ZipkinWindow& window) {
  Query query;
  query.span_start = StartsIn(window);
  query.limit = 1'000;  // ids at a time
  Links links;
  std::unordered_set<std::uint64_t> done;
  do {
    TS_TRY_ASSIGN(const SearchPage page, snapshot.Find(query));
    for (const FoundTrace& found : page.traces) {
      if (done.insert(found.trace_id.low).second) TS_TRY(AddLinks(snapshot, found.trace_id, links));
    }
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  std::vector<DependencyLink> out;
  for (const auto& [ends, counts] : links)
    out.push_back({ends.first, ends.second, counts.calls, counts.errors});
  return out;
}

}  // namespace tracestore::server
