#include "predicate/span_filter.h"

#include <utility>

#include "base/try.h"
#include "predicate/batch_binding.h"

namespace tracestore::predicate {

Result<SpanFilter> SpanFilter::Compile(std::string_view text) {
  TS_TRY_ASSIGN(Expression where, ParseFilter(text));
  Query query;
  query.where = Expression::SomeSpan(std::move(where));
  TS_TRY_ASSIGN(CompiledQuery compiled, CompiledQuery::Compile(query));
  return SpanFilter(std::move(compiled));
}

std::vector<bool> SpanFilter::Match(model::SpanBatch& batch) const {
  // No leaf matches a firehose span, because no search does.
  std::vector<std::uint32_t> firehose;
  for (std::uint32_t row = 0; row < batch.size(); ++row) {
    if (!batch.spans[row].firehose()) continue;
    firehose.push_back(row);
    batch.spans[row].flags &= ~model::kFlagFirehose;
  }
  std::vector<bool> out(batch.size());
  BatchBinding binding(query_, batch);
  const std::size_t leaf = query_.required_leaves().front();
  for (std::uint32_t row = 0; row < batch.size(); ++row) out[row] = binding.MatchesLeaf(leaf, row);
  for (const std::uint32_t row : firehose) batch.spans[row].flags |= model::kFlagFirehose;
  return out;
}

}  // namespace tracestore::predicate
