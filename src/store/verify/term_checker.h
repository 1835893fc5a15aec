// TermChecker: the postings and text filters of a segment against its rows, which it counts anew.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "index/postings.h"
#include "model/span_batch.h"
#include "store/segment/segment_reader.h"
#include "store/verify/verify_run.h"

namespace tracestore::store {

// What counts of terms must be: exact, but for a value of an attribute (TermKind::kKeyValue), of
// which only those in a list are counted: there every page with the value must be found, by the
// term, by that of hidden values or by a filter, and the count lies between what resources and
// scopes have of it and all. One thread. Memory: some 80 bytes a term, and 4 a term and page.
class TermChecker {
 public:
  // All must outlive the checker.
  TermChecker(const SegmentReader& segment, const index::Postings& postings,
              const column::StringDictionary& dictionary,
              const std::map<SectionKind, std::uint64_t>& section_at, VerifyRun& run);

  // The rows of a page, in order.
  void AddPage(std::uint32_t page, const model::SpanBatch& rows);
  // `whole`: no page was left out.
  void Finish(bool whole);

 private:
  struct Truth {
    std::uint64_t count = 0;
    std::uint64_t at_least = 0;  // kKeyValue: of resources and scopes
    std::vector<std::uint32_t> pages;
  };
  // Key, type byte, bits: as the batch at hand has them.
  using Value = std::tuple<model::StringId, std::uint8_t, std::uint64_t>;
  struct ValueCount {
    std::uint64_t shared = 0;  // of resources and scopes
    std::uint64_t own = 0;     // of spans, events and references
  };

  void AddSpan(const model::SpanBatch& rows, const model::SpanRecord& span);
  void AddAttributes(const model::SpanBatch& rows, model::Range range, bool shared);
  void AddValue(const model::SpanBatch& rows, const Value& value, ValueCount count);
  void CheckHash(std::uint64_t hash, const std::string& what);
  void Count(TermKind kind, std::uint32_t a, std::uint32_t b, std::uint64_t count = 1);
  std::uint32_t IdOf(const model::SpanBatch& rows, model::StringId id);
  bool OnPage(TermKind kind, std::uint32_t a, std::uint32_t b) const;
  void CheckTerm(const index::Term& term, const Truth& truth);
  void CheckNoOthers();
  void Wrong(SectionKind kind, const std::string& what);

  const SegmentReader& segment_;
  const index::Postings& postings_;
  const column::StringDictionary& dictionary_;
  const std::map<SectionKind, std::uint64_t>& section_at_;
  VerifyRun& run_;
  std::uint32_t page_ = 0;
  std::vector<std::uint32_t> ids_;  // by StringId of the page's batch: dictionary id
  std::map<Value, ValueCount> values_;  // of the page
  std::map<index::Term, Truth> truth_;
};

}  // namespace tracestore::store
