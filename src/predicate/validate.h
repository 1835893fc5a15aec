// Which queries are right. The parser of filters and CompiledQuery share these rules.
#pragma once
#include <string>

#include <tracestore/query.h>

namespace tracestore::predicate {

// The name of a field in the filter language ("duration", "trace.spans"); "attribute" for
// kAttribute.
const char* FieldName(Field field) noexcept;
// "=", "!=", "<", … "exists".
const char* OpName(CompareOp op) noexcept;

// Whether `op` makes sense for the field. Error: kInvalidArgument, naming those that do.
Status ValidateOp(Field field, CompareOp op);

// The same of a whole condition, `type` and `other` included; not whether its value can be read.
Status ValidateCondition(const Condition& condition);

// The shape of an expression: depth, number of conditions, one child of kNot and kSomeSpan, no
// trace field and no kSomeSpan inside kSomeSpan. Conditions' values are CompiledCondition's matter.
// Not recursive: any expression that exists may be given.
Status ValidateShape(const Expression& expression);

}  // namespace tracestore::predicate
