#include "ingest/service_count.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace tracestore::ingest {
namespace {

// Of the tag of that key, of the type string.
SamplerType SamplerOf(const model::SpanBatch& batch, const model::SpanRecord& span,
                      model::StringId key) {
  const auto attributes = AttributesOf(batch, span.attributes);
  const auto found =
      std::find_if(attributes.begin(), attributes.end(), [key](const model::Attribute& attribute) {
        return attribute.key == key && attribute.type() == ValueType::kString;
      });
  if (found == attributes.end()) return SamplerType::kUnknown;
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
  constexpr std::size_t kFew = 64;
  std::vector<ServiceCount> out;
  out.reserve(std::min(batch.resources.size(), kFew));
  std::vector<std::uint32_t> by_resource(batch.resources.size(), kNone);
  std::unordered_map<std::string_view, std::uint32_t> by_name;  // views of the batch
  const auto sampler_key = batch.strings.Find("sampler.type");
  for (const model::SpanRecord& span : batch.spans) {
    std::uint32_t& at = by_resource[span.resource];
    if (at == kNone) {
      const std::string_view service = ServiceOf(batch, span);
      at = by_name.emplace(service, static_cast<std::uint32_t>(out.size())).first->second;
      if (at == out.size()) out.emplace_back().service = service;
    }
    const std::size_t debug = (span.flags & model::kFlagDebug) != 0 ? 1 : 0;
    ++out[at].spans[debug];
    if (!span.parent_id.empty()) continue;
    const auto sampler = sampler_key ? SamplerOf(batch, span, *sampler_key) : SamplerType::kUnknown;
    ++out[at].roots[debug][static_cast<std::size_t>(sampler)];
  }
  return out;
}

}  // namespace tracestore::ingest
