#include "codec/column/template_union.h"

#include <cstring>

namespace tracestore::column {

std::uint32_t TemplateUnion::NumberOf(std::string_view literals,
                                      std::span<const SlotCoding> slots) {
  Template wanted{std::string(literals), {}, 0};
  for (const SlotCoding& coding : slots) wanted.slots.push_back(coding.slot);
  wanted.hash = HashTemplate(literals, wanted.slots);
  for (auto [at, end] = by_hash_.equal_range(wanted.hash); at != end; ++at) {
    const Template& known = templates_[at->second];
    if (known.literals == literals && known.slots.size() == wanted.slots.size() &&
        (wanted.slots.empty() || std::memcmp(known.slots.data(), wanted.slots.data(),
                                             std::span(wanted.slots).size_bytes()) == 0)) {
      return at->second;
    }
  }
  const auto number = static_cast<std::uint32_t>(templates_.size());
  by_hash_.emplace(wanted.hash, number);
  templates_.push_back(std::move(wanted));
  return number;
}

std::optional<std::uint32_t> TemplatePlaces::Find(KnownSplit split) {
  const auto [at, fresh] = places_.try_emplace(*split);
  if (fresh) {
    const auto number = static_cast<std::uint32_t>(*split);
    at->second = table_.FindTemplate(templates_.HashOf(number), templates_.Literals(number),
                                     templates_.Slots(number));
  }
  if (!at->second || !table_.HasRoomFor(*at->second, split + 1)) return std::nullopt;
  return at->second;
}

}  // namespace tracestore::column
