// TemplateUnion: the templates of several tables, each once under one number, and texts that are
// known to be split by them. What a table coded need not be split again to be coded by another: a
// split depends on the text alone (docs/format/column-encodings.md, "Templates").
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codec/column/template_splitter.h"
#include "codec/column/template_table.h"

namespace tracestore::column {

// A text's split: the number of its template in a union, then its values, as many as the template
// has slots. Null where it isn't known. Valid while what it points into is.
using KnownSplit = const std::uint64_t*;

// One thread builds; once building has ended any number read.
class TemplateUnion {
 public:
  std::uint32_t NumberOf(std::string_view literals, std::span<const SlotCoding> slots);

  std::size_t size() const noexcept { return templates_.size(); }
  std::string_view Literals(std::uint32_t number) const noexcept {
    return templates_[number].literals;
  }
  std::span<const TemplateSlot> Slots(std::uint32_t number) const noexcept {
    return templates_[number].slots;
  }
  // HashTemplate() of it.
  std::uint64_t HashOf(std::uint32_t number) const noexcept { return templates_[number].hash; }

 private:
  struct Template {
    std::string literals;
    std::vector<TemplateSlot> slots;
    std::uint64_t hash = 0;
  };
  std::vector<Template> templates_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash_;
};

// Where the templates of a union stand in one table: each is looked up once. One thread; both must
// outlive it.
class TemplatePlaces {
 public:
  TemplatePlaces(const TemplateTable& table, const TemplateUnion& templates)
      : table_(table), templates_(templates) {}

  // The table's template that codes the text, if it has one whose ranges have its values.
  std::optional<std::uint32_t> Find(KnownSplit split);

 private:
  const TemplateTable& table_;
  const TemplateUnion& templates_;
  std::unordered_map<std::uint64_t, std::optional<std::uint32_t>> places_;
};

}  // namespace tracestore::column
