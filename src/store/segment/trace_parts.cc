#include "store/segment/trace_parts.h"

#include <algorithm>
#include <map>

#include "model/trace_extent.h"

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

  BuiltTraces Build() {
    for (const TraceRows& trace : order_.traces) built_.table.parts.push_back(PartOf(trace));
    return std::move(built_);
  }

 private:
  const SpanRecord& Span(std::uint32_t row) const { return batch_.spans[order_.rows[row]]; }

  TracePart PartOf(const TraceRows& trace) {
    TracePart part;
    part.id = trace.id;
    model::TraceExtent extent;
    for (std::uint32_t row = trace.first_row; row < trace.first_row + trace.rows; ++row)
      extent.Add(Span(row));
    part.has_start = extent.has_start;
    part.start_ns = extent.start_ns;
    part.end_ns = extent.end_ns;
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
        profiles_.try_emplace(std::move(key), built_.services.size());
    if (fresh) built_.services.Add(profile_);
    part.profile = at->second;
  }

  // model::RootRank's least; ties by service, then name.
  void FindRoot(TracePart& part) {
    model::RootRank best;
    for (std::uint32_t row = part.first_row; row < part.first_row + part.rows; ++row) {
      const SpanRecord& span = Span(row);
      const bool parent_here =
          !span.parent_id.empty() &&
          std::binary_search(ids_.begin(), ids_.end(), span.parent_id.value);
      part.orphans += !span.parent_id.empty() && !parent_here ? 1 : 0;
      const auto rank = model::RootRank::Of(span, parent_here);
      if (part.root_row != kNoRoot &&
          (best < rank || (best == rank && !Before(row, part.root_row))))
        continue;
      part.root_row = row;
      best = rank;
    }
    const SpanRecord& root = Span(part.root_row);
    part.root_name = dictionary_.IdOf(root.name);
    part.root_service = services_[root.resource];
  }

  bool Before(std::uint32_t x, std::uint32_t y) const {
    const SpanRecord& a = Span(x);
    const SpanRecord& b = Span(y);
    return std::pair(ServiceOf(batch_, a), batch_.text(a.name)) <
           std::pair(ServiceOf(batch_, b), batch_.text(b.name));
  }

  const SpanBatch& batch_;
  const RowOrder& order_;
  const DictionaryBuilder& dictionary_;
  BuiltTraces built_;
  std::vector<std::uint32_t> services_;
  std::vector<std::uint64_t> ids_;
  std::vector<ServiceCount> profile_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> profiles_;
};

}  // namespace

BuiltTraces BuildTraces(const SpanBatch& batch, const RowOrder& order,
                        const DictionaryBuilder& dictionary) {
  return PartBuilder(batch, order, dictionary).Build();
}

}  // namespace tracestore::store
