// SpanFilter: an expression of the filter language asked of single spans, as processors do.
#pragma once
#include <string_view>
#include <vector>

#include "predicate/compiled_query.h"

namespace tracestore::predicate {

// Immutable; any number of threads may use one.
class SpanFilter {
 public:
  // `text`: docs/filter-language.md, without any(…) and without fields of whole traces. Errors:
  // kInvalidArgument, with the column where the text can't be read.
  static Result<SpanFilter> Compile(std::string_view text);

  // By row, whether the span matches; firehose spans are asked like all others. The batch is as
  // before when it returns.
  std::vector<bool> Match(model::SpanBatch& batch) const;

 private:
  explicit SpanFilter(CompiledQuery query) : query_(std::move(query)) {}
  CompiledQuery query_;
};

}  // namespace tracestore::predicate
