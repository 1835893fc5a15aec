// Layout: docs/format/segment.md, "Summaries".
#include "store/segment/summary.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/try.h"
#include "codec/column/int_stream.h"
#include "model/latency_histogram.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

Error Damaged(const char* what) {
  return {ErrorCode::kCorruption, std::string("summary: ") + what};
}

template <typename Items, typename Get>
void Write(const Items& items, std::string& out, Get get) {
  std::vector<std::uint64_t> values;
  values.reserve(items.size());
  for (const auto& item : items) values.push_back(get(item));
  column::EncodeInts(values, out);
}

template <typename Items, typename Set>
Status Read(base::ByteReader& in, Items& items, std::uint64_t most, Set set) {
  std::vector<std::uint64_t> values;
  TS_TRY(column::DecodeInts(in, items.size(), values));
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (values[i] > most) return Damaged("a number is out of its range");
    set(items[i], values[i]);
  }
  return {};
}

constexpr std::uint32_t Narrow(std::uint64_t value) noexcept {
  return static_cast<std::uint32_t>(value);
}

void WriteSteps(const SummarySteps& steps, std::string& out) {
  base::ByteWriter writer(out);
  writer.Varint(steps.step_ns);
  writer.Varint(steps.begins_ns.size());
  std::uint64_t before = 0;
  Write(steps.begins_ns, out, [&](std::uint64_t begin) {
    const std::uint64_t number = begin / steps.step_ns;
    return number - std::exchange(before, number);
  });
}

Status ReadSteps(base::ByteReader& in, SummarySteps& steps) {
  steps.step_ns = in.Varint();
  steps.begins_ns.resize(static_cast<std::size_t>(in.BoundedVarint(kMaxSummarySteps)));
  if (!in.ok() || steps.step_ns == 0) return Damaged("its steps are damaged");
  std::uint64_t number = 0;
  bool good = true;
  TS_TRY(Read(in, steps.begins_ns, ~0ULL, [&](std::uint64_t& begin, std::uint64_t v) {
    good = good && (v > 0 || &begin == steps.begins_ns.data()) &&
           v <= ~0ULL / steps.step_ns - number;
    number += v;
    begin = number * steps.step_ns;
  }));
  if (!good) return Damaged("its steps don't ascend");
  return {};
}

// Runs of cells with one key: the key once, and the number of its cells.
template <typename Cell, typename Same>
std::vector<std::pair<const Cell*, std::uint64_t>> Group(const std::vector<Cell>& cells,
                                                         Same same) {
  std::vector<std::pair<const Cell*, std::uint64_t>> groups;
  for (const Cell& cell : cells) {
    if (groups.empty() || !same(*groups.back().first, cell)) groups.push_back({&cell, 0});
    ++groups.back().second;
  }
  return groups;
}

template <typename Cell>
struct KeyRun {
  Cell key;
  std::uint32_t cells = 0;
};

// Repeats each key over its cells.
template <typename Cell>
Status Spread(const std::vector<KeyRun<Cell>>& keys, std::uint32_t rows,
              std::vector<Cell>& cells) {
  std::uint64_t count = 0;
  for (const auto& key : keys) count += key.cells;
  if (count > rows) return Damaged("it has more cells than the segment has rows");
  cells.reserve(static_cast<std::size_t>(count));
  for (const auto& key : keys) cells.insert(cells.end(), key.cells, key.key);
  return {};
}

// What cells of both kinds end with.
template <typename Cell>
void WriteCounts(const std::vector<Cell>& cells, std::string& out) {
  Write(cells, out, [](const Cell& c) { return c.step; });
  Write(cells, out, [](const Cell& c) { return c.calls; });
  Write(cells, out, [](const Cell& c) { return c.errors; });
}

template <typename Cell>
Status ReadCounts(base::ByteReader& in, const SummarySteps& steps, std::vector<Cell>& cells) {
  bool good = true;
  TS_TRY(Read(in, cells, steps.startless(), [](Cell& c, std::uint64_t v) { c.step = Narrow(v); }));
  TS_TRY(Read(in, cells, 0xFFFFFFFF, [&](Cell& c, std::uint64_t v) {
    c.calls = Narrow(v);
    good = good && v > 0;
  }));
  TS_TRY(Read(in, cells, 0xFFFFFFFF, [&](Cell& c, std::uint64_t v) {
    c.errors = Narrow(v);
    good = good && v <= c.calls;
  }));
  if (!good) return Damaged("a cell has no calls, or more errors than calls");
  return {};
}

Status ReadBuckets(base::ByteReader& in, std::uint32_t rows, MetricSummary& summary) {
  using Cell = MetricSummary::Cell;
  using Bucket = MetricSummary::Bucket;
  std::uint64_t count = 0;
  TS_TRY(Read(in, summary.cells, rows, [&](Cell& c, std::uint64_t v) {
    c.first_bucket = Narrow(std::min<std::uint64_t>(count, rows));
    count += v;
  }));
  if (count > rows) return Damaged("it has more buckets than the segment has rows");
  summary.buckets.resize(static_cast<std::size_t>(count));
  TS_TRY(Read(in, summary.buckets, model::LatencyHistogram::kBuckets,
              [](Bucket& b, std::uint64_t v) { b.number = Narrow(v); }));
  TS_TRY(Read(in, summary.buckets, 0xFFFFFFFF,
              [](Bucket& b, std::uint64_t v) { b.count = Narrow(v); }));
  for (std::size_t i = 0; i < summary.cells.size(); ++i) {
    std::uint64_t number = 0;
    std::uint64_t calls = 0;
    for (std::uint32_t b = summary.cells[i].first_bucket; b < summary.EndOfBuckets(i); ++b) {
      Bucket& bucket = summary.buckets[b];
      number += bucket.number;  // after the one before in the cell, less one
      if (number >= model::LatencyHistogram::kBuckets) return Damaged("a bucket doesn't exist");
      bucket.number = Narrow(number++);
      calls += bucket.count;
    }
    if (calls > summary.cells[i].calls) return Damaged("a cell has more latencies than calls");
  }
  return {};
}

}  // namespace

std::uint32_t SummarySteps::StepOf(std::uint64_t start_ns) const noexcept {
  const auto after = std::upper_bound(begins_ns.begin(), begins_ns.end(), start_ns);
  if (after == begins_ns.begin() || start_ns - *(after - 1) >= step_ns) return kNone;
  return static_cast<std::uint32_t>(after - begins_ns.begin()) - 1;
}

std::string LinkSummary::Encode() const {
  std::string out;
  WriteSteps(steps, out);
  const auto links = Group(cells, [](const Cell& a, const Cell& b) {
    return a.caller == b.caller && a.callee == b.callee;
  });
  base::ByteWriter(out).Varint(links.size());
  Write(links, out, [](const auto& link) { return link.first->caller; });
  Write(links, out, [](const auto& link) { return link.first->callee; });
  Write(links, out, [](const auto& link) { return link.second; });
  WriteCounts(cells, out);
  return out;
}

Result<LinkSummary> LinkSummary::Parse(std::string_view section, std::uint32_t rows,
                                       std::uint32_t dictionary_size) {
  if (dictionary_size == 0) return Damaged("there is no dictionary");
  base::ByteReader in(section);
  LinkSummary summary;
  TS_TRY(ReadSteps(in, summary.steps));
  std::vector<KeyRun<Cell>> links(static_cast<std::size_t>(in.BoundedVarint(rows)));
  using Link = KeyRun<Cell>;
  const std::uint64_t last = dictionary_size - 1;
  TS_TRY(Read(in, links, last, [](Link& l, std::uint64_t v) { l.key.caller = Narrow(v); }));
  TS_TRY(Read(in, links, last, [](Link& l, std::uint64_t v) { l.key.callee = Narrow(v); }));
  TS_TRY(Read(in, links, rows, [](Link& l, std::uint64_t v) { l.cells = Narrow(v); }));
  TS_TRY(Spread(links, rows, summary.cells));
  TS_TRY(ReadCounts(in, summary.steps, summary.cells));
  if (!in.ok() || !in.done()) return Damaged("bytes follow its end");
  return summary;
}

std::string MetricSummary::Encode() const {
  std::string out;
  WriteSteps(steps, out);
  const auto series = Group(cells, [](const Cell& a, const Cell& b) {
    return a.service == b.service && a.operation == b.operation && a.kind == b.kind;
  });
  base::ByteWriter(out).Varint(series.size());
  Write(series, out, [](const auto& s) { return s.first->service; });
  Write(series, out, [](const auto& s) { return s.first->operation; });
  Write(series, out, [](const auto& s) { return static_cast<std::uint64_t>(s.first->kind); });
  Write(series, out, [](const auto& s) { return s.second; });
  WriteCounts(cells, out);
  std::vector<std::uint64_t> counts;
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    counts.push_back(EndOfBuckets(i) - cells[i].first_bucket);
    std::uint64_t next = 0;
    for (std::uint32_t b = cells[i].first_bucket; b < EndOfBuckets(i); ++b) {
      numbers.push_back(buckets[b].number - next);
      next = buckets[b].number + 1ULL;
    }
  }
  column::EncodeInts(counts, out);
  column::EncodeInts(numbers, out);
  Write(buckets, out, [](const Bucket& b) { return b.count; });
  return out;
}

Result<MetricSummary> MetricSummary::Parse(std::string_view section, std::uint32_t rows,
                                           std::uint32_t dictionary_size) {
  if (dictionary_size == 0) return Damaged("there is no dictionary");
  base::ByteReader in(section);
  MetricSummary summary;
  TS_TRY(ReadSteps(in, summary.steps));
  using Series = KeyRun<Cell>;
  std::vector<Series> series(static_cast<std::size_t>(in.BoundedVarint(rows)));
  const std::uint64_t last = dictionary_size - 1;
  TS_TRY(Read(in, series, last, [](Series& s, std::uint64_t v) { s.key.service = Narrow(v); }));
  TS_TRY(Read(in, series, last, [](Series& s, std::uint64_t v) { s.key.operation = Narrow(v); }));
  TS_TRY(Read(in, series, static_cast<std::uint64_t>(SpanKind::kConsumer),
              [](Series& s, std::uint64_t v) { s.key.kind = static_cast<SpanKind>(v); }));
  TS_TRY(Read(in, series, rows,
              [](Series& s, std::uint64_t v) { s.cells = Narrow(v); }));
  TS_TRY(Spread(series, rows, summary.cells));
  TS_TRY(ReadCounts(in, summary.steps, summary.cells));
  TS_TRY(ReadBuckets(in, rows, summary));
  if (!in.ok() || !in.done()) return Damaged("bytes follow its end");
  return summary;
}

}  // namespace tracestore::store
