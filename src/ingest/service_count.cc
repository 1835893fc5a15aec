#include "ingest/service_count.h"

#include <string_view>
#include <unordered_map>

namespace tracestore::ingest {
namespace {

SamplerType SamplerOf(const model::SpanBatch& batch, const model::SpanRecord& span) {
  const model::Attribute* found = FindString(batch, span.attributes, "sampler.type");
  if (found == nullptr) return SamplerType::kUnknown;
  const std::string_view text = batch.text(static_cast<model::StringId>(found->bits));
  for (std::size_t i = 1; i + 1 < kSamplerTypes; ++i) {
    if (text == SamplerTypeName(static_cast<SamplerType>(i))) return static_cast<SamplerType>(i);
  }
  return SamplerType::kOther;
}

}  // namespace

const char* SamplerTypeName(SamplerType type) noexcept {
  switch (type) {
    case SamplerType::kUnknown: return "unknown";
    case SamplerType::kConst: return "const";
    case SamplerType::kProbabilistic: return "probabilistic";
    case SamplerType::kRateLimiting: return "ratelimiting";
    case SamplerType::kLowerBound: return "lowerbound";
    case SamplerType::kRemote: return "remote";
    case SamplerType::kOther: return "unrecognized";
  }
  return "unrecognized";
}

std::vector<ServiceCount> CountServices(const model::SpanBatch& batch) {
  constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::vector<ServiceCount> out;
  std::vector<std::uint32_t> by_resource(batch.resources.size(), kNone);
  std::unordered_map<std::string_view, std::uint32_t> by_name;  // views of the batch
  for (const model::SpanRecord& span : batch.spans) {
    std::uint32_t& at = by_resource[span.resource];
    if (at == kNone) {
      const std::string_view service = ServiceOf(batch, span);
      at = by_name.emplace(service, static_cast<std::uint32_t>(out.size())).first->second;
      if (at == out.size()) out.emplace_back().service = service;
    }
    const std::size_t debug = (span.flags & model::kFlagDebug) != 0 ? 1 : 0;
    ++out[at].spans[debug];
    if (span.parent_id.empty())
      ++out[at].roots[debug][static_cast<std::size_t>(SamplerOf(batch, span))];
  }
  return out;
}

}  // namespace tracestore::ingest
