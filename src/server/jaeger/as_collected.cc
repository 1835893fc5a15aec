#include "server/jaeger/as_collected.h"

#include <algorithm>

namespace tracestore::server {
namespace {

using model::ResourceRecord;
using model::SpanBatch;
using model::SpanRecord;

bool IsNegative(const SpanRecord& span) {
  return span.has_duration() && static_cast<std::int64_t>(span.duration_ns) < 0;
}

bool LacksService(const SpanBatch& batch, const ResourceRecord& resource) {
  return resource.origin == Origin::kJaeger && ServiceOf(batch, resource).empty();
}

// In front of the others, as the codec puts a process's service; an empty one goes.
void NameService(SpanBatch& batch, ResourceRecord& resource) {
  const auto begin = static_cast<std::uint32_t>(batch.attributes.size());
  const model::StringId key = batch.strings.Intern("service.name");
  batch.AddString(key, kEmptyServiceName, true);
  for (std::uint32_t i = 0; i < resource.attributes.count; ++i) {
    const model::Attribute other = batch.attributes[resource.attributes.begin + i];
    if (other.key != key || !other.synthetic()) batch.attributes.push_back(other);
  }
  resource.attributes = {begin, static_cast<std::uint32_t>(batch.attributes.size()) - begin};
}

}  // namespace

std::optional<CollectedSpans> AsCollected(const SpanBatch& batch) {
  const bool negative = std::any_of(batch.spans.begin(), batch.spans.end(), IsNegative);
  const bool unnamed =
      std::any_of(batch.resources.begin(), batch.resources.end(),
                  [&](const ResourceRecord& resource) { return LacksService(batch, resource); });
  if (!negative && !unnamed) return std::nullopt;
  CollectedSpans out{batch, {}};
  for (SpanRecord& span : out.batch.spans) {
    out.negative.push_back(IsNegative(span));
    if (out.negative.back()) span.duration_ns = 0;
  }
  for (ResourceRecord& resource : out.batch.resources)
    if (LacksService(out.batch, resource)) NameService(out.batch, resource);
  return out;
}

}  // namespace tracestore::server
