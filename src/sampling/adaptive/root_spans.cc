#include "sampling/adaptive/root_spans.h"

#include <bit>
#include <charconv>
#include <string_view>

namespace tracestore::sampling {
namespace {

struct Sampler {
  std::optional<std::string_view> type;
  std::optional<double> param;
};

std::optional<double> NumberOf(const model::SpanBatch& batch, const model::Attribute& attribute) {
  switch (attribute.type()) {
    case ValueType::kDouble: return std::bit_cast<double>(attribute.bits);
    case ValueType::kInt: return static_cast<double>(static_cast<std::int64_t>(attribute.bits));
    case ValueType::kString: {
      const std::string_view text = batch.text(static_cast<model::StringId>(attribute.bits));
      double number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
      return number;
    }
    default: return std::nullopt;
  }
}

Sampler SamplerOf(const model::SpanBatch& batch, const model::SpanRecord& span) {
  Sampler out;
  for (const model::Attribute& each : model::AttributesOf(batch, span.attributes)) {
    const std::string_view key = batch.text(each.key);
    if (key == "sampler.type" || key == "jaeger.sampler.type") {
      if (each.type() == ValueType::kString)
        out.type = batch.text(static_cast<model::StringId>(each.bits));
    } else if (key == "sampler.param" || key == "jaeger.sampler.param") {
      out.param = NumberOf(batch, each);
    }
  }
  return out;
}

bool IsRoot(const model::SpanBatch& batch, const model::SpanRecord& span) {
  if (span.parent_id != SpanId{}) return false;
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    const model::ReferenceRecord& each = batch.references[span.references.begin + i];
    // As in Jaeger: the parent is of the same trace, by whichever of its two references.
    if (each.type != ReferenceType::kLink && each.trace_id == span.trace_id) return false;
  }
  return true;
}

std::optional<RootSpan> Judge(const model::SpanBatch& batch, const model::SpanRecord& span) {
  RootSpan out;
  const Sampler sampler = SamplerOf(batch, span);
  if (sampler.type.has_value()) {
    if (!sampler.param.has_value() || !(*sampler.param >= 0 && *sampler.param <= 1))
      return std::nullopt;
    if (*sampler.type == "probabilistic") {
      out.sampler = SamplerKind::kProbabilistic;
    } else if (*sampler.type == "lowerbound") {
      out.sampler = SamplerKind::kLowerBound;
    } else {
      return std::nullopt;
    }
    out.probability = *sampler.param;
  } else if ((span.flags & model::kFlagDebug) != 0) {
    return std::nullopt;  // kept because somebody asked for it, not by a probability
  } else if (const auto threshold = ThresholdProbability(batch.text(span.trace_state))) {
    out.sampler = SamplerKind::kProbabilistic;
    out.probability = *threshold;
  }
  out.operation = batch.text(span.name);
  return out;
}

}  // namespace

std::optional<double> ThresholdProbability(std::string_view trace_state) {
  while (!trace_state.empty()) {
    const auto comma = trace_state.find(',');
    std::string_view member = trace_state.substr(0, comma);
    trace_state.remove_prefix(comma == std::string_view::npos ? trace_state.size() : comma + 1);
    while (member.starts_with(' ') || member.starts_with('\t')) member.remove_prefix(1);
    if (!member.starts_with("ot=")) continue;
    member.remove_prefix(3);
    while (!member.empty()) {
      const auto semicolon = member.find(';');
      std::string_view part = member.substr(0, semicolon);
      member.remove_prefix(semicolon == std::string_view::npos ? member.size() : semicolon + 1);
      if (!part.starts_with("th:")) continue;
      part.remove_prefix(3);
      // 1 to 14 digits; those that are left out at the end are zeros.
      std::uint64_t threshold = 0;
      const auto [end, error] =
          std::from_chars(part.data(), part.data() + part.size(), threshold, 16);
      if (error != std::errc{} || end != part.data() + part.size() || part.size() > 14)
        return std::nullopt;
      threshold <<= 4 * (14 - part.size());
      constexpr std::uint64_t kWhole = std::uint64_t{1} << 56;
      return static_cast<double>(kWhole - threshold) / static_cast<double>(kWhole);
    }
    return std::nullopt;
  }
  return std::nullopt;
}

std::vector<RootSpan> RootSpansOf(const model::SpanBatch& batch) {
  std::vector<RootSpan> out;
  for (const model::SpanRecord& span : batch.spans) {
    if (!IsRoot(batch, span) || batch.text(span.name).empty()) continue;
    const std::string_view service = model::ServiceOf(batch, span);
    if (service.empty()) continue;
    auto root = Judge(batch, span);
    if (!root.has_value()) continue;
    root->service = service;
    out.push_back(std::move(*root));
  }
  return out;
}

}  // namespace tracestore::sampling
