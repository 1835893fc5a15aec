#include "server/jaeger/filter_expression.h"

#include <utility>

#include "predicate/validate.h"
#include "server/jaeger/filter_check.h"
#include "server/jaeger/filter_lowering.h"

namespace tracestore::server {
namespace {

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }
Error Malformed(const Error& error) {
  return Invalid("malformed parameter query.filter: " + error.message());
}

}  // namespace

Result<Expression> FilterExpression(Result<codec::FilterTree> tree, const std::string& beside) {
  if (!tree.has_value()) return Malformed(tree.error());
  auto filter = ReadFilter(std::move(tree).value());
  if (!filter.has_value()) return Malformed(filter.error());
  if (!beside.empty()) {
    return Invalid("invalid query filter: it cannot be combined with [" + beside +
                   "]; express those predicates in the filter instead");
  }
  if (const Status valid = ValidateFilter(*filter); !valid.has_value())
    return Invalid("invalid query filter: " + valid.error().message());
  Expression where = Expression::SomeSpan(LowerFilter(*filter));
  if (const Status fits = predicate::ValidateShape(where); !fits.has_value()) {
    return Invalid("this storage backend cannot serve this query filter: " +
                   fits.error().message());
  }
  return where;
}

}  // namespace tracestore::server
