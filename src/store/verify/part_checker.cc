#include "store/verify/part_checker.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "model/trace_extent.h"
#include "store/segment/row_order.h"

namespace tracestore::store {

using model::SpanBatch;
using model::SpanRecord;

PartChecker::PartChecker(const SegmentReader& segment, const TraceTable& table,
                         const ServiceLists* services, const column::StringDictionary& dictionary,
                         const std::map<SectionKind, std::uint64_t>& section_at, VerifyRun& run)
    : segment_(segment), table_(table), services_(services), dictionary_(dictionary),
      section_at_(section_at), run_(run) {
  part_rows_.resources.emplace_back();
  part_rows_.scopes.emplace_back();
}

void PartChecker::Wrong(SectionKind kind, const std::string& what) {
  const auto found = section_at_.find(kind);
  run_.Damage(segment_.name(), found == section_at_.end() ? 0 : found->second,
              SegmentSectionName(kind), what);
}

void PartChecker::WrongPart(const TracePart& part, const std::string& what) {
  Wrong(SectionKind::kTraces, "trace " + part.id.ToHex() + ": " + what);
}

void PartChecker::AddPage(std::uint32_t page, const SpanBatch& rows) {
  CheckZone(page, rows);
  std::vector<std::uint32_t> services;
  for (const model::ResourceRecord& resource : rows.resources)
    services.push_back(dictionary_.Find(ServiceOf(rows, resource)).value_or(0));
  std::uint32_t row = segment_.pages()[page].first_row;
  for (const SpanRecord& span : rows.spans) AddRow(row++, rows, span, services);
}

void PartChecker::MissPage(std::uint32_t page) {
  all_whole_ = false;
  const PageInfo& info = segment_.pages()[page];
  const std::uint32_t end = info.first_row + info.rows;
  // The part at hand and those that the page has rows of.
  part_whole_ = false;
  const auto part_end = [&] { return table_.parts[part_].first_row + table_.parts[part_].rows; };
  while (part_ < table_.parts.size() && part_end() <= end) {
    FinishPart();
    part_whole_ = false;
  }
  if (part_ < table_.parts.size()) part_whole_ = table_.parts[part_].first_row >= end;
}

void PartChecker::CheckZone(std::uint32_t page, const SpanBatch& rows) {
  std::uint64_t min_start = ~0ULL, max_start = 0, max_duration = 0;
  for (const SpanRecord& span : rows.spans) {
    min_start = std::min(min_start, span.start_ns);
    max_start = std::max(max_start, span.has_start() ? span.start_ns : ~std::uint64_t{0});
    max_duration = std::max(max_duration, span.duration_ns);
  }
  const PageInfo& info = segment_.pages()[page];
  if (info.min_start_ns != min_start || info.max_start_ns != max_start ||
      info.max_duration_ns != max_duration) {
    Wrong(SectionKind::kPages, "the starts and durations of page " + std::to_string(page) +
                                   " are not those of its rows");
  }
}

void PartChecker::AddRow(std::uint32_t row, const SpanBatch& rows, const SpanRecord& span,
                         const std::vector<std::uint32_t>& services) {
  if (part_ >= table_.parts.size()) return;
  SpanRecord copy = span;
  copy.attributes = copy.events = copy.references = {};
  copy.name = copy.status_message = copy.trace_state = copy.unknown_fields = 0;
  copy.resource = copy.scope = 0;
  part_rows_.spans.push_back(copy);
  facts_.push_back({services[span.resource], dictionary_.Find(rows.text(span.name)).value_or(0)});
  has_firehose_ |= span.firehose();
  if (!span.has_start()) meta_.has_startless = true;
  if (span.has_start()) {
    meta_.min_start_ns = any_start_ ? std::min(meta_.min_start_ns, span.start_ns) : span.start_ns;
    meta_.max_start_ns = std::max(meta_.max_start_ns, span.start_ns);
    any_start_ = true;
  }
  if (row + 1 == table_.parts[part_].first_row + table_.parts[part_].rows) FinishPart();
}

void PartChecker::FinishPart() {
  const TracePart& part = table_.parts[part_];
  if (part_whole_ && part_rows_.size() == part.rows) CheckPart(part);
  if (part_ > 0) {
    const TracePart& before = table_.parts[part_ - 1];
    if (std::pair(part.start_ns, part.id) <= std::pair(before.start_ns, before.id))
      WrongPart(part, "it doesn't stand in the order of starts and ids");
  }
  meta_.max_end_ns = std::max(meta_.max_end_ns, part.end_ns);
  meta_.max_trace_duration_ns =
      std::max(meta_.max_trace_duration_ns, part.end_ns - part.start_ns);
  ++part_;
  part_whole_ = true;
  part_rows_.spans.clear();
  facts_.clear();
  has_firehose_ = false;
}

void PartChecker::CheckPart(const TracePart& part) {
  model::TraceExtent extent;
  std::uint32_t errors = 0;
  std::map<std::uint32_t, ServiceCount> services;
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < part_rows_.size(); ++i) {
    const SpanRecord& span = part_rows_.spans[i];
    extent.Add(span);
    const bool error = span.status == StatusCode::kError;
    errors += error ? 1 : 0;
    ServiceCount& count = services[facts_[i].service];
    count.service = facts_[i].service;
    ++count.spans;
    count.errors += error ? 1 : 0;
    ids.push_back(span.span_id.value);
  }
  std::sort(ids.begin(), ids.end());
  const bool repeats = std::adjacent_find(ids.begin(), ids.end()) != ids.end();
  if (part.has_start != extent.has_start || part.start_ns != extent.start_ns ||
      part.end_ns != extent.end_ns) {
    WrongPart(part, "its start and end are not those of its rows");
  }
  if (part.errors != errors || part.has_firehose != has_firehose_ || part.has_repeats != repeats)
    WrongPart(part, "its count of errors or its flags are not those of its rows");
  if (services_ != nullptr) {
    const auto list = (*services_)[part.profile];
    if (!std::equal(list.begin(), list.end(), services.begin(), services.end(),
                    [](const ServiceCount& a, const auto& b) { return a == b.second; })) {
      WrongPart(part, "its list of services is not that of its rows");
    }
  }
  CheckRoot(part, ids);
  // Among rows with one id arrival decides, which isn't kept.
  if (!repeats) CheckOrder(part);
}

void PartChecker::CheckRoot(const TracePart& part, const std::vector<std::uint64_t>& ids) {
  using Key = std::tuple<model::RootRank, std::uint32_t, std::uint32_t>;
  std::uint32_t orphans = 0;
  std::optional<Key> best;
  std::optional<Key> said;
  for (std::uint32_t i = 0; i < part.rows; ++i) {
    const SpanRecord& span = part_rows_.spans[i];
    const bool here = !span.parent_id.empty() &&
                      std::binary_search(ids.begin(), ids.end(), span.parent_id.value);
    orphans += !span.parent_id.empty() && !here ? 1 : 0;
    // The dictionary is sorted: its numbers compare as its texts do.
    const Key key{model::RootRank::Of(span, here), facts_[i].service, facts_[i].name};
    if (!best || key < *best) best = key;
    if (part.first_row + i == part.root_row) said = key;
  }
  if (part.orphans != orphans) WrongPart(part, "its count of orphans is not that of its rows");
  if (said != best || !best || part.root_service != std::get<1>(*best) ||
      part.root_name != std::get<2>(*best)) {
    WrongPart(part, "its root is not that of its rows");
  }
}

void PartChecker::CheckOrder(const TracePart& part) {
  const RowOrder order = OrderRows(part_rows_);
  for (std::uint32_t i = 0; i < order.rows.size(); ++i) {
    if (order.rows[i] == i) continue;
    WrongPart(part, "row " + std::to_string(part.first_row + i) + " is not where it belongs");
    return;
  }
}

void PartChecker::CheckMeta() {
  const SegmentMeta& said = segment_.meta();
  if (said.min_start_ns != meta_.min_start_ns || said.max_start_ns != meta_.max_start_ns ||
      said.max_end_ns != meta_.max_end_ns || said.has_startless != meta_.has_startless ||
      said.max_trace_duration_ns != meta_.max_trace_duration_ns) {
    Wrong(SectionKind::kMeta, "its times are not those of the rows");
  }
}

void PartChecker::Finish() {
  if (all_whole_) CheckMeta();
}

}  // namespace tracestore::store
