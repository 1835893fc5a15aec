// Any text as a structured filter: what is taken is a tree, and what is right compiles. And as a
// constant of each type and as a pattern.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "codec/jaeger/filter_tree.h"
#include "predicate/compiled_query.h"
#include "predicate/pattern.h"
#include "predicate/validate.h"
#include "server/jaeger/filter_check.h"
#include "server/jaeger/filter_lowering.h"

using namespace tracestore;

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckPreorder(const codec::FilterTree& tree) {
  Check(!tree.terms.empty() && tree.terms[0].kind == codec::FilterTerm::Kind::kCall);
  std::vector<unsigned> parents(tree.terms.size());
  for (std::uint32_t i = 0; i < tree.terms.size(); ++i) {
    std::uint32_t before = i;
    for (const std::uint32_t arg : tree.terms[i].args) {
      Check(arg > before && arg < tree.terms.size());
      before = arg;
      ++parents[arg];
    }
  }
  Check(parents[0] == 0);
  for (std::size_t i = 1; i < parents.size(); ++i) Check(parents[i] == 1);
}

void TryFilter(std::string_view text) {
  auto tree = codec::DecodeFilterJson(text);
  if (!tree.has_value()) return Check(tree.error().code() == ErrorCode::kInvalidArgument);
  CheckPreorder(*tree);
  auto filter = server::ReadFilter(std::move(tree).value());
  if (!filter.has_value()) return Check(filter.error().code() == ErrorCode::kInvalidArgument);
  if (!server::ValidateFilter(*filter).has_value()) return;
  Query query;
  query.where = Expression::SomeSpan(server::LowerFilter(*filter));
  if (!predicate::ValidateShape(query.where).has_value()) return;
  Check(predicate::CompiledQuery::Compile(query).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TryFilter(text);
  for (const auto type :
       {server::FilterType::kInt, server::FilterType::kDouble, server::FilterType::kBool,
        server::FilterType::kDuration, server::FilterType::kTimestamp}) {
    (void)server::ReadConstant(type, text);
  }
  (void)predicate::TraitsOf(text);
  if (size < 256) (void)predicate::PatternProblem(text);
  return 0;
}
