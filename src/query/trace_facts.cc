#include "query/trace_facts.h"

#include <numeric>
#include <span>

#include "assembly/duplicates.h"
#include "assembly/trace_graph.h"
#include "base/stop.h"
#include "base/try.h"

namespace tracestore::query {
namespace {

using model::SpanBatch;
using model::SpanRecord;
using store::SegmentReader;
using store::TracePart;

// A part with several spans of one id is read again with everything, so that equal spans can be
// told from different ones.
class SegmentScan {
 public:
  SegmentScan(const SegmentReader& segment, FactKind kind, const StopWhen& stop)
      : segment_(segment), builder_(kind), stop_(stop) {
    structure_.attributes = false;
    structure_.events = false;
    structure_.keep_pages = whole_.keep_pages = false;
  }

  Result<TraceFacts> Run(const std::vector<std::uint32_t>& wanted) {
    TS_TRY_ASSIGN(const auto* table, segment_.traces());
    const auto& parts = table->parts;
    for (std::size_t first = 0; first < wanted.size();) {
      // Those that begin in one page, so that each page is decoded about once.
      const std::uint32_t page = segment_.PageOfRow(parts[wanted[first]].first_row);
      std::size_t last = first + 1;
      while (last < wanted.size() &&
             segment_.PageOfRow(parts[wanted[last]].first_row) == page) {
        ++last;
      }
      TS_TRY(AddParts(parts, std::span(wanted).subspan(first, last - first)));
      first = last;
    }
    return builder_.Finish();
  }

 private:
  Status AddParts(const std::vector<TracePart>& parts, std::span<const std::uint32_t> wanted) {
    const std::uint32_t first_row = parts[wanted.front()].first_row;
    const std::uint32_t end_row = parts[wanted.back()].first_row + parts[wanted.back()].rows;
    SpanBatch rows;
    TS_TRY(segment_.ReadRows(first_row, end_row, structure_, rows, stop_));
    if (rows.size() != end_row - first_row) {
      return Error(ErrorCode::kCorruption,
                   "segment " + segment_.name() + ": its pages lack rows of its traces");
    }
    // One trace after the other stands in for all spans of the batch.
    std::vector<SpanRecord> spans;
    spans.swap(rows.spans);
    for (const std::uint32_t i : wanted) {
      const TracePart& part = parts[i];
      if (part.has_repeats) {
        SpanBatch whole;
        TS_TRY(segment_.ReadRows(part.first_row, part.first_row + part.rows, whole_, whole,
                                 stop_));
        builder_.Add(whole, i);
        continue;
      }
      const auto begin = spans.begin() + static_cast<std::ptrdiff_t>(part.first_row - first_row);
      rows.spans.assign(begin, begin + static_cast<std::ptrdiff_t>(part.rows));
      builder_.Add(rows, i);
    }
    return {};
  }

  const SegmentReader& segment_;
  FactsBuilder builder_;
  const StopWhen stop_;
  store::Projection structure_;
  store::Projection whole_;
};

}  // namespace

Result<TraceFacts> ScanParts(const SegmentReader& segment, FactKind kind,
                             const std::vector<std::uint32_t>& parts, const StopWhen& stop) {
  return SegmentScan(segment, kind, stop).Run(parts);
}

void FactsBuilder::Add(const SpanBatch& trace, std::uint32_t part) {
  if (kind_ == FactKind::kCalls) AddCalls(trace, part);
  else AddSpans(trace, part);
}

// assembly::JaegerLinks' rule, call by call.
void FactsBuilder::AddCalls(const SpanBatch& trace, std::uint32_t part) {
  const auto graph = assembly::TraceGraph::Build(trace);
  for (assembly::NodeId node = 0; node < graph.span_count(); ++node) {
    const std::string_view service = graph.service(node);
    if (service.empty()) continue;
    for (const assembly::ParentEdge& edge : graph.parents(node)) {
      if (graph.missing(edge.parent)) continue;
      const std::string_view caller = graph.service(edge.parent);
      if (caller.empty() || caller == service) continue;
      const SpanRecord& span = graph.span(node);
      facts_.calls.push_back({span.start_ns, part, facts_.strings.Intern(caller),
                              facts_.strings.Intern(service), span.has_start(),
                              span.status == StatusCode::kError});
    }
  }
}

void FactsBuilder::AddSpans(const SpanBatch& trace, std::uint32_t part) {
  for (const std::uint32_t row : assembly::FindDistinct(trace).rows) {
    const SpanRecord& span = trace.spans[row];
    const Series series{facts_.strings.Intern(ServiceOf(trace, span)),
                        facts_.strings.Intern(trace.text(span.name)), span.kind};
    facts_.spans.push_back({span.start_ns, span.duration_ns, part, NumberOf(series),
                            span.has_start(), span.has_duration(),
                            span.status == StatusCode::kError});
  }
}

std::uint32_t FactsBuilder::NumberOf(const Series& series) {
  const auto [at, fresh] =
      series_.try_emplace(series, static_cast<std::uint32_t>(facts_.series.size()));
  if (fresh) facts_.series.push_back(series);
  return at->second;
}

void FactsBuilder::AddFacts(const TraceFacts& facts, const std::vector<std::uint32_t>& parts) {
  constexpr std::uint32_t kUnknown = 0xFFFFFFFF;
  std::vector<std::uint32_t> texts(facts.strings.size(), kUnknown);
  std::vector<std::uint32_t> series(facts.series.size(), kUnknown);
  const auto text = [&](std::uint32_t id) {
    if (texts[id] == kUnknown)
      texts[id] = facts_.strings.Intern(facts.strings.Get(id), facts.strings.HashOf(id));
    return texts[id];
  };
  for (CallFact call : facts.calls) {
    call.part = parts[call.part];
    if (call.part == kLeftOut) continue;
    call.caller = text(call.caller);
    call.callee = text(call.callee);
    facts_.calls.push_back(call);
  }
  for (SpanFact span : facts.spans) {
    span.part = parts[span.part];
    if (span.part == kLeftOut) continue;
    std::uint32_t& number = series[span.series];
    if (number == kUnknown) {
      const Series& from = facts.series[span.series];
      number = NumberOf({text(from.service), text(from.operation), from.kind});
    }
    span.series = number;
    facts_.spans.push_back(span);
  }
}

TraceFacts FactsBuilder::Finish() {
  const auto by_start = [](const auto& a, const auto& b) { return a.start_ns < b.start_ns; };
  std::stable_sort(facts_.calls.begin(), facts_.calls.end(), by_start);
  std::stable_sort(facts_.spans.begin(), facts_.spans.end(), by_start);
  facts_.calls.shrink_to_fit();
  facts_.spans.shrink_to_fit();
  return std::move(facts_);
}

std::shared_ptr<const TraceFacts> KeptFacts(const store::SnapshotData& data,
                                            const std::shared_ptr<const SegmentReader>& segment,
                                            FactKind kind) {
  if (data.memory == nullptr) return nullptr;
  return data.memory->by_segment().Find<TraceFacts>(segment, static_cast<int>(kind));
}

Result<std::shared_ptr<const TraceFacts>> FactsOf(
    const store::SnapshotData& data, const std::shared_ptr<const SegmentReader>& segment,
    FactKind kind) {
  if (auto kept = KeptFacts(data, segment, kind)) return kept;
  TS_TRY_ASSIGN(const auto* table, segment->traces());
  std::vector<std::uint32_t> all(table->parts.size());
  std::iota(all.begin(), all.end(), 0U);
  TS_TRY_ASSIGN(TraceFacts made, ScanParts(*segment, kind, all, data.stop));
  auto facts = std::make_shared<const TraceFacts>(std::move(made));
  if (data.memory != nullptr) {
    data.memory->by_segment().Keep(segment, static_cast<int>(kind), facts,
                                   facts->memory_bytes());
  }
  return facts;
}

}  // namespace tracestore::query
