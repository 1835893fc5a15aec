// DictionaryBuilder: the strings of a segment, sorted, and the way from a batch's StringIds to
// them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/span_batch.h"
#include "store/segment/shape_builder.h"

namespace tracestore::store {

// Holds every string that a table, a posting term or the table of traces names: all keys, names and
// resources, the ranked values, and the canonical text of ranked values that aren't text.
class DictionaryBuilder {
 public:
  // Both must outlive the builder.
  DictionaryBuilder(const model::SpanBatch& batch, const Shapes& shapes);

  const std::vector<std::string_view>& strings() const noexcept { return sorted_; }
  // The dictionary id of a string of the batch that is in the dictionary.
  std::uint32_t IdOf(model::StringId id) const noexcept { return ids_[id]; }
  // The id of any text in the dictionary; kNoValue where it isn't.
  std::uint32_t IdOfText(std::string_view text) const noexcept;
  // The id of the canonical text of a ranked or resource or scope value.
  std::uint32_t IdOfCanonical(std::uint8_t type_byte, std::uint64_t bits) const;

  // Rewrites the StringIds of the tables into dictionary ids.
  void MapTables(SegmentTables& tables) const;

 private:
  void Need(model::StringId id) { needed_[id] = true; }
  void NeedAttribute(std::uint32_t key, std::uint8_t type_byte, std::uint64_t bits);
  void NeedAll(const Shapes& shapes);
  void NeedCanonical(std::uint8_t type_byte, std::uint64_t bits);

  const model::SpanBatch& batch_;
  std::vector<bool> needed_;                // by StringId
  std::vector<std::string> canonical_;      // texts of values that aren't text
  std::vector<std::string_view> sorted_;
  std::vector<std::uint32_t> ids_;          // by StringId; kNoValue where not in the dictionary
};

}  // namespace tracestore::store
