// BatchBinding: a query tied to one batch, so that rows are tested by comparing numbers.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "model/span_batch.h"
#include "predicate/compiled_query.h"

namespace tracestore::predicate {

// Looks the query's keys and values up in the batch's strings once, and keeps the verdict of each
// regular expression, prefix and comparison by string, by resource and by scope.
//
// Memory: at most one byte a string, resource and scope for each condition that meets them, four
// bytes a resource where services are asked for.
// One thread; the query and the batch must outlive it, and the batch must not change.
class BatchBinding {
 public:
  BatchBinding(const CompiledQuery& query, const model::SpanBatch& batch);

  const model::SpanBatch& batch() const noexcept { return *batch_; }
  const CompiledQuery& query() const noexcept { return *query_; }

  // Whether the span at `row` satisfies the leaf. Precondition: both in range.
  bool MatchesLeaf(std::size_t leaf, std::uint32_t row);

  // The service of a resource.
  model::StringId ServiceId(std::uint32_t resource);
  std::string_view Service(std::uint32_t resource) { return batch_->text(ServiceId(resource)); }

 private:
  // Verdicts by index, made when first asked.
  class Verdicts {
   public:
    template <typename Decide>
    bool Get(std::uint32_t index, std::size_t size, Decide&& decide) {
      if (known_.empty()) known_.resize(size);
      std::uint8_t& verdict = known_[index];
      if (verdict == 0) verdict = decide() ? 2 : 1;
      return verdict == 2;
    }

   private:
    std::vector<std::uint8_t> known_;  // 0 unknown, 1 no, 2 yes
  };

  struct Bound {
    std::optional<model::StringId> key;
    std::optional<model::StringId> text;   // the value as a string of the batch
    std::optional<model::StringId> bytes;  // the value's bytes likewise
    Verdicts texts;
    Verdicts blobs[3];  // kBytes, kArray, kMap
    Verdicts resources;
    Verdicts scopes;
  };

  // A span, or what of it is looked at inside a kSomeEvent or kSomeLink.
  struct View {
    const model::SpanRecord* span;
    model::Range events;
    model::Range references;
  };

  void FindServices();
  bool Run(const Program& program, const View& view);
  bool TestGroup(const CompiledQuery::Group& group, const View& view);
  bool Test(std::uint32_t condition, const View& view);
  bool TestEventField(const CompiledCondition& condition, Bound& bound, const View& view);
  bool TestLinkField(const CompiledCondition& condition, Bound& bound, const View& view);
  bool TestText(const CompiledCondition& condition, Bound& bound, model::StringId id);
  bool TestValue(const CompiledCondition& condition, Bound& bound,
                 const model::Attribute& attribute);
  bool TestAttributes(const CompiledCondition& condition, Bound& bound, model::Range range);
  bool TestAttribute(const CompiledCondition& condition, Bound& bound, const View& view);
  bool TestListed(const CompiledCondition& condition, Bound& bound, const View& view);

  const CompiledQuery* query_;
  const model::SpanBatch* batch_;
  std::vector<Bound> bound_;               // by condition
  std::vector<model::StringId> services_;  // by resource; empty until one is asked for
};

}  // namespace tracestore::predicate
