// IndexBuilder: the posting lists and filters of a segment, page by page (docs/format/segment.md,
// "Terms").
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "index/postings.h"
#include "model/span_batch.h"
#include "store/segment/dense_counts.h"
#include "store/segment/dictionary_builder.h"
#include "store/segment/row_order.h"
#include "store/segment/segment_format.h"
#include "store/segment/shape_builder.h"

namespace tracestore::store {

// What a filter of high-cardinality strings is asked for: one number of a key and a text, from
// their Hash64.
constexpr std::uint64_t KeyValueHash(std::uint64_t key_hash, std::uint64_t value_hash) noexcept {
  const std::uint64_t h = (key_hash ^ 0x9E3779B97F4A7C15ULL) * 0xBF58476D1CE4E5B9ULL;
  return (h ^ (h >> 29)) + value_hash;
}
// The same of a reference to a trace.
constexpr std::uint64_t LinkHash(TraceId id) noexcept {
  return KeyValueHash(id.high * 0x94D049BB133111EBULL, id.low);
}

// Firehose spans are in no index. One thread; everything given must outlive the builder.
class IndexBuilder {
 public:
  IndexBuilder(const model::SpanBatch& batch, const RowOrder& order, const Shapes& shapes,
               const DictionaryBuilder& dictionary);

  // Rows [first, last) are page number `page`. Pages come in order.
  void AddPage(std::uint32_t page, std::uint32_t first, std::uint32_t last);

  std::string FinishPostings(std::uint32_t page_count);
  // The section of text filters: how many, then for each its first page and its bytes.
  std::string FinishFilters();

 private:
  void AddSpan(const model::SpanRecord& span);
  void AddAttributes(model::Range range);
  void AddHidden(const model::Attribute& attribute);
  void CloseBlock();
  void EmitPage(std::uint32_t page);
  void EmitOperation(std::uint32_t page, std::uint32_t number);
  void EmitAttributes(std::uint32_t page, const std::vector<model::Attribute>& list,
                      std::uint64_t count);
  std::uint32_t Term(TermKind kind, std::uint32_t a, std::uint32_t b, std::uint32_t page,
                     std::uint64_t count);

  const model::SpanBatch& batch_;
  const RowOrder& order_;
  const Shapes& shapes_;
  const DictionaryBuilder& dictionary_;
  index::PostingsBuilder postings_;

  FlatMap operations_;  // (service, name * 8 + kind)
  std::vector<std::array<std::uint32_t, 5>> operation_terms_;  // of each met before: its terms

  // Counts within the page at hand, by numbers of operations_, by index or number in the batch, and
  // by value.
  DenseCounts page_operations_, resources_, scopes_, events_, keys_, hidden_, values_;
  std::vector<std::uint32_t> value_terms_;    // by value: its term's number; kNoValue before
  std::uint64_t statuses_[3] = {};

  std::vector<std::uint32_t> services_;       // by resource: dictionary id
  std::vector<std::uint64_t> block_;          // hashes of the filter at hand
  std::uint32_t block_first_page_ = 0;
  std::uint32_t block_rows_ = 0;
  std::uint32_t next_page_ = 0;
  std::string filters_;
  std::uint32_t filter_count_ = 0;
};

}  // namespace tracestore::store
