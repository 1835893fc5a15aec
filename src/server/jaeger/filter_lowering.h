// A checked filter as the engine's expression.
#pragma once
#include <tracestore/query.h>

#include "server/jaeger/filter_check.h"

namespace tracestore::server {

// Of one span: to stand in a kSomeSpan. Precondition: ValidateFilter() took it.
Expression LowerFilter(const CheckedFilter& filter);

}  // namespace tracestore::server
