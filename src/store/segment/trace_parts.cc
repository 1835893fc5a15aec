#include "store/segment/trace_parts.h"

#include <algorithm>
#include <map>

namespace tracestore::store {
namespace {

using model::SpanBatch;
using model::SpanRecord;

class PartBuilder {
 public:
  PartBuilder(const SpanBatch& batch, const RowOrder& order, const DictionaryBuilder& dictionary)
      : batch_(batch), order_(order), dictionary_(dictionary) {
    for (const model::ResourceRecord& resource : batch.resources)
      services_.push_back(dictionary.IdOfText(ServiceOf(batch, resource)));
  }

  TraceTable Build() {
    for (const TraceRows& trace : order_.traces) table_.parts.push_back(PartOf(trace));
    return std::move(table_);
  }

 private:
  const SpanRecord& Span(std::uint32_t row) const { return batch_.spans[order_.rows[row]]; }

  TracePart PartOf(const TraceRows& trace) {
    TracePart part;
    part.id = trace.id;
    part.start_ns = trace.start_ns;
    part.end_ns = trace.end_ns;
    part.first_row = trace.first_row;
    part.rows = trace.rows;
    CountServices(part);
    ids_.clear();
    for (std::uint32_t row = part.first_row; row < part.first_row + part.rows; ++row)
      ids_.push_back(Span(row).span_id.value);
    std::sort(ids_.begin(), ids_.end());
    part.has_repeats = std::adjacent_find(ids_.begin(), ids_.end()) != ids_.end();
    FindRoot(part);
    return part;
  }

  void CountServices(TracePart& part) {
    profile_.clear();
    for (std::uint32_t row = part.first_row; row < part.first_row + part.rows; ++row) {
      const SpanRecord& span = Span(row);
      const bool error = span.status == StatusCode::kError;
      part.errors += error ? 1 : 0;
      part.has_firehose |= span.firehose();
      const std::uint32_t service = services_[span.resource];
      auto found = std::find_if(profile_.begin(), profile_.end(),
                                [&](const ServiceCount& s) { return s.service == service; });
      if (found == profile_.end()) found = profile_.insert(profile_.end(), {service, 0, 0});
      ++found->spans;
      found->errors += error ? 1 : 0;
    }
    std::sort(profile_.begin(), profile_.end(),
              [](const ServiceCount& a, const ServiceCount& b) { return a.service < b.service; });
    std::vector<std::uint32_t> key;
    for (const ServiceCount& s : profile_) {
      key.push_back(s.service);
      key.push_back(s.spans);
      key.push_back(s.errors);
    }
    const auto [at, fresh] =
        profiles_.try_emplace(std::move(key), static_cast<std::uint32_t>(table_.profiles.size()));
    if (fresh) table_.profiles.push_back(profile_);
    part.profile = at->second;
  }

  // The earliest span without a parent, else the earliest whose parent isn't here; ties by id.
  void FindRoot(TracePart& part) {
    for (std::uint32_t row = part.first_row; row < part.first_row + part.rows; ++row) {
      const SpanRecord& span = Span(row);
      const bool orphan = !span.parent_id.empty();
      if (orphan && (order_.parents[row] != kNoRow ||
                     std::binary_search(ids_.begin(), ids_.end(), span.parent_id.value))) {
        continue;
      }
      part.orphans += orphan ? 1 : 0;
      if (part.root_row != kNoRoot && !Better(span, orphan, part)) continue;
      part.root_row = row;
      part.root_is_orphan = orphan;
    }
    if (part.root_row == kNoRoot) return;
    const SpanRecord& root = Span(part.root_row);
    part.root_name = dictionary_.IdOf(root.name);
    part.root_service = services_[root.resource];
  }

  bool Better(const SpanRecord& span, bool orphan, const TracePart& part) const {
    if (orphan != part.root_is_orphan) return !orphan;
    const SpanRecord& root = Span(part.root_row);
    return std::pair(span.start_ns, span.span_id) < std::pair(root.start_ns, root.span_id);
  }

  const SpanBatch& batch_;
  const RowOrder& order_;
  const DictionaryBuilder& dictionary_;
  TraceTable table_;
  std::vector<std::uint32_t> services_;
  std::vector<std::uint64_t> ids_;
  std::vector<ServiceCount> profile_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> profiles_;
};

}  // namespace

TraceTable BuildTraceTable(const SpanBatch& batch, const RowOrder& order,
                           const DictionaryBuilder& dictionary) {
  return PartBuilder(batch, order, dictionary).Build();
}

}  // namespace tracestore::store
